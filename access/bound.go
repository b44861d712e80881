package access

import (
	"cmp"
	"context"
	"errors"
	"sync"
)

var (
	// ErrShare says that one user, or one login, has as much of something as one may have.
	ErrUserLimit = errors.New("you have the maximum number of these for one user")
	// ErrBusy says that a node has no more of something to give now.
	ErrBusy = errors.New("this node has the maximum number of these")
)

// Bound limits how much of one thing is in use at once. Nobody but an admin holds more than a share of it, and the last
// part of it, the reserve, goes to admins who hold no more than a share: what all others do, together, leaves room for
// an admin. Its methods may be called by several goroutines.
type Quota struct {
	Total      int // at once
	Reserve    int // of Total, for admins
	PerUser    int // of one user
	PerLogin   int // of one login; 0: as of a user
	MaxWaiting int // how many requests of one user may wait for their turn (Wait)

	mu      sync.Mutex
	used    int
	users   map[string]int
	logins  map[string]int
	waiting map[string]int
	freed   chan struct{} // closed when something is given back
}

// Claim says for whom something is taken. Login may be empty; N is how many, 0 is one.
type Claim struct {
	Identity
	Login string
	N     int
}

// Take takes what is claimed, and returns what gives it back, which may be called more than once: ErrShare, ErrBusy.
func (b *Quota) TryAcquire(c Claim) (release func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tryAcquire(c)
}

func (b *Quota) tryAcquire(c Claim) (release func(), err error) {
	c.N = max(c.N, 1)
	login := cmp.Or(b.PerLogin, b.PerUser)
	within := b.users[c.User]+c.N <= b.PerUser && (c.Login == "" || b.logins[c.Login]+c.N <= login)
	switch left := b.Total - b.used - c.N; {
	case !within && c.Role != Admin:
		return nil, ErrUserLimit
	case left < 0 || left < b.Reserve && !(within && c.Role == Admin):
		return nil, ErrBusy
	}
	if b.users == nil {
		b.users, b.logins = map[string]int{}, map[string]int{}
	}
	b.used += c.N
	b.users[c.User] += c.N
	b.logins[c.Login] += c.N
	return sync.OnceFunc(func() { b.release(c) }), nil
}

func (b *Quota) release(c Claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= c.N
	decrement(b.users, c.User, c.N)
	decrement(b.logins, c.Login, c.N)
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
}

// drop counts down, and forgets who has nothing.
func decrement(counts map[string]int, key string, n int) {
	if counts[key] -= n; counts[key] <= 0 {
		delete(counts, key)
	}
}

// Wait takes as Take does, when its turn comes: ErrShare if too many of the user's wait already, or the error of ctx.
func (b *Quota) Acquire(ctx context.Context, c Claim) (release func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if release, err = b.tryAcquire(c); err == nil {
		return release, nil
	}
	if b.waiting[c.User] >= b.MaxWaiting {
		return nil, ErrUserLimit
	}
	if b.waiting == nil {
		b.waiting = map[string]int{}
	}
	b.waiting[c.User]++
	defer decrement(b.waiting, c.User, 1)
	for {
		if b.freed == nil {
			b.freed = make(chan struct{})
		}
		if err := b.waitFreed(ctx, b.freed); err != nil {
			return nil, err
		}
		if release, err = b.tryAcquire(c); err == nil {
			return release, nil
		}
	}
}

// sleep lets the lock go until something was given back.
func (b *Quota) waitFreed(ctx context.Context, freed <-chan struct{}) error {
	b.mu.Unlock()
	defer b.mu.Lock()
	select {
	case <-freed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Used is how many are in use.
func (b *Quota) InUse() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
