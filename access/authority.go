package access

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// HomeNodes asks other nodes for the current roles of the users that logged in there.
type HomeNodes interface {
	// Roles returns the current role of each identity, in the same order. An error means that the node did not answer.
	Roles(ctx context.Context, node string, list []Identity) ([]Role, error)
}

// AuthorityConfig is what an Authority decides by.
type AuthorityConfig struct {
	Self      string    // full name of this node
	Users     *Users    // nil: no users file
	Grants    *Grants   // required
	HomeNodes HomeNodes // nil: there are no other nodes
	// Token and OpenID are the current generations of the console's token and of the provider's configuration; "" if they
	// cannot change while a login made by them exists.
	Token, OpenID string
	Log           *slog.Logger
}

// Authority decides what a user may do now, and notifies watchers when that changes. It is safe for concurrent use.
type Authority struct {
	AuthorityConfig

	mu          sync.Mutex
	leases      map[Identity]lease
	unreachable map[string]time.Time // nodes that did not answer, and when
	querying    map[string]bool      // nodes that Run is querying
	watches     map[*watch]struct{}
	wake        chan struct{} // signalled when the first watch starts
}

// NewAuthority returns an Authority. Watchers are notified only while Run runs.
func NewAuthority(cfg AuthorityConfig) *Authority {
	return &Authority{
		AuthorityConfig: cfg,
		leases:          map[Identity]lease{},
		unreachable:     map[string]time.Time{},
		querying:        map[string]bool{},
		watches:         map[*watch]struct{}{},
		wake:            make(chan struct{}, 1),
	}
}

// NewIdentity returns the identity of a user who logs in at this node, with the user's current generation.
func (a *Authority) NewIdentity(user string, role Role) Identity {
	id := Identity{User: user, Role: role, Home: a.Self}
	id.Generation, _ = a.generation(user)
	return id
}

// Role returns the user's current role, Nobody if the login is no longer valid. If the user's home is another node, it
// may query that node, for at most queryTimeout.
func (a *Authority) Role(ctx context.Context, id Identity) Role {
	if id.Home != a.Self && a.stale(id) {
		// A cancelled request must not leave a guess in the cache for the next one.
		a.query(context.WithoutCancel(ctx), id.Home, []Identity{id})
	}
	role, _ := a.knownRole(id)
	return role
}

// LocalRole answers another node's query: the role of a user whose home is this node.
func (a *Authority) LocalRole(id Identity) Role {
	if id.Home != a.Self {
		return Nobody
	}
	role, _ := a.knownRole(id)
	return role
}

// knownRole returns the role as far as this node knows, without a query. ok is false if it is only what the identity
// claims, because the home node has not been queried yet.
func (a *Authority) knownRole(id Identity) (role Role, ok bool) {
	switch {
	case id.Role == Nobody || id.Home == "" || a.Grants.IsRevoked(id):
		return Nobody, true
	case !id.NotAfter.IsZero() && !time.Now().Before(id.NotAfter):
		return Nobody, true
	case id.Home == a.Self:
		role, ok = a.homeRole(id), true
	default:
		role, ok = a.remoteRole(id)
	}
	if id.MaxRole != Nobody {
		role = min(role, id.MaxRole)
	}
	return role, ok
}

// noGeneration is the generation of a user who does not exist. No identity with it is valid.
const noGeneration = "none"

// homeRole returns the role of a user whose home is this node.
func (a *Authority) homeRole(id Identity) Role {
	generation, role := a.generation(id.User)
	if generation != id.Generation || generation == noGeneration {
		return Nobody
	}
	if role == Nobody { // not in the users file: the provider set it at the login
		return id.Role
	}
	return role
}

// generation returns a user's current generation and role.
func (a *Authority) generation(user string) (string, Role) {
	switch id := (Identity{User: user}); {
	case user == ConsoleToken:
		return a.Token, Admin
	case !id.inFile():
		return a.OpenID, Nobody
	case a.Users == nil:
		return noGeneration, Nobody
	}
	found, err := a.Users.Get(user)
	if err != nil && !errors.Is(err, ErrNoUser) {
		a.Log.Error("cannot read the users file; its users have no rights until it can be read", "err", err)
	}
	if err != nil {
		return noGeneration, Nobody
	}
	return found.Generation, found.Role
}
