package access

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"
)

const (
	// lookEvery is the time between two looks for changes while somebody has something open, and leaseLife how long
	// another node's answer counts.
	lookEvery = time.Second
	leaseLife = 2 * time.Second
	// askHomeWait bounds a question to another node.
	askHomeWait = 2 * time.Second
	// maxLeases bounds the answers of other nodes that are kept.
	maxLeases = 4096
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
	holds   map[*hold]struct{}
	holding chan struct{} // is sent to when the first hold begins
}

// lease is another node's answer.
type lease struct {
	role   Role
	at     time.Time
	silent bool // it did not answer; role is what it said before, or what was signed
}

// hold is something that somebody has open.
type hold struct {
	who     Who
	role    Role
	changed func(Role)
}

// NewAuthority makes one. Run it, so that it notices what nobody asks for.
func NewAuthority(cfg AuthorityConfig) *Authority {
	return &Authority{
		AuthorityConfig: cfg,
		leases:          map[Who]lease{},
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

// Role is what somebody may do now, Nobody if nothing any more.
func (a *Authority) Role(ctx context.Context, w Who) Role {
	role := Nobody
	switch {
	case w.Role == Nobody || a.Grants.HasEnded(w.Grant, w.User, w.Made):
		return Nobody
	case !w.Until.IsZero() && time.Now().After(w.Until):
		return Nobody
	case w.Home == a.Self:
		role = a.own(w)
	default:
		role = a.away(ctx, w)
	}
	if w.Most != Nobody {
		role = min(role, w.Most)
	}
	return role
}

// Answer is the role of somebody whom this node let in, for another node that asks.
func (a *Authority) Answer(w Who) Role {
	if w.Home != a.Self {
		return Nobody
	}
	return a.Role(context.Background(), w)
}

// own is the present role of somebody whom this node let in.
func (a *Authority) own(w Who) Role {
	generation, role := a.generation(w.User)
	if generation != w.Generation {
		return Nobody
	}
	if role == Nobody { // that is not kept here: the provider said it at the login
		return w.Role
	}
	return role
}

// generation is a user's present generation and role. A user who is not there has a generation that no Who has.
func (a *Authority) generation(user string) (string, Role) {
	switch w := (Who{User: user}); {
	case user == ConsoleToken:
		return a.Token, Admin
	case !w.inFile():
		return a.OpenID, Nobody
	case a.Users == nil:
		return "none", Nobody
	}
	found, err := a.Users.Get(user)
	if err != nil && !errors.Is(err, ErrNoUser) {
		a.Log.Error("the users cannot be read, so nobody of them may do anything", "err", err)
	}
	if err != nil {
		return "none", Nobody
	}
	return found.Generation, found.Role
}

// away is the present role of somebody whom another node let in: its answer, not older than leaseLife. While it cannot
// be asked, this node's own file decides if it has one, then what was known last, then what was signed.
func (a *Authority) away(ctx context.Context, w Who) Role {
	a.mu.Lock()
	known, ok := a.leases[w]
	a.mu.Unlock()
	if !ok {
		known.role = w.Role
	}
	if time.Since(known.at) >= leaseLife {
		// Whoever asks and goes away must not leave a guess behind for the next request.
		roles, err := a.ask(context.WithoutCancel(ctx), w.Home, []Who{w})
		if err == nil {
			return roles[0]
		}
		known.at, known.silent = time.Now(), true // it is asked again in leaseLife
		a.keep(map[Who]lease{w: known})
	}
	if known.silent && w.inFile() && a.Users != nil && a.Users.There() {
		return a.own(w)
	}
	return known.role
}

// ask asks a node for the roles of those whom it let in, and remembers the answers.
func (a *Authority) ask(ctx context.Context, home string, list []Who) ([]Role, error) {
	if a.Homes == nil || home == "" {
		return nil, errors.New("there is no other node")
	}
	ctx, cancel := context.WithTimeout(ctx, askHomeWait)
	defer cancel()
	roles, err := a.Homes.Roles(ctx, home, list)
	if err == nil && len(roles) != len(list) {
		err = errors.New("it answers something else")
	}
	if err != nil {
		a.Log.Debug("a node does not say what its users may do", "node", home, "err", err)
		return nil, err
	}
	answers, now := map[Who]lease{}, time.Now()
	for i, w := range list {
		answers[w] = lease{role: roles[i], at: now}
	}
	a.keep(answers)
	return roles, nil
}

// keep remembers answers.
func (a *Authority) keep(answers map[Who]lease) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.leases)+len(answers) > maxLeases {
		clear(a.leases)
	}
	maps.Copy(a.leases, answers)
}

// Hold watches what somebody may do, for something that stays open: changed is called with the new role each time it
// changes, from Run's goroutine or that of who changed it, and must not wait. role is the role that it is opened with.
// The caller calls stop when it is closed.
func (a *Authority) Hold(w Who, role Role, changed func(Role)) (stop func()) {
	h := &hold{w, role, changed}
	a.mu.Lock()
	a.holds[h] = struct{}{}
	first := len(a.holds) == 1
	a.mu.Unlock()
	if first {
		select {
		case a.holding <- struct{}{}:
		default:
		}
	}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.holds, h)
	}
}

// While is Hold for a call: the context that it returns ends when the role becomes a lesser one.
func (a *Authority) While(ctx context.Context, w Who, role Role) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := a.Hold(w, role, func(now Role) {
		if now < role {
			cancel()
		}
	})
	return ctx, func() { stop(); cancel() }
}

// Recheck compares everything that is open with what its owner may do now. Whoever changes grants calls it.
func (a *Authority) Recheck(ctx context.Context) {
	a.mu.Lock()
	open := make([]*hold, 0, len(a.holds))
	for h := range a.holds {
		open = append(open, h)
	}
	a.mu.Unlock()
	roles := map[Who]Role{}
	for _, h := range open {
		role, ok := roles[h.who]
		if !ok {
			role = a.Role(ctx, h.who)
			roles[h.who] = role
		}
		a.tell(h, role)
	}
}

// tell tells a hold of its role, if it is still there and the role is another one.
func (a *Authority) tell(h *hold, role Role) {
	a.mu.Lock()
	_, open := a.holds[h]
	news := open && h.role != role
	h.role = role
	a.mu.Unlock()
	if news {
		h.changed(role)
	}
}

// Run notices changes while something is open, until ctx ends.
func (a *Authority) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	tick.Stop()
	for {
		select {
		case <-a.holding:
			tick.Reset(lookEvery)
		case <-tick.C:
			if a.open() == 0 {
				tick.Stop()
				continue
			}
			a.renewLeases(ctx)
			a.Recheck(ctx)
		case <-ctx.Done():
			tick.Stop()
			return
		}
	}
}

func (a *Authority) open() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.holds)
}

// renewLeases asks the other nodes, each once, for all of theirs who have something open here. They are asked side by
// side, so that one that is silent does not keep the others waiting.
func (a *Authority) renewLeases(ctx context.Context) {
	due := map[string]map[Who]bool{}
	a.mu.Lock()
	for h := range a.holds {
		if home := h.who.Home; home != a.Self && time.Since(a.leases[h.who].at) > leaseLife/2 {
			if due[home] == nil {
				due[home] = map[Who]bool{}
			}
			due[home][h.who] = true
		}
	}
	a.mu.Unlock()
	var asking sync.WaitGroup
	for home, whos := range due {
		list := make([]Who, 0, len(whos))
		for w := range whos {
			list = append(list, w)
		}
		asking.Go(func() { a.ask(ctx, home, list) }) //nolint:errcheck // it is said in the log
	}
	asking.Wait()
}
