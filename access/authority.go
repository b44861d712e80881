package access

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Homes asks other nodes what the users that they let in may do now.
type HomeNodes interface {
	// Roles returns the present role of each, in the same order. An error says that the node cannot be asked.
	Roles(ctx context.Context, node string, list []Identity) ([]Role, error)
}

// AuthorityConfig is what an Authority decides by.
type AuthorityConfig struct {
	Self      string    // this node's full name
	Users     *Users    // nil: no file of users
	Grants    *Grants   // required
	HomeNodes HomeNodes // nil: there is no other node
	// Token and OpenID are the present generations of the console's token and of the provider's configuration; "" if
	// they cannot change while something is kept that was made by them.
	Token, OpenID string
	Log           *slog.Logger
}

// Authority says what somebody may do now, and tells those who have something open when that changes. Its methods may
// be called by several goroutines.
type Authority struct {
	AuthorityConfig

	mu          sync.Mutex
	leases      map[Identity]lease
	unreachable map[string]time.Time // nodes that did not answer, and when that was
	querying    map[string]bool      // nodes that Run asks at this moment
	watches     map[*watch]struct{}
	wake        chan struct{} // is sent to when the first hold begins
}

// NewAuthority makes one. Run it, so that it notices what nobody asks for.
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

// Let names somebody whom this node lets in: with its name as home, and the user's present generation.
func (a *Authority) NewIdentity(user string, role Role) Identity {
	w := Identity{User: user, Role: role, Home: a.Self}
	w.Generation, _ = a.generation(user)
	return w
}

// Role is what somebody may do now, Nobody if nothing any more. It may have to ask another node, which takes no longer
// than askHomeWait.
func (a *Authority) Role(ctx context.Context, w Identity) Role {
	if w.Home != a.Self && a.stale(w) {
		// Whoever asks and goes away must not leave a guess behind for the next request.
		a.query(context.WithoutCancel(ctx), w.Home, []Identity{w})
	}
	role, _ := a.knownRole(w)
	return role
}

// Answer is the role of somebody whom this node let in, for another node that asks.
func (a *Authority) LocalRole(w Identity) Role {
	if w.Home != a.Self {
		return Nobody
	}
	role, _ := a.knownRole(w)
	return role
}

// known is what somebody may do as far as this node knows; it asks nobody. ok is false if that is only what was signed,
// because the node that let them in has not been asked yet.
func (a *Authority) knownRole(w Identity) (role Role, ok bool) {
	switch {
	case w.Role == Nobody || w.Home == "" || a.Grants.IsRevoked(w):
		return Nobody, true
	case !w.NotAfter.IsZero() && !time.Now().Before(w.NotAfter):
		return Nobody, true
	case w.Home == a.Self:
		role, ok = a.homeRole(w), true
	default:
		role, ok = a.remoteRole(w)
	}
	if w.MaxRole != Nobody {
		role = min(role, w.MaxRole)
	}
	return role, ok
}

// gone is the generation of a user who is not there. No Who has it for long: own refuses it.
const noGeneration = "none"

// own is the present role of somebody whom this node let in.
func (a *Authority) homeRole(w Identity) Role {
	generation, role := a.generation(w.User)
	if generation != w.Generation || generation == noGeneration {
		return Nobody
	}
	if role == Nobody { // that is not kept here: the provider said it at the login
		return w.Role
	}
	return role
}

// generation is a user's present generation and role.
func (a *Authority) generation(user string) (string, Role) {
	switch w := (Identity{User: user}); {
	case user == ConsoleToken:
		return a.Token, Admin
	case !w.inFile():
		return a.OpenID, Nobody
	case a.Users == nil:
		return noGeneration, Nobody
	}
	found, err := a.Users.Get(user)
	if err != nil && !errors.Is(err, ErrNoUser) {
		a.Log.Error("the users cannot be read, so nobody of them may do anything", "err", err)
	}
	if err != nil {
		return noGeneration, Nobody
	}
	return found.Generation, found.Role
}
