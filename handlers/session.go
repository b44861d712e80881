package handlers

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"convoy/access"
)

// session is who asks, with what they may do now.
//
// Of a login it is what its cookie says. That is signed, not encrypted: any node that holds the cluster's cookie
// honours it, as far as [access.Authority] says that it still counts.
type session struct {
	access.Identity
	Role    access.Role `json:"-"`    // now
	Seen    time.Time   `json:"seen"` // so far the login was used, give or take seenStep
	Expires time.Time   `json:"expires"`
	// Keys are hashes of the page keys that a login is bound to; none of them: it opens nothing yet. Plain logins need
	// none.
	Keys  []string `json:"keys,omitempty"`
	Plain bool     `json:"plain,omitempty"`

	addr    string // where the request came from
	bearer  bool   // by a bearer token
	subject string // what the provider calls the user, while it logs in
	release func() // has the request go on when the right to it is lost: it is what takes the right away
}

type sessionKey struct{}

// sessionOf is who asks; the zero session is nobody.
func sessionOf(r *http.Request) session { return sessionFrom(r.Context()) }

// sessionFrom is who asked for what a context is of.
func sessionFrom(ctx context.Context) session {
	s, _ := ctx.Value(sessionKey{}).(session)
	return s
}

// who is whoever asks, for what outlives the request: a shell, a link, a request to another node.
func (s session) who() access.Identity {
	w := s.Identity
	w.Role = s.Role
	return w
}

// errRightLost ends what somebody has open who may not have it open any longer.
var errRightLost = errors.New("your right to do this was revoked")

// serveAs serves a request of somebody for as long as they may do what they may do now: when their role becomes a
// lesser one, the request's context ends, and so does the connection, whatever is under way.
func (h *Handlers) serveAs(next http.Handler, w http.ResponseWriter, r *http.Request, s session) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	held := &heldAnswer{control: http.NewResponseController(w), cancel: cancel}
	stop := h.Authority.Watch(s.Identity, s.Role, func(now access.Role) {
		if now < s.Role {
			unpace(w)
			held.end()
		}
	})
	s.release = func() { stop(); held.release() }
	defer s.release()
	ctx = context.WithValue(ctx, sessionKey{}, s)
	r = r.WithContext(ctx)
	r.Body = &heldBody{r.Body, ctx}
	next.ServeHTTP(&heldWriter{w, ctx}, r)
}

// heldAnswer is what ends when the right to it is lost, until it is released: the answer is not touched afterwards.
type heldAnswer struct {
	control *http.ResponseController
	cancel  context.CancelCauseFunc

	mu       sync.Mutex
	released bool
}

// end lets nothing more be read or written, and interrupts what waits. The context ends first: whoever sets another
// deadline meanwhile looks at it before the next read or write.
func (a *heldAnswer) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.released {
		return
	}
	a.cancel(errRightLost)
	a.control.SetReadDeadline(time.Now())  //nolint:errcheck // tests' recorders have no deadlines
	a.control.SetWriteDeadline(time.Now()) //nolint:errcheck // as above
}

func (a *heldAnswer) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.released = true
}

// heldBody gives nothing more once the right to send it is lost.
type heldBody struct {
	io.ReadCloser
	ctx context.Context
}

func (b *heldBody) Read(into []byte) (int, error) {
	if context.Cause(b.ctx) == errRightLost {
		return 0, errRightLost
	}
	return b.ReadCloser.Read(into)
}

// heldWriter writes nothing more once the right to read it is lost.
type heldWriter struct {
	http.ResponseWriter
	ctx context.Context
}

func (w *heldWriter) Write(b []byte) (int, error) {
	if context.Cause(w.ctx) == errRightLost {
		return 0, errRightLost
	}
	return w.ResponseWriter.Write(b)
}

// Flush is for those who ask for an http.Flusher.
// A Flusher has none.
func (w *heldWriter) Flush() { http.NewResponseController(w.ResponseWriter).Flush() } //nolint:errcheck

// Unwrap is for http.ResponseController.
func (w *heldWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
