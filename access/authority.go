package access

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Homes asks other nodes what the users that they let in may do now.
type Homes interface {
	// Roles returns the present role of each, in the same order. An error says that the node cannot be asked.
	Roles(ctx context.Context, node string, list []Who) ([]Role, error)
}

// AuthorityConfig is what an Authority decides by.
type AuthorityConfig struct {
	Self   string  // this node's full name
	Users  *Users  // nil: no file of users
	Grants *Grants // required
	Homes  Homes   // nil: there is no other node
	// Token and OpenID are the present generations of the console's token and of the provider's configuration; "" if
	// they cannot change while something is kept that was made by them.
	Token, OpenID string
	Log           *slog.Logger
}

// Authority says what somebody may do now, and tells those who have something open when that changes. Its methods may
// be called by several goroutines.
type Authority struct {
	AuthorityConfig

	mu      sync.Mutex
	leases  map[Who]lease
	silent  map[string]time.Time // nodes that did not answer, and when that was
	asking  map[string]bool      // nodes that Run asks at this moment
	holds   map[*hold]struct{}
	holding chan struct{} // is sent to when the first hold begins
}

// NewAuthority makes one. Run it, so that it notices what nobody asks for.
func NewAuthority(cfg AuthorityConfig) *Authority {
	return &Authority{
		AuthorityConfig: cfg,
		leases:          map[Who]lease{},
		silent:          map[string]time.Time{},
		asking:          map[string]bool{},
		holds:           map[*hold]struct{}{},
		holding:         make(chan struct{}, 1),
	}
}

// Let names somebody whom this node lets in: with its name as home, and the user's present generation.
func (a *Authority) Let(user string, role Role) Who {
	w := Who{User: user, Role: role, Home: a.Self}
	w.Generation, _ = a.generation(user)
	return w
}

// Role is what somebody may do now, Nobody if nothing any more. It may have to ask another node, which takes no longer
// than askHomeWait.
func (a *Authority) Role(ctx context.Context, w Who) Role {
	if w.Home != a.Self && a.due(w) {
		// Whoever asks and goes away must not leave a guess behind for the next request.
		a.ask(context.WithoutCancel(ctx), w.Home, []Who{w})
	}
	role, _ := a.known(w)
	return role
}

// Answer is the role of somebody whom this node let in, for another node that asks.
func (a *Authority) Answer(w Who) Role {
	if w.Home != a.Self {
		return Nobody
	}
	role, _ := a.known(w)
	return role
}

// known is what somebody may do as far as this node knows; it asks nobody. ok is false if that is only what was signed,
// because the node that let them in has not been asked yet.
func (a *Authority) known(w Who) (role Role, ok bool) {
	switch {
	case w.Role == Nobody || w.Home == "" || a.Grants.HasEnded(w):
		return Nobody, true
	case !w.Until.IsZero() && !time.Now().Before(w.Until):
		return Nobody, true
	case w.Home == a.Self:
		role, ok = a.own(w), true
	default:
		role, ok = a.away(w)
	}
	if w.Most != Nobody {
		role = min(role, w.Most)
	}
	return role, ok
}

// gone is the generation of a user who is not there. No Who has it for long: own refuses it.
const gone = "none"

// own is the present role of somebody whom this node let in.
func (a *Authority) own(w Who) Role {
	generation, role := a.generation(w.User)
	if generation != w.Generation || generation == gone {
		return Nobody
	}
	if role == Nobody { // that is not kept here: the provider said it at the login
		return w.Role
	}
	return role
}

// generation is a user's present generation and role.
func (a *Authority) generation(user string) (string, Role) {
	switch w := (Who{User: user}); {
	case user == ConsoleToken:
		return a.Token, Admin
	case !w.inFile():
		return a.OpenID, Nobody
	case a.Users == nil:
		return gone, Nobody
	}
	found, err := a.Users.Get(user)
	if err != nil && !errors.Is(err, ErrNoUser) {
		a.Log.Error("the users cannot be read, so nobody of them may do anything", "err", err)
	}
	if err != nil {
		return gone, Nobody
	}
	return found.Generation, found.Role
}
