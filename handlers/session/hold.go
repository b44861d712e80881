package session

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"convoy/access"
	"convoy/handlers/web"
)

// ErrRightLost ends reads and writes when the user loses the right to them.
var ErrRightLost = errors.New("your right to do this was revoked")

// ServeAs serves a request of a session for as long as its rights last. If the user's role is lowered, the request's
// context ends, and so do all reads and writes.
func (m *Manager) ServeAs(next http.Handler, w http.ResponseWriter, r *http.Request, s *Session) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	var held web.Deadlines
	control := http.NewResponseController(w)
	stop := m.onLoss(s, func() {
		web.StopPacing(w)
		held.End(func() {
			// Cancel first: code that sets a new deadline concurrently checks the context before its next read or write.
			cancel(ErrRightLost)

			control.SetReadDeadline(time.Now())  //nolint:errcheck // tests' recorders have no deadlines
			control.SetWriteDeadline(time.Now()) //nolint:errcheck // as above
		})
	})
	s.release = func() { stop(); held.End(func() {}) }
	defer s.release()
	ctx = share(ctx, s)
	r = r.WithContext(ctx)
	r.Body = &heldBody{r.Body, ctx}
	next.ServeHTTP(&heldWriter{w, ctx}, r)
}

// Outlive returns a context with the session of a request, which does not end with it: it ends with parent, or when the
// user's role is lowered. Call end when the work is done.
func (m *Manager) Outlive(parent context.Context, r *http.Request) (ctx context.Context, end func()) {
	s := shared(r.Context())
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
	unwatch := m.onLoss(s, func() { cancel(ErrRightLost) })
	stop := context.AfterFunc(parent, func() { cancel(context.Cause(parent)) })
	return ctx, func() { unwatch(); stop(); cancel(nil) }
}

// onLoss calls lost when the user's role is lowered, until stop is called.
func (m *Manager) onLoss(s *Session, lost func()) (stop func()) {
	return m.Authority.Watch(s.Identity, s.Role, func(now access.Role) {
		if now < s.Role {
			lost()
		}
	})
}

// Release lets the request finish although it ends its own session.
func (s Session) Release() {
	if s.release != nil {
		s.release()
	}
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
