package live

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"convoy/fleet"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/pty"
)

var errGone = web.NewError(http.StatusNotFound, "no such stream", "it has ended; open a new one")

// follow is one shell that a stream follows.
type follow struct {
	stop context.CancelFunc
	done chan struct{} // closed after its last event
}

// follow begins to send a shell's output, and replaces an earlier follow of the same shell: errGone if the stream has
// ended, 429 if the stream or its user follows the maximum number of shells.
func (t *tab) follow(s At) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := s.Key()
	old := t.follows[key]
	if !t.ready {
		return errGone
	}
	if old == nil && len(t.follows) >= maxFollows {
		return session.OverLimit("shells on one stream")
	}
	release, err := t.login.Acquire(t.hub.Follows)
	if err != nil {
		return err
	}
	if old != nil {
		old.stop()
	}
	ctx, cancel := context.WithCancel(t.ctx)
	f := &follow{cancel, make(chan struct{})}
	t.follows[key] = f
	t.group.Go(func() {
		defer release()
		defer t.forget(key, f)
		defer close(f.done)
		if old != nil {
			<-old.done // what it sends later would undo newer events, such as a size
		}
		t.sendShell(ctx, s)
	})
	return nil
}

func (t *tab) forget(key string, f *follow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f.stop()
	if t.follows[key] == f {
		delete(t.follows, key)
	}
}

func (t *tab) unfollow(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.follows[key]; f != nil {
		f.stop()
	}
}

// sendShell sends a shell's events. While its node cannot be reached, it sends lost once and keeps trying, from the
// byte that comes next.
func (t *tab) sendShell(ctx context.Context, s At) {
	key, lost := s.Key(), false
	for ctx.Err() == nil {
		for e, err := range t.Output(ctx, s, t.Query.Viewer) {
			switch {
			case ctx.Err() != nil:
				return
			case t.hub.gone(s.Node, err) != "":
				t.sendJSON("gone", map[string]any{"shell": key, "error": t.hub.gone(s.Node, err)})
				t.endGuest(ctx)
				return
			case err != nil && !lost:
				lost = true
				t.sendJSON("lost", map[string]any{"shell": key, "error": "its node cannot be reached"})
			case err == nil:
				lost = false
				s.Off = reached(s.Off, e)
				t.sendShellEvent(key, e)
				if e.Kind == pty.Stalled {
					t.drop()
				}
				if e.Last() {
					return
				}
			}
		}
		sleep(ctx, lostPause)
	}
}

// Gone is why a shell can no longer be followed; "" if err is another error.
func Gone(err error) string {
	p, ok := errors.AsType[*web.Error](err)
	switch {
	case errors.Is(err, pty.ErrNotFound):
		return "this shell no longer exists"
	case ok && p.Status == http.StatusGone:
		return p.Text
	}
	return ""
}

// gone is Gone for a shell of a node, which may have ended with all its shells.
func (h *Hub) gone(node string, err error) string {
	if err != nil && slices.ContainsFunc(h.Overview().Nodes, func(n fleet.Node) bool {
		return n.Name == node && n.Status == fleet.Ended
	}) {
		return "its node has ended"
	}
	return Gone(err)
}

// endGuest ends the stream of a link that has ended, after time for its last event.
func (t *tab) endGuest(ctx context.Context) {
	if t.Guest && sleep(ctx, lastWait) {
		t.drop()
	}
}

// reached is the offset to continue from after an event. The size that precedes a screen does not count as the screen.
func reached(off int64, e pty.Event) int64 {
	switch e.Kind {
	case pty.Output:
		return e.Off + int64(len(e.Bytes))
	case pty.Reset:
		return e.Off
	}
	return off
}

// resetEvent is a reset, with the screen in base64, unless the stored output follows.
type resetEvent struct {
	Shell  string `json:"shell"`
	Off    int64  `json:"off"`
	Screen []byte `json:"screen,omitempty"`
}

// presenceEvent lists a shell's viewers.
type presenceEvent struct {
	Shell string `json:"shell"`
	pty.Presence
}

func (t *tab) sendShellEvent(key string, e pty.Event) {
	switch e.Kind {
	case pty.Output:
		t.sendOutput(key, e.Off, e.Bytes)
	case pty.Reset:
		t.sendJSON("reset", resetEvent{key, e.Off, e.Bytes})
	case pty.Resize:
		t.sendJSON("size", map[string]any{"shell": key, "off": e.Off, "rows": e.Size.Rows, "cols": e.Size.Cols})
	case pty.Exited:
		t.sendJSON("exit", map[string]any{"shell": key, "off": e.Off, "code": e.Exit.Code, "signal": e.Exit.Signal})
	case pty.Present:
		t.sendJSON("presence", presenceEvent{key, e.Presence})
	}
}

// FollowShell handles POST /streams/{stream}/shells/{node}/{shell}.
func (h *Hub) FollowShell(w http.ResponseWriter, r *http.Request) error {
	t, s, err := h.tabOf(r)
	if err != nil {
		return err
	}
	if r.URL.Query().Has("from") {
		if s.Off, err = web.Number(r, "from", pty.FromHistory); err != nil {
			return err
		}
	}
	return web.NoContent(w, t.follow(s))
}

// UnfollowShell handles DELETE /streams/{stream}/shells/{node}/{shell}.
func (h *Hub) UnfollowShell(w http.ResponseWriter, r *http.Request) error {
	t, s, err := h.tabOf(r)
	if err != nil {
		return err
	}
	t.unfollow(s.Key())
	return web.NoContent(w, nil)
}

// Followed is the shell that such a request follows.
func (h *Hub) Followed(r *http.Request) (At, error) {
	_, s, err := h.tabOf(r)
	return s, err
}

// tabOf is the stream and the shell in the path. Only the login that opened a stream may change it.
func (h *Hub) tabOf(r *http.Request) (*tab, At, error) {
	t := h.streams.find(chi.URLParam(r, "stream"))
	if t == nil {
		return nil, At{}, errGone
	}
	if t.login.Grant != session.Of(r).Grant {
		return nil, At{}, web.NewError(http.StatusForbidden,
			"this stream belongs to another login", "open a stream of your own")
	}
	node, err := h.Nodes.Of(r)
	if err != nil {
		return nil, At{}, err
	}
	return t, At{Node: node.Name, Shell: chi.URLParam(r, "shell"), Off: -1}, nil
}
