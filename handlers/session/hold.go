package session

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"convoy/access"
	"convoy/handlers/web"
)

// ErrRightLost ends reads and writes when the user loses the right to them.
var ErrRightLost = errors.New("your right to do this was revoked")

// ServeAs serves a request of a session for as long as its rights last. When its role becomes a lesser one, the
// request's context ends, and so do all reads and writes.
func (m *Manager) ServeAs(next http.Handler, w http.ResponseWriter, r *http.Request, s Session) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	held := &heldAnswer{control: http.NewResponseController(w), cancel: cancel}
	stop := m.Authority.Watch(s.Identity, s.Role, func(now access.Role) {
		if now < s.Role {
			web.StopPacing(w)
			held.end()
		}
	})
	s.release = func() { stop(); held.release() }
	defer s.release()
	ctx = With(ctx, s)
	r = r.WithContext(ctx)
	r.Body = &heldBody{r.Body, ctx}
	next.ServeHTTP(&heldWriter{w, ctx}, r)
}

// Release lets the request finish although it ends its own session.
func (s Session) Release() {
	if s.release != nil {
		s.release()
	}
}

// heldAnswer ends when the right to it is lost, unless it was released before.
type heldAnswer struct {
	control *http.ResponseController
	cancel  context.CancelCauseFunc

	mu       sync.Mutex
	released bool
}

// end stops and interrupts all reads and writes. The context ends first: code that sets another deadline meanwhile
// checks it before the next read or write.
func (a *heldAnswer) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.released {
		return
	}
	a.cancel(ErrRightLost)
	a.control.SetReadDeadline(time.Now())  //nolint:errcheck // tests' recorders have no deadlines
	a.control.SetWriteDeadline(time.Now()) //nolint:errcheck // as above
}

func (a *heldAnswer) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.released = true
}

// heldBody reads nothing more once the right to send it is lost.
type heldBody struct {
	io.ReadCloser
	ctx context.Context
}

func (b *heldBody) Read(into []byte) (int, error) {
	if context.Cause(b.ctx) == ErrRightLost {
		return 0, ErrRightLost
	}
	return b.ReadCloser.Read(into)
}

// heldWriter writes nothing more once the right to read it is lost.
type heldWriter struct {
	http.ResponseWriter
	ctx context.Context
}

func (w *heldWriter) Write(b []byte) (int, error) {
	if context.Cause(w.ctx) == ErrRightLost {
		return 0, ErrRightLost
	}
	return w.ResponseWriter.Write(b)
}

// Flush implements http.Flusher, which has no error.
func (w *heldWriter) Flush() { http.NewResponseController(w.ResponseWriter).Flush() } //nolint:errcheck

// Unwrap is for http.ResponseController.
func (w *heldWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
