// Package session finds out who makes a request and what they may do: logins by token, password and OpenID Connect,
// bearer tokens, page keys, the list of logins, requests signed by other nodes, and the audit log's view of all that.
package session

import (
	"context"
	"net/http"
	"time"

	"convoy/access"
	"convoy/handlers/web"
)

// Session identifies the caller of a request and their current role.
//
// A login's cookie holds its exported fields. It is signed, not encrypted: any node with the cluster's cookie accepts
// it, as far as [access.Authority] says that it is still valid.
type Session struct {
	access.Identity
	Role    access.Role `json:"-"`    // now
	Seen    time.Time   `json:"seen"` // last use, to within seenStep
	Expires time.Time   `json:"expires"`
	// Keys are hashes of the page keys that a login is bound to. Without any it opens nothing yet, unless it is Plain.
	Keys  []string `json:"keys,omitempty"`
	Plain bool     `json:"plain,omitempty"` // it needs no page key

	addr    string // that the request came from
	bearer  bool   // by a bearer token
	subject string // the provider's name of the user, at a login
	release func() // keeps a request that ends its own session from being aborted
}

type sessionKey struct{}

// Of is who makes a request. The zero session is a stranger.
func Of(r *http.Request) Session { return From(r.Context()) }

// From is who made the request that a context belongs to.
func From(ctx context.Context) Session { return *shared(ctx) }

// RoleOf is the present role of who makes a request.
func RoleOf(r *http.Request) access.Role { return shared(r.Context()).Role }

var stranger Session

// shared is the session of ctx, which nobody may change. A stream's handlers use it in place of copies, each of which
// would stay on the stream's stack for as long as it lasts.
func shared(ctx context.Context) *Session {
	if s, ok := ctx.Value(sessionKey{}).(*Session); ok {
		return s
	}
	return &stranger
}

// With makes s the session of ctx.
func With(ctx context.Context, s Session) context.Context { return share(ctx, &s) }

func share(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// Actor is the user with the present role, for what outlives the request: a shell, a link, a request to another node.
func (s Session) Actor() access.Identity {
	w := s.Identity
	w.Role = s.Role
	return w
}

// RoleName is the role for pages and the audit log, empty for strangers.
func (s Session) RoleName() string {
	if s.Role == access.Nobody {
		return ""
	}
	return s.Role.String()
}

// ClientAddr is the address of the user, whichever node they asked.
func ClientAddr(r *http.Request) string {
	if s := Of(r); s.addr != "" {
		return s.addr
	}
	return web.Addr(r)
}
