package handlers

import (
	"sync"
	"time"
)

const (
	// sharedLife is how long a list of nodes is good for another page though nothing is known to have changed.
	sharedLife = time.Second
	// sharedLogs bounds the nodes whose lines are kept.
	sharedLogs = 100
)

// state is what is known of nodes and shells: until one of these is closed it is the same.
type state struct{ fleet, shells <-chan struct{} }

// shared is what all pages get, rendered once for all of them: with a thousand pages open, each rendering for itself
// would keep the node busy for seconds whenever a shell opens.
type shared struct {
	mu    sync.Mutex // held while something is rendered: who wants the same waits for it
	state state
	at    time.Time // when list was rendered
	list  []byte    // of nodes
	logs  map[string]batch
}

// batch is the last event with lines of a node's log: those from one place to another.
type batch struct {
	from, to place
	data     []byte
}

// nodes is the list of nodes of that state, or a later one. Nobody may change it.
func (s *shared) nodes(now state, render func() ([]byte, error)) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list != nil && s.state == now && time.Since(s.at) < sharedLife {
		return s.list, nil
	}
	at := time.Now()
	list, err := render()
	if err != nil {
		return nil, err
	}
	s.state, s.at, s.list = now, at, list
	return list, nil
}

// lines is the event with the lines of a node's log from one place to another. Nobody may change it.
func (s *shared) lines(node string, from, to place, render func() ([]byte, error)) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.logs[node]; ok && last.from == from && last.to == to {
		return last.data, nil
	}
	data, err := render()
	if err != nil {
		return nil, err
	}
	if s.logs == nil || len(s.logs) >= sharedLogs {
		s.logs = map[string]batch{}
	}
	s.logs[node] = batch{from, to, data}
	return data, nil
}
