package web

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	// BodyWait is the usual Site.BodyWait.
	BodyWait = 30 * time.Second
	// WriteWait is the usual Site.WriteWait.
	WriteWait = 20 * time.Second
)

// Pace sets the deadlines of each request, so that a stalled client does not hold resources: one for its body, and one
// for each piece of its response. Handlers of streams and files call [SetOwnDeadlines].
func (s *Site) Pace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := newExchange(w)
		x.wait = s.WriteWait
		x.extend() // the previous request on this connection left another deadline
		defer x.extend()
		r = x.found.with(r)
		if r.Body != nil && r.Body != http.NoBody {
			x.control.SetReadDeadline(time.Now().Add(s.BodyWait)) //nolint:errcheck // tests' recorders have no deadlines
			x.body.ReadCloser = r.Body
			r.Body = &x.body
		}
		next.ServeHTTP(x, r)
	})
}

// extend extends the deadline for another piece of the response, unless that was done a moment ago.
func (x *exchange) extend() {
	if x.wait == 0 {
		return
	}
	x.own.Set(func() {
		if now := time.Now(); now.Sub(x.extended) >= x.wait/8 {
			x.extended = now
			x.control.SetWriteDeadline(now.Add(x.wait)) //nolint:errcheck // as in Pace
		}
	})
}

// pacedBody is a body with a deadline, which net/http removes at the body's end.
type pacedBody struct {
	io.ReadCloser
	off bool // a deadline that passes is not Pace's
}

func (b *pacedBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if !b.off && errors.Is(err, os.ErrDeadlineExceeded) {
		err = ErrSlowBody
	}
	return n, err
}

// SetOwnDeadlines tells Pace that the handler sets all deadlines of its request from now on. Call it before anything
// reads the body.
func SetOwnDeadlines(w http.ResponseWriter) {
	if x := exchangeOf(w); x != nil {
		x.body.off = true
	}
	StopPacing(w)
}

// StopPacing leaves the deadline of a response to the caller. It may be called concurrently with the handler.
func StopPacing(w http.ResponseWriter) {
	if x := exchangeOf(w); x != nil {
		x.own.End(func() {})
	}
}

// Deadlines orders those that set the deadlines of one request, until the last one has. The zero value is ready. It is
// safe for concurrent use.
type Deadlines struct {
	mu    sync.Mutex
	ended bool
}

// Set calls set, and reports true; after End it only reports false.
func (d *Deadlines) Set(set func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ended {
		set()
	}
	return !d.ended
}

// End calls set for the last time, unless it was called before.
func (d *Deadlines) End(set func()) {
	d.Set(func() {
		d.ended = true
		set()
	})
}
