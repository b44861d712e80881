package handlers

import (
	"sync"

	"convoy/pty"
	"convoy/templates"
)

// streams are the open tabs by id.
type streams struct {
	left signal // one has ended
	mu   sync.Mutex
	tabs map[string]*tab
	shut bool // no more
	idle sync.WaitGroup
}

func newStreams() *streams { return &streams{tabs: map[string]*tab{}} }

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
	s.left.fire()
	s.idle.Done()
}

// open is how many there are.
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
		if t.share == nil {
			t.notify(n)
		}
	}
}

// close lets no more streams open and waits for the open ones; the handlers' context must have ended.
func (s *streams) close() {
	s.mu.Lock()
	s.shut = true
	s.mu.Unlock()
	s.idle.Wait()
}
