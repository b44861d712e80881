package handlers

import (
	"cmp"
	"maps"
	"net/http"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/handlers/hop"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/pty"
)

// route is a request that this node handles for users or other nodes, and what it takes. One of serve, ofShell and
// inShell handles it.
type route struct {
	at    string        // method and path
	may   access.Action // the role must allow it
	audit string        // its name in the audit log; "": it is not recorded
	where where
	quota *session.Quota // how many of them one user may have at once; nil: any number

	auditSoon bool // it is answered before its entry in the audit log is safely on disk

	sameSite bool // a GET that other sites must not make a browser send
	file     bool // it carries a file, which may take long

	// part responds to htmx with what the handler's JSON has become of; nil: the handler does that itself, or has no part.
	part partHandler

	serve   web.Handler
	ofShell shellHandler // for the shell in the path
	inShell shellHandler // for the shell in the path, if the role is at least the shell's
}

// shellHandler handles a request for a shell of this node.
type shellHandler func(w http.ResponseWriter, r *http.Request, s *pty.Shell) error

// where says which node serves a request.
type where int

const (
	onAny     where = iota + 1 // the one that is asked
	onOwner                    // the one in the path; one hop away, if it is another
	onControl                  // the one that creates nodes, likewise
	onThis                     // the one in the path, which must be the one that is asked
	onHome                     // the one where the user logged in, one hop away, if it is another
)

// complete reports whether a route has all that its checks need, and one handler.
func (rt route) complete() bool {
	handlers := 0
	for _, set := range []bool{rt.serve != nil, rt.ofShell != nil, rt.inShell != nil} {
		if set {
			handlers++
		}
	}
	return rt.may != "" && rt.where != 0 && handlers == 1
}

// gate makes an http.HandlerFunc of a route: its checks, its entry in the audit log, and the response to its error.
func (h *Handlers) gate(rt route) http.HandlerFunc {
	if !rt.complete() {
		panic("route " + rt.at + " needs a right, a place and one handler")
	}
	fn := h.recorded(rt)
	if rt.part != nil {
		fn = withPart(rt.part, fn)
	}
	if rt.sameSite {
		fn = sameSite(fn)
	}
	return h.site.Handle(fn)
}

// recorded serves a route behind its checks, with its entry in the audit log.
func (h *Handlers) recorded(rt route) web.Handler {
	switch {
	case rt.audit == "":
		return h.enforce(rt)
	case rt.auditSoon:
		return h.sessions.RecordedSoon(rt.audit, h.enforce(rt))
	}
	return h.sessions.Recorded(rt.audit, h.enforce(rt))
}

// sameSite refuses requests that another site makes a browser send.
func sameSite(fn web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := web.CheckSameSite(r); err != nil {
			return err
		}
		return fn(w, r)
	}
}

// enforce checks the role, then forwards the request if another node serves it, then finds the shell and checks the
// right to it. The node that serves a forwarded request makes these checks again, with the role that the first node
// signed.
func (h *Handlers) enforce(rt route) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) (err error) {
		role, limit := session.RoleOf(r), int64(hop.MaxBody)
		if !role.Allows(rt.may) {
			return session.Forbidden(role, rt.may)
		}
		if rt.file {
			if r.Method == http.MethodPost {
				limit = h.MaxUpload
			}
			t, end := h.beginTransfer(w, r)
			defer func() { err = end(err) }()
			if err := h.checkTransfer(r); err != nil {
				return err
			}
			w = t
		}
		if rt.quota != nil {
			release, err := session.Acquire(r, *rt.quota)
			if err != nil {
				return err
			}
			defer release()
		}
		if name, err := h.serverOf(r, rt.where); err != nil {
			return err
		} else if name != h.Self {
			r.Body = http.MaxBytesReader(w, r.Body, limit)
			switch rt.where {
			case onControl:
				return h.askControl(w, r, name)
			case onHome:
				return h.nodes.Forward(w, r, name, r.URL.EscapedPath())
			}
			return h.forward(w, r, name)
		}
		if rt.serve != nil {
			return rt.serve(w, r)
		}
		s, err := h.Shells.Get(chi.URLParam(r, "shell"))
		switch {
		case err != nil:
			return err
		case rt.ofShell != nil:
			return rt.ofShell(w, r, s)
		case !session.MayIn(role, rt.may, s):
			return session.ForbiddenIn(s)
		}
		return rt.inShell(w, r, s)
	}
}

// forward forwards a request to the node in its path. htmx gets another node's refusal as a notice, like one of this
// node.
func (h *Handlers) forward(w http.ResponseWriter, r *http.Request, name string) error {
	if !web.IsHTMX(r) {
		return h.nodes.ForwardToOwner(w, r, name)
	}
	response, err := accepted(r, func(w http.ResponseWriter, r *http.Request) error {
		return h.nodes.ForwardToOwner(w, r, name)
	})
	if err != nil {
		return err
	}
	maps.Copy(w.Header(), response.head)
	w.WriteHeader(response.status)
	_, err = w.Write(response.Bytes())
	return err
}

// serverOf is the node that serves a request.
func (h *Handlers) serverOf(r *http.Request, by where) (string, error) {
	switch by {
	case onOwner:
		node, err := h.nodes.Of(r)
		return node.Name, err
	case onControl:
		return h.controlName(), nil
	case onThis:
		return h.Self, h.nodes.CheckHere(r)
	case onHome:
		return cmp.Or(session.Of(r).Home, h.Self), nil
	}
	return h.Self, nil
}

// onThisNode serves a request for this node.
func (h *Handlers) onThisNode(fn web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := h.nodes.CheckHere(r); err != nil {
			return err
		}
		return fn(w, r)
	}
}

// What one user, or all together, may use of this node at once (docs/security.md, Bounds).
const (
	maxTransfers    = 64
	transfersOfUser = 8
	maxRuns         = 64 // of the steps of runbooks
	runsOfUser      = 8
	maxAsks         = 2048 // requests of Convoy shells that run elsewhere
	asksOfUser      = 64
	shellsOfUser    = 32
	// shellsReserve is how many of the node's shells only an admin opens.
	shellsReserve = 32
)

// quotas count what is in use.
type quotas struct{ transfers, runs, asks session.Quota }

func newQuotas() quotas {
	return quotas{
		transfers: session.NewQuota("transfers in progress", maxTransfers, transfersOfUser, transfersOfUser),
		runs:      session.NewQuota("runs of runbooks", maxRuns, runsOfUser, runsOfUser),
		asks:      session.NewQuota("requests of Convoy shells", maxAsks, asksOfUser, asksOfUser),
	}
}

// checkShells refuses one shell too many of a user. The caller holds h.opening, so that concurrent ones are counted.
func (h *Handlers) checkShells(s session.Session) error {
	own, all, most := h.Shells.Running(func(right string) bool {
		who, err := access.ParseIdentity(right)
		return err == nil && who.User == s.User
	})
	most = max(shellsReserve, most-shellsReserve) // a small table has no reserve
	switch {
	case own >= shellsOfUser && (s.Role != access.Admin || own >= most):
		return session.OverLimit("shells on this node")
	case s.Role != access.Admin && all >= most:
		return session.QuotaError(access.ErrBusy, "shells")
	}
	return nil
}
