package peer

import "sync"

// taskGroup counts running goroutines or handlers, and admits no more once it waits for them.
type taskGroup struct {
	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

// enter counts one more, unless the group is closed; leave ends it.
func (g *taskGroup) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.group.Add(1)
	return true
}

func (g *taskGroup) leave() { g.group.Done() }

// run starts a goroutine, and reports whether it did.
func (g *taskGroup) run(f func()) bool {
	if !g.enter() {
		return false
	}
	go func() {
		defer g.leave()
		f()
	}()
	return true
}

// wait closes the group and waits for everything in it.
func (g *taskGroup) wait() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.group.Wait()
}
