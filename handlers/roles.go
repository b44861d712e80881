package handlers

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/pty"
)

// may lets a request through if whoever asks may do that. It stands at every route, on the console and on the node that
// does it: neither takes the other's word (docs/security.md).
func may(a access.Action, fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !sessionOf(r).Role.Allows(a) {
			return refused(sessionOf(r).Role, a)
		}
		return fn(w, r)
	}
}

// inShell lets a request through if whoever asks may do that in the shell of the path.
func (h *Handlers) inShell(a access.Action, fn handler) handler {
	return may(a, func(w http.ResponseWriter, r *http.Request) error {
		s, err := h.Shells.Get(chi.URLParam(r, "shell"))
		if err != nil {
			return err
		}
		if !mayIn(sessionOf(r).Role, a, s) {
			return refusedIn(s)
		}
		return fn(w, r)
	})
}

// mayIn reports whether a role may do something in a shell: a shell has the rights of whoever opened it, so it takes
// that role, or a greater one.
func mayIn(role access.Role, a access.Action, s *pty.Shell) bool {
	return role.Allows(a) && role >= rightOf(s)
}

// rightOf is the role that a shell was opened with. System shells have all the power there is, whoever opened them.
func rightOf(s *pty.Shell) access.Role { return rightFor(s.Kind(), s.Right()) }

// actFor has a Convoy shell act for the login by which its opener types in it now: the one that opened it may have
// ended meanwhile. It has no more rights than it was opened with.
func actFor(s *pty.Shell, typing session) {
	was, err := access.ParseIdentity(s.Right())
	if err != nil || s.Kind() != "convoy" || was.User != typing.User ||
		was.Generation != typing.Generation || was.Grant == typing.Grant {
		return
	}
	now := typing.Identity
	now.Role = was.Role
	s.SetRight(now.String())
}

func rightFor(kind, right string) access.Role {
	who, err := access.ParseIdentity(right)
	if err != nil || kind != "convoy" {
		return access.Admin
	}
	return who.Role
}

// roleName is a login's role for a page, empty for who is not logged in.
func roleName(s session) string {
	if s.Role == access.Nobody {
		return ""
	}
	return s.Role.String()
}

// refused is the answer to who may not.
func refused(role access.Role, a access.Action) error {
	least, ok := access.RequiredRole(a)
	if !ok || role == access.Nobody {
		return &problem{Status: http.StatusForbidden, Text: fmt.Sprintf("log in to %s", a), Hint: "log in at /login"}
	}
	return &problem{
		Status: http.StatusForbidden,
		Text:   fmt.Sprintf("with the role %s you cannot %s", role, a),
		Hint:   fmt.Sprintf("you need the role %s", least),
	}
}

func refusedIn(s *pty.Shell) error {
	return &problem{
		Status: http.StatusForbidden,
		Text:   fmt.Sprintf("this shell has the rights of the role %s", rightOf(s)),
		Hint:   "open your own shell",
	}
}

// limited is a viewer of a shell that types only if whoever asks may.
func limited(ctx context.Context, viewer pty.Viewer, s *pty.Shell) pty.Viewer {
	viewer.CanType = viewer.CanType && mayIn(sessionFrom(ctx).Role, access.Type, s)
	return viewer
}
