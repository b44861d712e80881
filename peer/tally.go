package peer

import "sync"

// tally counts goroutines or handlers under way, and lets nobody begin once they
// are waited for.
type tally struct {
	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

// enter counts one more, unless the tally is closed; leave takes it off.
func (t *tally) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.group.Add(1)
	return true
}

func (t *tally) leave() { t.group.Done() }

// run begins a goroutine and reports whether it did.
func (t *tally) run(f func()) bool {
	if !t.enter() {
		return false
	}
	go func() {
		defer t.leave()
		f()
	}()
	return true
}

// wait closes the tally and waits for all that are under way.
func (t *tally) wait() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.group.Wait()
}
