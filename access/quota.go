package access

import (
	"cmp"
	"context"
	"errors"
	"sync"
)

var (
	// ErrUserLimit means that the user, or the login, already uses its share.
	ErrUserLimit = errors.New("you have the maximum number of these for one user")
	// ErrBusy means that the node has none left.
	ErrBusy = errors.New("this node has the maximum number of these")
)

// Quota limits how much of a resource is in use at once. Users other than admins get at most a share each. The reserve
// is for admins within their share, so that all other users together leave room for an admin. It is safe for concurrent
// use.
type Quota struct {
	Total      int // in use at once
	Reserve    int // part of Total that is kept for admins
	PerUser    int // share of one user
	PerLogin   int // share of one login; 0: PerUser
	MaxWaiting int // callers of Acquire that may wait, for each user

	mu      sync.Mutex
	used    int
	users   map[string]int
	logins  map[string]int
	waiting map[string]int
	freed   chan struct{} // closed at the next release
}

// Claim is a request for a part of a quota. Login may be empty. N is the amount; 0 means 1.
type Claim struct {
	Identity
	Login string
	N     int
}

// TryAcquire takes what is claimed, or returns ErrUserLimit or ErrBusy. release may be called more than once.
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

// decrement subtracts n, and removes keys that reach zero.
func decrement(counts map[string]int, key string, n int) {
	if counts[key] -= n; counts[key] <= 0 {
		delete(counts, key)
	}
}

// Acquire is TryAcquire, but waits for its turn. It returns ErrUserLimit if too many of the user's callers wait
// already, or the error of ctx.
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

// waitFreed unlocks b.mu until something is released.
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

// InUse returns the amount in use.
func (b *Quota) InUse() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
