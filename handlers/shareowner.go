package handlers

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/pty"
)

const (
	defaultShare = time.Hour
	minShare     = time.Minute
	maxShare     = 30 * 24 * time.Hour
)

// linkView is a link as docs/protocol.md shows it. Its address is in no list: it is shown once, to who made it.
type linkView struct {
	ID      string     `json:"id"`
	URL     string     `json:"url,omitempty"`
	Right   string     `json:"right"`
	Label   string     `json:"label"`
	By      string     `json:"by"`
	Made    time.Time  `json:"made"`
	Expires time.Time  `json:"expires"`
	Used    *time.Time `json:"used"`
	Viewers int        `json:"viewers"`
}

// view is the link now. The list is locked, or the link is in nobody else's hands yet.
func (l *link) view() linkView {
	return linkView{
		ID:      l.id,
		Right:   l.right(),
		Label:   l.label,
		By:      l.by.User,
		Made:    l.made.UTC(),
		Expires: l.expires,
		Used:    instant(l.used),
		Viewers: l.viewers,
	}
}

// GET /nodes/{node}/shells/{shell}/links
func (h *Handlers) listLinks(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Shells.Get(chi.URLParam(r, "shell"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, h.links.list(s.Info().ID))
}

// POST /nodes/{node}/shells/{shell}/links
func (h *Handlers) makeLink(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Shells.Get(chi.URLParam(r, "shell"))
	if err != nil {
		return err
	}
	what, label, err := readLink(w, r)
	if err != nil {
		return err
	}
	what.node, what.shell = h.Self, s.Info().ID
	l, err := h.links.add(what, label, sessionOf(r).who())
	if err != nil {
		return err
	}
	h.Log.Info("link made", "shell", l.shell, "link", l.id, "right", l.right(), "expires", l.expires, "by", l.by.User)
	view := l.view()
	view.URL = "/share/" + h.shareKeys.token(l.share)
	return writeJSON(w, http.StatusCreated, view)
}

// readLink decodes what a link shall be: the right, how long it is good, and a label.
func readLink(w http.ResponseWriter, r *http.Request) (what share, label string, err error) {
	var ask struct{ Right, Expires, Label string }
	if err := readWish(w, r, &ask); err != nil {
		return what, "", err
	}
	switch ask.Right {
	case "", "watch":
	case "type":
		what.types = true
	default:
		return what, "", badRequest("right must be watch or type, not %q", ask.Right)
	}
	d, err := time.ParseDuration(cmp.Or(ask.Expires, defaultShare.String()))
	if err != nil || d < minShare || d > maxShare {
		return what, "", badRequest("expires must be a duration from 1m to 720h, such as 8h, not %q", ask.Expires)
	}
	what.expires = time.Now().Add(d).Truncate(time.Second).UTC()
	label, err = readName("label", ask.Label)
	return what, label, err
}

// DELETE /nodes/{node}/shells/{shell}/links/{link}
func (h *Handlers) revokeLink(w http.ResponseWriter, r *http.Request) error {
	l, err := h.links.revoke(chi.URLParam(r, "shell"), chi.URLParam(r, "link"))
	if err != nil {
		return err
	}
	h.Log.Info("link revoked", "shell", l.shell, "link", l.id, "by", sessionOf(r).User)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type linkKey struct{}

// linked serves a request by a link: fn gets it as one of a viewer of that link, and only for its shell. It ends with
// the link. types: only a link to type will do.
func (h *Handlers) linked(types bool, fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		l, err := h.links.find(r.Context(), chi.URLParam(r, "shell"), chi.URLParam(r, "link"))
		if err != nil {
			return err
		}
		if types && !l.types {
			return errOnlyWatch
		}
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), linkKey{}, l))
		defer cancel()
		defer context.AfterFunc(l.ctx, cancel)()
		r = r.WithContext(ctx)
		if _, err := viewerOf(r); err != nil {
			return err
		}
		h.links.use(l, 0)
		err = fn(w, r)
		if err != nil && l.ctx.Err() != nil {
			return l.why()
		}
		return err
	}
}

// sharedShell is what a link's holder is told of the shell.
type sharedShell struct {
	Node    string    `json:"node"`
	Shell   string    `json:"shell"`
	Title   string    `json:"title"`
	Running bool      `json:"running"`
	Right   string    `json:"right"`
	Expires time.Time `json:"expires"`
}

// describeLink finds a link's shell.
func (h *Handlers) describeLink(ctx context.Context, shell, id string) (sharedShell, error) {
	l, err := h.links.find(ctx, shell, id)
	if err != nil {
		return sharedShell{}, err
	}
	s, err := h.Shells.Get(shell)
	if err != nil {
		return sharedShell{}, errShellGone
	}
	info := s.Info()
	return sharedShell{
		Node:    h.Self,
		Shell:   shell,
		Title:   info.Title,
		Running: info.Running,
		Right:   l.right(),
		Expires: l.expires,
	}, nil
}

// GET /nodes/{node}/shells/{shell}/shared/{link}, from another node.
func (h *Handlers) serveLink(w http.ResponseWriter, r *http.Request) error {
	said, err := h.describeLink(r.Context(), chi.URLParam(r, "shell"), chi.URLParam(r, "link"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, said)
}

// GET /nodes/{node}/shells/{shell}/shared/{link}/output, from another node: as serveOutput, while the link is good.
func (h *Handlers) serveLinkOutput(w http.ResponseWriter, r *http.Request) error {
	viewer, err := attachmentOf(r)
	if err != nil {
		return err
	}
	from, err := number(r, "from", pty.FromScreen)
	if err != nil {
		return err
	}
	ctx, cancel := h.untilClose(r.Context())
	defer cancel()
	return writeFrames(w, h.linkOutput(ctx, chi.URLParam(r, "shell"), chi.URLParam(r, "link"), viewer, from))
}

// linkOutput follows a shell of this node for a holder of a link to it. It ends with the link, and the error says why.
func (h *Handlers) linkOutput(
	parent context.Context,
	shell, id string,
	viewer pty.Viewer,
	from int64,
) iter.Seq2[pty.Event, error] {
	return func(yield func(pty.Event, error) bool) {
		l, err := h.links.find(parent, shell, id)
		if err != nil {
			yield(pty.Event{}, err)
			return
		}
		defer h.links.hold(parent, l)()
		if err := h.links.enter(l); err != nil {
			yield(pty.Event{}, err)
			return
		}
		defer h.links.use(l, -1)
		ctx, cancel := context.WithCancel(parent)
		defer cancel()
		defer context.AfterFunc(l.ctx, cancel)()
		for e, err := range h.ownOutput(ctx, shell, l.viewer(viewer), from) {
			if !yield(e, err) {
				return
			}
		}
		if parent.Err() == nil && gone(l.why()) != "" {
			yield(pty.Event{}, l.why())
		}
	}
}
