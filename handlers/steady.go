package handlers

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// errStopped ends the transfers of a node that stops.
var errStopped = errors.New("the node is stopping")

// steady is the request's body and the response of a transfer that may take long but must get on: each read and each
// write has a deadline of its own.
type steady struct {
	http.ResponseWriter
	body    io.ReadCloser
	control *http.ResponseController
	wait    time.Duration // for each read and write

	mu    sync.Mutex // orders the deadlines
	ended bool
}

// Read reads the body. Its end takes the deadline away: from then on net/http reads, to see whether the client is
// there.
func (s *steady) Read(b []byte) (int, error) {
	if !s.extend(s.control.SetReadDeadline, time.Now().Add(s.wait)) {
		return 0, errStopped
	}
	n, err := s.body.Read(b)
	if errors.Is(err, io.EOF) {
		s.extend(s.control.SetReadDeadline, time.Time{})
	}
	return n, err
}

func (s *steady) Close() error { return s.body.Close() }

func (s *steady) Write(b []byte) (int, error) {
	if !s.extend(s.control.SetWriteDeadline, time.Now().Add(s.wait)) {
		return 0, errStopped
	}
	return s.ResponseWriter.Write(b)
}

// extend sets a deadline; false once the transfer has ended.
func (s *steady) extend(set func(time.Time) error, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	set(at) //nolint:errcheck // tests' recorders have no deadlines
	return true
}

// interrupt ends what is under way, and all that would come.
func (s *steady) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended = true
		s.control.SetReadDeadline(time.Now())  //nolint:errcheck // as above
		s.control.SetWriteDeadline(time.Now()) //nolint:errcheck // as above
	}
}

// finish leaves the connection to the next request. The deadline of reading stays, so that net/http does not wait for
// long for a body that nobody wants; it sets its own afterwards.
func (s *steady) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended = true
		s.control.SetWriteDeadline(time.Now().Add(s.wait)) //nolint:errcheck // as above
	}
}
