package share

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/handlers/hop"
	"convoy/handlers/live"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/pty"
	"convoy/templates"
)

const (
	// MaxGuests bounds the open streams of one link on this node.
	MaxGuests = 32
	// maxStreams bounds those of all links.
	maxStreams = 1024
)

var (
	errOtherShell = web.NewError(http.StatusForbidden,
		"this link opens one shell only", "remove the other shells from the request")
	errManyGuests = web.NewError(http.StatusTooManyRequests,
		"this link has the maximum number of viewers", "try again when a viewer has left")
	errOwnerAway = web.NewError(http.StatusBadGateway, "the node of this shell cannot be reached", "try again later")
)

type shareKey struct{}

// shareOf is the link that a request below /share/ comes by.
func shareOf(r *http.Request) Share {
	s, _ := r.Context().Value(shareKey{}).(Share)
	return s
}

// RequireLink refuses requests without a token that a node of the cluster made, and that has not expired. The others
// have no login, whatever cookie the browser sends. A forged token is an unknown address like any other.
func (g *Guests) RequireLink(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Robots-Tag", "noindex, nofollow")
		s, ok := g.Keys.Verify(chi.URLParam(r, "token"))
		if !ok {
			g.Hub.Site.Fail(w, r, web.ErrNotFound)
			return
		}
		ctx := context.WithValue(r.Context(), shareKey{}, s)
		r = r.WithContext(session.With(ctx, session.Session{Identity: access.Identity{Grant: "link " + s.ID}}))
		if s.expired(time.Now()) {
			g.Hub.Site.Fail(w, r, errExpired)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// OnOwner serves a guest's request for what on the node of the shell, here or one hop away. The owner's list of links
// decides what the guest may do.
func (g *Guests) OnOwner(what string, fn web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		s := shareOf(r)
		if s.Node == g.Hub.Self {
			params := &chi.RouteContext(r.Context()).URLParams
			params.Add("shell", s.Shell)
			params.Add("link", s.ID)
			return fn(w, r)
		}
		r.Body = http.MaxBytesReader(w, r.Body, hop.MaxBody)
		return ownerAway(g.Hub.Nodes.Forward(w, r, s.Node,
			"/nodes/"+url.PathEscape(s.Node)+s.path()+"/"+what+"?"+r.URL.RawQuery))
	}
}

// ownerAway is err without what strangers must not learn about the cluster.
func ownerAway(err error) error {
	if e, ok := errors.AsType[*web.Error](err); ok && e.Status == http.StatusBadGateway {
		return errOwnerAway
	}
	return err
}

// describe asks the shell's node about the link.
func (g *Guests) describe(r *http.Request) (shared description, err error) {
	s := shareOf(r)
	if s.Node == g.Hub.Self {
		return g.describeOwn(r.Context(), s.Shell, s.ID)
	}
	err = g.Hub.Nodes.GetJSON(r.Context(), s.Node, s.path(), &shared)
	if _, ended := errors.AsType[*web.Error](err); err != nil && !ended {
		err = errOwnerAway
	}
	return shared, err
}

// ShowPage handles GET /share/{token}.
func (g *Guests) ShowPage(w http.ResponseWriter, r *http.Request) error {
	shared, err := g.describe(r)
	if err != nil {
		return err
	}
	if !web.WantsHTML(r) {
		return web.WriteJSON(w, http.StatusOK, shared)
	}
	page := g.Hub.Site.Page(r, shared.Title)
	page.Node = shared.Node
	return g.Hub.Site.Render(w, http.StatusOK, "share", templates.Share{
		Page:    page,
		Shell:   shared.Shell,
		Types:   shared.Right == "type",
		Expires: shared.Expires,
	})
}

// OpenCarrier handles GET /share/{token}/carrier.
func (g *Guests) OpenCarrier(w http.ResponseWriter, r *http.Request) error {
	if _, err := g.describe(r); err != nil && err != errOwnerAway {
		return err
	}
	release, err := take(g.Carriers, shareOf(r))
	if err != nil {
		return err
	}
	defer release()
	return g.Hub.ServeCarrier(w, r)
}

// OpenStream handles GET and POST /share/{token}/stream.
func (g *Guests) OpenStream(w http.ResponseWriter, r *http.Request) error {
	s := shareOf(r)
	query, err := g.Hub.ReadQuery(r)
	if err != nil {
		return err
	}
	for _, other := range query.Shells {
		if other.Key() != s.key() {
			return errOtherShell
		}
	}
	if len(query.Shells) == 0 {
		query.Shells = []live.At{{Node: s.Node, Shell: s.Shell, Off: pty.FromScreen}}
	}
	query.Nodes, query.Log = false, false
	if _, err := g.describe(r); err != nil && err != errOwnerAway { // while it is away, the stream reports that
		return err
	}
	g.Hub.Log.Info("shell opened by a link", "shell", s.key(), "link", s.ID, "right", s.right(), "addr", web.Addr(r))
	return g.Hub.Serve(w, r, live.Stream{
		Query: query,
		Output: func(ctx context.Context, at live.At, viewer pty.Viewer) iter.Seq2[pty.Event, error] {
			return g.output(ctx, s, at, viewer)
		},
		Take:  func() (func(), error) { return take(g.Streams, s) },
		Guest: true,
	})
}

// take counts what a link's guest opens.
func take(q session.Quota, s Share) (release func(), err error) {
	release, err = q.TryAcquire(access.Claim{Identity: access.Identity{User: s.ID}})
	if errors.Is(err, access.ErrUserLimit) {
		return nil, errManyGuests
	}
	return release, session.QuotaError(err, q.Things)
}

// FollowShell handles POST /share/{token}/streams/{stream}/shells/{node}/{shell}.
func (g *Guests) FollowShell(w http.ResponseWriter, r *http.Request) error {
	asked, err := g.Hub.Followed(r)
	if err != nil {
		return err
	}
	if asked.Key() != shareOf(r).key() {
		return errOtherShell
	}
	return g.Hub.FollowShell(w, r)
}

// output follows a link's shell, here or on another node, until the link expires.
func (g *Guests) output(parent context.Context, s Share, at live.At, viewer pty.Viewer) iter.Seq2[pty.Event, error] {
	return func(yield func(pty.Event, error) bool) {
		ctx, cancel := context.WithDeadlineCause(parent, s.Expires, errExpired)
		defer cancel()
		out := g.ownOutput(ctx, s.ID, at, viewer)
		if s.Node != g.Hub.Self {
			out = g.Hub.RemoteOutput(ctx, s.Node, s.path()+"/output?"+live.OutputQuery(viewer, at.Off))
		}
		for e, err := range out {
			if ctx.Err() != nil {
				break
			}
			if !yield(e, err) {
				return
			}
		}
		if context.Cause(ctx) == errExpired {
			yield(pty.Event{}, errExpired)
		}
	}
}
