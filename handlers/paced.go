package handlers

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// bodyWait is how long a request's body may take to come, all of it; files have a rule of their own (steady).
const bodyWait = 30 * time.Second

var errSlowBody = &problem{
	Status: http.StatusRequestTimeout,
	Text:   "the body did not arrive in time",
	Hint:   "send it again",
}

// pace gives each request a time for its body, and each piece of its answer a time to be taken: a client that stands
// still keeps nothing here. Streams and files take over (takeOver), as they may last.
func (h *Handlers) pace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &paced{ResponseWriter: w, control: http.NewResponseController(w), wait: h.writeWait}
		p.extend() // of the request before on this connection
		defer p.extend()
		if r.Body != nil && r.Body != http.NoBody {
			p.control.SetReadDeadline(time.Now().Add(h.bodyWait)) //nolint:errcheck // tests' recorders have no deadlines
			r.Body = &pacedBody{r.Body}
		}
		next.ServeHTTP(p, r)
	})
}

// paced is an answer each piece of which has to be taken in time.
type paced struct {
	http.ResponseWriter
	control *http.ResponseController
	wait    time.Duration

	mu  sync.Mutex // orders the deadlines
	off bool       // somebody else sets them
}

func (p *paced) extend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.off {
		p.control.SetWriteDeadline(time.Now().Add(p.wait)) //nolint:errcheck // tests' recorders have no deadlines
	}
}

func (p *paced) WriteHeader(status int) {
	p.extend()
	p.ResponseWriter.WriteHeader(status)
}

func (p *paced) Write(b []byte) (int, error) {
	p.extend()
	return p.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (p *paced) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// pacedBody is a body whose deadline is set. net/http takes that away at the body's end.
type pacedBody struct{ io.ReadCloser }

func (b *pacedBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errSlowBody
	}
	return n, err
}

// takeOver has a handler set all deadlines of a request itself from now on.
func takeOver(w http.ResponseWriter, r *http.Request) {
	switch b := r.Body.(type) {
	case *pacedBody:
		r.Body = b.ReadCloser
	case *heldBody:
		if inner, ok := b.ReadCloser.(*pacedBody); ok {
			r.Body = &heldBody{inner.ReadCloser, b.ctx}
		}
	}
	unpace(w)
}

// unpace has no deadline of an answer's be set any more but by its caller.
func unpace(w http.ResponseWriter) {
	if p := layerOf[*paced](w); p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.off = true
	}
}
