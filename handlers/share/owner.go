// Package share lets people without a login view one shell, or type in it, by a link: the tokens in links, the list of
// links on the shell's node, and the routes of those who have a link, the guests.
package share

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/handlers/live"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/pty"
	"convoy/templates"
)

const (
	defaultLife = time.Hour
	minLife     = time.Minute
	maxLife     = 30 * 24 * time.Hour
)

// Guests serves links: to users who manage them, and to the guests who use them. Its methods may be called
// concurrently.
type Guests struct {
	Keys              Keys
	Links             *Links // to this node's shells
	Hub               *live.Hub
	Streams, Carriers session.Quota // of all links, and of each
}

// New makes Guests.
func New(hub *live.Hub, links *Links, keys Keys) *Guests {
	return &Guests{
		Keys:     keys,
		Links:    links,
		Hub:      hub,
		Streams:  session.NewQuota("streams of share links", maxStreams, 0, MaxGuests),
		Carriers: session.NewQuota("connections of share links", maxStreams, 0, MaxGuests),
	}
}

// view describes the link. The caller holds the lock of its list, or is the only one that has it.
func (l *Link) view() templates.ShareLink {
	return templates.ShareLink{
		ID:      l.ID,
		Right:   l.right(),
		Label:   l.label,
		By:      l.by.User,
		Made:    l.made.UTC(),
		Expires: l.Expires,
		Used:    web.Time(l.used),
		Viewers: l.viewers,
	}
}

// List handles GET /nodes/{node}/shells/{shell}/links.
func (g *Guests) List(w http.ResponseWriter, _ *http.Request, s *pty.Shell) error {
	return web.WriteJSON(w, http.StatusOK, g.Links.list(s.Info().ID))
}

// Create handles POST /nodes/{node}/shells/{shell}/links.
func (g *Guests) Create(w http.ResponseWriter, r *http.Request, s *pty.Shell) error {
	what, label, err := readLink(w, r)
	if err != nil {
		return err
	}
	what.Node, what.Shell = g.Hub.Self, s.Info().ID
	l, err := g.Links.Add(what, label, session.Of(r).Actor())
	if err != nil {
		return err
	}
	g.Hub.Log.Info("link made", "shell", l.Shell, "link", l.ID, "right", l.right(), "expires", l.Expires, "by", l.by.User)
	view := l.view()
	view.URL = "/share/" + g.Keys.Token(l.Share)
	return web.WriteJSON(w, http.StatusCreated, view)
}

// readLink decodes the options of a new link: the right, its life, and a label.
func readLink(w http.ResponseWriter, r *http.Request) (what Share, label string, err error) {
	var ask struct{ Right, Expires, Label string }
	if err := web.ReadOptions(w, r, &ask); err != nil {
		return what, "", err
	}
	switch ask.Right {
	case "", "watch":
	case "type":
		what.Types = true
	default:
		return what, "", web.BadRequest("right must be watch or type, not %q", ask.Right)
	}
	d, err := time.ParseDuration(cmp.Or(ask.Expires, defaultLife.String()))
	if err != nil || d < minLife || d > maxLife {
		return what, "", web.BadRequest("expires must be a duration from 1m to 720h, such as 8h, not %q", ask.Expires)
	}
	what.Expires = time.Now().Add(d).Truncate(time.Second).UTC()
	label, err = web.Name("label", ask.Label)
	return what, label, err
}

// Revoke handles DELETE /nodes/{node}/shells/{shell}/links/{link}.
func (g *Guests) Revoke(w http.ResponseWriter, r *http.Request, _ *pty.Shell) error {
	l, err := g.Links.revoke(chi.URLParam(r, "shell"), chi.URLParam(r, "link"))
	if err != nil {
		return err
	}
	g.Hub.Log.Info("link revoked", "shell", l.Shell, "link", l.ID, "by", session.Of(r).User)
	return web.NoContent(w, nil)
}

// right is what a route takes of a link.
type right bool

const (
	// View is the right that every link gives, Type the right of some.
	View right = false
	Type right = true
)

// ByLink serves a guest's request on the shell's node. fn sees a viewer of the link, and only its shell. The request
// ends with the link.
func (g *Guests) ByLink(needs right, fn func(http.ResponseWriter, *http.Request, *pty.Shell) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		l, err := g.Links.Find(r.Context(), chi.URLParam(r, "shell"), chi.URLParam(r, "link"))
		if err != nil {
			return err
		}
		if needs == Type && !l.Types {
			return errViewOnly
		}
		ctx, cancel := context.WithCancel(live.WithPrefix(r.Context(), l.viewerID("")))
		defer cancel()
		defer context.AfterFunc(l.ctx, cancel)()
		r = r.WithContext(ctx)
		if _, err := live.ViewerOf(r); err != nil {
			return err
		}
		g.Links.use(l, 0)
		s, err := g.Hub.Shells.Get(l.Shell)
		if err == nil {
			err = fn(w, r, s)
		}
		if err != nil && l.Ended() {
			return l.why()
		}
		return err
	}
}

// description is what a guest learns about the shell.
type description struct {
	Node    string    `json:"node"`
	Shell   string    `json:"shell"`
	Title   string    `json:"title"`
	Running bool      `json:"running"`
	End     *int64    `json:"end,omitempty"` // nil: a node of an older version does not say it
	Right   string    `json:"right"`
	Expires time.Time `json:"expires"`
}

// describeOwn describes a shell of this node to a guest.
func (g *Guests) describeOwn(ctx context.Context, shell, link string) (description, error) {
	l, err := g.Links.Find(ctx, shell, link)
	if err != nil {
		return description{}, err
	}
	s, err := g.Hub.Shells.Get(shell)
	if err != nil {
		return description{}, errShellGone
	}
	info := s.Info()
	return description{
		Node:    g.Hub.Self,
		Shell:   shell,
		Title:   info.Title,
		Running: info.Running,
		End:     &info.End,
		Right:   l.right(),
		Expires: l.Expires,
	}, nil
}

// Describe handles GET /nodes/{node}/shells/{shell}/shared/{link}, from another node.
func (g *Guests) Describe(w http.ResponseWriter, r *http.Request) error {
	shared, err := g.describeOwn(r.Context(), chi.URLParam(r, "shell"), chi.URLParam(r, "link"))
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, shared)
}

// ServeOutput handles GET /nodes/{node}/shells/{shell}/shared/{link}/output, from another node: frames, as long as the
// link is valid.
func (g *Guests) ServeOutput(w http.ResponseWriter, r *http.Request) error {
	viewer, err := live.Attachment(r)
	if err != nil {
		return err
	}
	from, err := web.Number(r, "from", pty.FromScreen)
	if err != nil {
		return err
	}
	ctx, cancel := g.Hub.UntilClose(r.Context())
	defer cancel()
	at := live.At{Node: g.Hub.Self, Shell: chi.URLParam(r, "shell"), Off: from}
	return g.Hub.WriteFrames(w, g.ownOutput(ctx, chi.URLParam(r, "link"), at, viewer))
}

// ownOutput follows a shell of this node for a guest. It ends with the link, and the error is the reason.
func (g *Guests) ownOutput(
	parent context.Context, link string, at live.At, viewer pty.Viewer,
) iter.Seq2[pty.Event, error] {
	return func(yield func(pty.Event, error) bool) {
		l, err := g.Links.Find(parent, at.Shell, link)
		if err != nil {
			yield(pty.Event{}, err)
			return
		}
		defer g.Links.Watch(parent, l)()
		if err := g.Links.enter(l); err != nil {
			yield(pty.Event{}, err)
			return
		}
		defer g.Links.use(l, -1)
		ctx, cancel := context.WithCancel(parent)
		defer cancel()
		defer context.AfterFunc(l.ctx, cancel)()
		for e, err := range g.Hub.OwnOutput(ctx, at, l.viewer(viewer)) {
			if !yield(e, err) {
				return
			}
		}
		if parent.Err() == nil && live.Gone(l.why()) != "" {
			yield(pty.Event{}, l.why())
		}
	}
}
