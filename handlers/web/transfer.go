package web

import (
	"errors"
	"io"
	"net/http"
	"time"
)

var errStopped = errors.New("the node is stopping")

// Transfer is the body of a request and its response, which may take long but not stall: each read and each write has
// its own deadline.
type Transfer struct {
	http.ResponseWriter
	body    io.ReadCloser
	control *http.ResponseController
	idle    time.Duration // for each read and write
	own     Deadlines
}

// NewTransfer takes over the deadlines of a request, whose body it replaces. Call Finish at the end.
func NewTransfer(w http.ResponseWriter, r *http.Request, idle time.Duration) *Transfer {
	SetOwnDeadlines(w)
	t := &Transfer{ResponseWriter: w, body: r.Body, control: http.NewResponseController(w), idle: idle}
	r.Body = t
	return t
}

// Read reads the body. At its end it removes the deadline: from then on net/http reads, to notice that the client has
// gone.
func (t *Transfer) Read(b []byte) (int, error) {
	if !t.own.Set(func() { t.control.SetReadDeadline(time.Now().Add(t.idle)) }) { //nolint:errcheck // as in Pace
		return 0, errStopped
	}
	n, err := t.body.Read(b)
	if errors.Is(err, io.EOF) {
		t.own.Set(func() { t.control.SetReadDeadline(time.Time{}) }) //nolint:errcheck // as above
	}
	return n, err
}

// Close closes the body.
func (t *Transfer) Close() error { return t.body.Close() }

func (t *Transfer) Write(b []byte) (int, error) {
	if !t.own.Set(func() { t.control.SetWriteDeadline(time.Now().Add(t.idle)) }) { //nolint:errcheck // as above
		return 0, errStopped
	}
	return t.ResponseWriter.Write(b)
}

// Interrupt ends the transfer: current and later reads and writes fail. It may be called concurrently.
func (t *Transfer) Interrupt() {
	t.own.End(func() {
		t.control.SetReadDeadline(time.Now())  //nolint:errcheck // as above
		t.control.SetWriteDeadline(time.Now()) //nolint:errcheck // as above
	})
}

// Finish leaves the connection to the next request. The read deadline stays, so that net/http does not wait long for a
// unread body; it then sets its own.
func (t *Transfer) Finish() {
	t.own.End(func() { t.control.SetWriteDeadline(time.Now().Add(t.idle)) }) //nolint:errcheck // as above
}
