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
// for each piece of its answer. Handlers of streams and files call [SetOwnDeadlines].
func (s *Site) Pace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), wait: s.WriteWait}
		p.extend() // the previous request on this connection left another deadline
		defer p.extend()
		if r.Body != nil && r.Body != http.NoBody {
			p.control.SetReadDeadline(time.Now().Add(s.BodyWait)) //nolint:errcheck // tests' recorders have no deadlines
			p.body = &pacedBody{ReadCloser: r.Body}
			r.Body = p.body
		}
		next.ServeHTTP(p, r)
	})
}

// pacedWriter extends the deadline with each piece of the answer.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	wait    time.Duration
	body    *pacedBody // nil without a body
	own     Deadlines  // until something else sets them
}

func (p *pacedWriter) extend() {
	p.own.Set(func() { p.control.SetWriteDeadline(time.Now().Add(p.wait)) }) //nolint:errcheck // as in Pace
}

func (p *pacedWriter) WriteHeader(status int) {
	p.extend()
	p.ResponseWriter.WriteHeader(status)
}

func (p *pacedWriter) Write(b []byte) (int, error) {
	p.extend()
	return p.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (p *pacedWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

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
	if p := layerOf[*pacedWriter](w); p != nil && p.body != nil {
		p.body.off = true
	}
	StopPacing(w)
}

// StopPacing leaves the deadline of an answer to the caller. It may be called concurrently with the handler.
func StopPacing(w http.ResponseWriter) {
	if p := layerOf[*pacedWriter](w); p != nil {
		p.own.End(func() {})
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
