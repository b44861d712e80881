package live

import (
	"context"
	"sync"
	"time"

	"convoy/pty"
	"convoy/templates"
)

// streams are the open tabs.
type streams struct {
	mu   sync.Mutex
	tabs map[string]*tab // by id
	shut bool            // add refuses more
	idle sync.WaitGroup
}

func (s *streams) add(t *tab) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return pty.ErrClosed
	}
	s.tabs[t.id] = t
	s.idle.Add(1)
	return nil
}

func (s *streams) remove(t *tab) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tabs, t.id)
	s.idle.Done()
}

// open is the number of open tabs.
func (s *streams) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tabs)
}

func (s *streams) find(id string) *tab {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tabs[id]
}

// notify sends a notice to all that are logged in.
func (s *streams) notify(n templates.Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tabs {
		if !t.Guest {
			t.notify(n)
		}
	}
}

// close refuses further streams and waits for the open ones. The hub's context must have ended.
func (s *streams) close() {
	s.mu.Lock()
	s.shut = true
	s.mu.Unlock()
	s.idle.Wait()
}

// sleep waits, and reports false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// Signal tells any number of waiters that something changed. Its zero value is ready, and its methods may be called
// concurrently.
type Signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// Changed is closed at the next Fire.
func (s *Signal) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

// Fire closes the current channel of Changed.
func (s *Signal) Fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
