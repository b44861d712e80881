package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/pty"
	"convoy/templates"
)

// maxHolders bounds the streams that are open on this node by one link.
const maxHolders = 32

var (
	errOtherShell = &problem{
		Status: http.StatusForbidden,
		Text:   "this link opens one shell only",
		Hint:   "remove the other shells from the request",
	}
	errHolders = &problem{
		Status: http.StatusTooManyRequests,
		Text:   "this link has the maximum number of viewers",
		Hint:   "try again when a viewer has left",
	}
	errOwnerAway = &problem{
		Status: http.StatusBadGateway,
		Text:   "the node of this shell cannot be reached",
		Hint:   "try again later",
	}
)

type shareKey struct{}

// shareOf is the link that a request below /share/ comes by.
func shareOf(r *http.Request) share {
	s, _ := r.Context().Value(shareKey{}).(share)
	return s
}

// requireShare lets only those through who have a token that one of the cluster's nodes made, and whose time is not
// over. They are nobody else then, whatever cookie the browser has. A token that was not made here is an address like
// any other that does not exist.
func (h *Handlers) requireShare(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Robots-Tag", "noindex, nofollow")
		s, ok := h.shareKeys.verify(chi.URLParam(r, "token"))
		if !ok {
			h.do(notFound)(w, r)
			return
		}
		ctx := context.WithValue(r.Context(), shareKey{}, s)
		r = r.WithContext(context.WithValue(ctx, sessionKey{}, session{Identity: access.Identity{Grant: "link " + s.id}}))
		if s.over(time.Now()) {
			h.fail(w, r, errExpired)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// byLink serves a request of a link's holder here if this node owns the shell, else the owner does, one hop away. What
// it serves, the owner's list of links decides.
func (h *Handlers) byLink(what string, fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		s := shareOf(r)
		if s.node == h.Self {
			params := &chi.RouteContext(r.Context()).URLParams
			params.Add("shell", s.shell)
			params.Add("link", s.id)
			return fn(w, r)
		}
		return ownerAway(h.forward(w, r, s.node, s.path()+"/"+what+"?"+r.URL.RawQuery, maxForward))
	}
}

// ownerAway is err without what strangers need not know of the cluster.
func ownerAway(err error) error {
	if p := (*problem)(nil); errors.As(err, &p) && p.Status == http.StatusBadGateway {
		return errOwnerAway
	}
	return err
}

// askLink asks the shell's node for the link.
func (h *Handlers) askLink(r *http.Request) (said sharedShell, err error) {
	s := shareOf(r)
	if s.node == h.Self {
		return h.describeLink(r.Context(), s.shell, s.id)
	}
	answer, err := h.carry(r, s.node, s.path())
	if err != nil {
		return said, ownerAway(err)
	}
	return said, json.Unmarshal(answer.body, &said)
}

// GET /share/{token}
func (h *Handlers) showShare(w http.ResponseWriter, r *http.Request) error {
	said, err := h.askLink(r)
	if err != nil {
		return err
	}
	if !wantsHTML(r) {
		return writeJSON(w, http.StatusOK, said)
	}
	page := h.page(r, said.Title)
	page.Node = said.Node
	return h.set.Render(
		w,
		http.StatusOK,
		"share",
		templates.Share{
			Page:    page,
			Short:   shortName(hostOf(said.Node)),
			Shell:   said.Shell,
			Types:   said.Right == "type",
			Expires: said.Expires,
		},
	)
}

// GET /share/{token}/stream
func (h *Handlers) openShared(w http.ResponseWriter, r *http.Request) error {
	s := shareOf(r)
	open, err := h.readOpening(r)
	if err != nil {
		return err
	}
	for _, other := range open.shells {
		if other.node+"/"+other.shell != s.key() {
			return errOtherShell
		}
	}
	if len(open.shells) == 0 {
		open.shells = []at{{node: s.node, shell: s.shell, off: pty.FromScreen}}
	}
	open.nodes, open.log = false, false
	if _, err := h.askLink(r); err != nil && err != errOwnerAway { // while it is away the stream says so
		return err
	}
	h.Log.Info("shell opened by a link", "shell", s.key(), "link", s.id, "right", s.right(), "addr", h.addrOf(r))
	t := h.newTab(r, open)
	t.share = &s
	return h.serveTab(w, r, t, open)
}

// POST /share/{token}/streams/{stream}/shells/{node}/{shell}
func (h *Handlers) followShared(w http.ResponseWriter, r *http.Request) error {
	_, asked, err := h.tabOf(r)
	if err != nil {
		return err
	}
	if s := shareOf(r); asked.node+"/"+asked.shell != s.key() {
		return errOtherShell
	}
	return h.followShell(w, r)
}

// sharedOutput follows a link's shell wherever it lives, until the link's time is over.
func (h *Handlers) sharedOutput(
	parent context.Context,
	s share,
	viewer pty.Viewer,
	from int64,
) iter.Seq2[pty.Event, error] {
	return func(yield func(pty.Event, error) bool) {
		ctx, cancel := context.WithDeadlineCause(parent, s.expires, errExpired)
		defer cancel()
		out := h.linkOutput(ctx, s.shell, s.id, viewer, from)
		if s.node != h.Self {
			out = h.remoteOutput(ctx, s.node, s.path()+"/output?"+following(viewer, from))
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
