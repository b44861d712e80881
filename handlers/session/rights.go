package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"convoy/access"
	"convoy/handlers/web"
	"convoy/pty"
)

// MayIn reports whether a role may do something in a shell. A shell has the rights of the user who opened it, so only
// that role, or a greater one, may.
func MayIn(role access.Role, a access.Action, s *pty.Shell) bool {
	return role.Allows(a) && role >= ShellRole(s.Kind(), s.Right())
}

// ShellRole is the role whose rights a shell of that kind has, opened with that right. System shells have an admin's,
// no matter who opened them.
func ShellRole(kind, right string) access.Role {
	if kind != "convoy" {
		return access.Admin
	}
	who, err := opener(right)
	if err != nil {
		return access.Admin
	}
	return who.Role
}

// identities are the rights that were parsed: each key asks for that of its shell. What a right means depends on
// nothing else, so that all Managers share them.
var identities recent[string, access.Identity]

// opener is whose right a shell has.
func opener(right string) (access.Identity, error) {
	if who, ok := identities.get(right); ok {
		return who, nil
	}
	who, err := access.ParseIdentity(right)
	if err == nil {
		identities.put(right, who)
	}
	return who, err
}

// ActFor makes a Convoy shell act for the login that its user types with now, with no more rights than it was opened
// with. The login that opened it may have ended.
func ActFor(s *pty.Shell, typing Session) {
	if s.Kind() != "convoy" {
		return
	}
	was, err := opener(s.Right())
	if err != nil || was.User != typing.User || was.Generation != typing.Generation || was.Grant == typing.Grant {
		return
	}
	now := typing.Identity
	now.Role = was.Role
	s.SetRight(now.String())
}

// Limit is the viewer without the right to type, if the user of ctx may not type in the shell.
func Limit(ctx context.Context, viewer pty.Viewer, s *pty.Shell) pty.Viewer {
	viewer.CanType = viewer.CanType && MayIn(From(ctx).Role, access.Type, s)
	return viewer
}

// Forbidden is the 403 of a role that may not do something.
func Forbidden(role access.Role, a access.Action) error {
	least, ok := access.RequiredRole(a)
	if !ok || role == access.Nobody {
		return web.NewError(http.StatusForbidden, fmt.Sprintf("log in to %s", a), "log in at /login")
	}
	return web.NewError(http.StatusForbidden,
		fmt.Sprintf("with the role %s you cannot %s", role, a), fmt.Sprintf("you need the role %s", least))
}

// ForbiddenIn is the 403 of a role that is less than the shell's.
func ForbiddenIn(s *pty.Shell) error {
	return web.NewError(http.StatusForbidden,
		fmt.Sprintf("this shell has the rights of the role %s", ShellRole(s.Kind(), s.Right())), "open your own shell")
}

// Quota limits how much of one thing a user may use at once.
type Quota struct {
	*access.Quota
	Things string // in words, for errors
}

// NewQuota limits the things of all users, and of each. The reserve is for admins.
func NewQuota(things string, total, reserve, each int) Quota {
	return Quota{&access.Quota{Total: total, Reserve: reserve, PerUser: each}, things}
}

// Acquire takes one of the things until release is called; 429 if there is none left for this user, or for anyone.
func (s *Session) Acquire(q Quota) (release func(), err error) {
	release, err = q.Quota.TryAcquire(access.Claim{Identity: s.Actor(), Login: s.Grant})
	return release, QuotaError(err, q.Things)
}

// Acquire takes one of the things for who makes a request.
func Acquire(r *http.Request, q Quota) (release func(), err error) {
	return shared(r.Context()).Acquire(q)
}

// QuotaError turns an error of an [access.Quota] into a 429 that names what is used up. Other errors stay.
func QuotaError(err error, things string) error {
	switch {
	case errors.Is(err, access.ErrUserLimit):
		return OverLimit(things)
	case errors.Is(err, access.ErrBusy):
		return &web.Error{
			Status:     http.StatusTooManyRequests,
			Text:       fmt.Sprintf("this node has the maximum number of %s", things),
			Hint:       "try again later",
			RetryAfter: 5,
		}
	}
	return err
}

// OverLimit is the 429 of a user who has as many of some things as one may have.
func OverLimit(things string) error {
	return web.NewError(http.StatusTooManyRequests,
		fmt.Sprintf("you have the maximum number of %s for one user", things), "end some of them first")
}
