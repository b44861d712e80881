package handlers

import (
	"context"
	"encoding/base64"
	"errors"
	"iter"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"convoy/pty"
)

// follow is a stream's following of one shell.
type follow struct{ stop context.CancelFunc }

// follow begins to send a shell's output, in place of an earlier follow of the same shell: errGone if the stream has
// ended, 429 if it, or its user, follows as much as they may.
func (t *tab) follow(s at) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := s.node + "/" + s.shell
	old := t.follows[key]
	if !t.ready {
		return errGone
	}
	if old == nil && len(t.follows) >= maxFollows {
		return overShare("shells on one stream")
	}
	release, err := t.login.take(t.h.bounds.follows, "followed shells")
	if err != nil {
		return err
	}
	if old != nil {
		old.stop()
	}
	ctx, cancel := context.WithCancel(t.ctx)
	f := &follow{cancel}
	t.follows[key] = f
	t.group.Go(func() {
		defer release()
		defer t.forget(key, f)
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

// sendShell sends a shell's events. While its node cannot be reached it says so once and keeps trying, from the byte
// that would have been next.
func (t *tab) sendShell(ctx context.Context, s at) {
	key := s.node + "/" + s.shell
	lost := false
	for ctx.Err() == nil {
		for e, err := range t.output(ctx, s) {
			switch {
			case ctx.Err() != nil:
				return
			case gone(err) != "":
				t.sendJSON("gone", map[string]any{"shell": key, "error": gone(err)})
				t.endShared(ctx)
				return
			case err != nil && !lost:
				lost = true
				t.sendJSON("lost", map[string]any{"shell": key, "error": "its node cannot be reached"})
			case err == nil:
				lost = false
				s.off = reached(s.off, e)
				t.sendShellEvent(key, e)
				if e.Kind == pty.Stalled {
					t.letGo()
				}
				if e.Last() {
					return
				}
			}
		}
		sleep(ctx, lostPause)
	}
}

// output follows a shell by what the stream was opened with: a login, or a link.
func (t *tab) output(ctx context.Context, s at) iter.Seq2[pty.Event, error] {
	if t.share != nil {
		return t.h.sharedOutput(ctx, *t.share, t.viewer, s.off)
	}
	return t.h.output(ctx, s.node, s.shell, t.viewer, s.off)
}

// gone says why a shell is not followed any longer; "" if err is no reason.
func gone(err error) string {
	var p *problem
	switch {
	case errors.Is(err, pty.ErrNotFound):
		return "there is no such shell on its node"
	case errors.As(err, &p) && p.Status == http.StatusGone:
		return p.Text
	}
	return ""
}

// endShared ends the stream of a link that has ended, when its reader has had time to take the last event.
func (t *tab) endShared(ctx context.Context) {
	if t.share != nil && sleep(ctx, lastWait) {
		t.letGo()
	}
}

// reached is the offset to go on from after an event. Only what has come whole counts: the size that announces a screen
// does not stand for it.
func reached(off int64, e pty.Event) int64 {
	switch e.Kind {
	case pty.Output:
		return e.Off + int64(len(e.Bytes))
	case pty.Reset:
		return e.Off
	}
	return off
}

// resetEvent is a reset, with the screen in base64 unless the output kept comes anew.
type resetEvent struct {
	Shell  string `json:"shell"`
	Off    int64  `json:"off"`
	Screen []byte `json:"screen,omitempty"`
}

// presenceEvent says who looks at a shell.
type presenceEvent struct {
	Shell string `json:"shell"`
	pty.Presence
}

func (t *tab) sendShellEvent(key string, e pty.Event) {
	switch e.Kind {
	case pty.Output:
		data := make([]byte, 0, len(key)+24+base64.StdEncoding.EncodedLen(len(e.Bytes)))
		data = append(append(data, key...), ' ')
		data = append(strconv.AppendInt(data, e.Off, 10), ' ')
		t.send("output", base64.StdEncoding.AppendEncode(data, e.Bytes))
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

// POST /streams/{stream}/shells/{node}/{shell}
func (h *Handlers) followShell(w http.ResponseWriter, r *http.Request) error {
	t, s, err := h.tabOf(r)
	if err != nil {
		return err
	}
	if r.URL.Query().Has("from") {
		if s.off, err = number(r, "from", pty.FromHistory); err != nil {
			return err
		}
	}
	if err := t.follow(s); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// DELETE /streams/{stream}/shells/{node}/{shell}
func (h *Handlers) unfollowShell(w http.ResponseWriter, r *http.Request) error {
	t, s, err := h.tabOf(r)
	if err != nil {
		return err
	}
	t.unfollow(s.node + "/" + s.shell)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// tabOf is the stream, and the shell, that a request is about. A stream is touched only by the login that opened it.
func (h *Handlers) tabOf(r *http.Request) (*tab, at, error) {
	t := h.streams.find(chi.URLParam(r, "stream"))
	if t == nil {
		return nil, at{}, errGone
	}
	if t.login.Grant != sessionOf(r).Grant {
		return nil, at{}, &problem{
			Status: http.StatusForbidden,
			Text:   "this stream belongs to another login",
			Hint:   "open a stream of your own",
		}
	}
	node, err := h.nodeOf(r)
	if err != nil {
		return nil, at{}, err
	}
	return t, at{node: node.Name, shell: chi.URLParam(r, "shell"), off: -1}, nil
}
