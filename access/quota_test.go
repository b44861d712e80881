package access

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func claim(user string, role Role) Claim {
	return Claim{Identity: Identity{User: user, Role: role}, Login: user + "'s login"}
}

// A user gets a share, all users together leave the reserve, and an admin gets it when the rest is taken.
func TestQuota_Shares(t *testing.T) {
	t.Parallel()
	b := &Quota{Total: 20, Reserve: 4, PerUser: 3}
	take := func(c Claim, n int, want error) {
		t.Helper()
		for range n {
			if _, err := b.TryAcquire(c); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", c.User, err, want)
			}
		}
	}
	take(claim("vic", Viewer), 3, nil)
	take(claim("vic", Viewer), 1, ErrUserLimit)
	take(Claim{Identity: Identity{User: "vic", Role: Viewer}, Login: "another login"}, 1, ErrUserLimit)
	for i := range 4 {
		take(claim(fmt.Sprint("user", i), Operator), 3, nil)
	}
	take(claim("bob", Admin), 1, nil)
	take(claim("last", Operator), 1, ErrBusy) // the reserve is left
	take(claim("ann", Admin), 3, nil)
	take(claim("ann", Admin), 1, ErrBusy) // beyond her share, the reserve is for other admins
	take(claim("bob", Admin), 1, nil)
	take(claim("bob", Admin), 1, ErrBusy)
	if b.InUse() != b.Total {
		t.Errorf("%d are in use, want %d", b.InUse(), b.Total)
	}
}

func TestQuota_Release(t *testing.T) {
	t.Parallel()
	b := &Quota{Total: 2, PerUser: 2, PerLogin: 1}
	release, err := b.TryAcquire(claim("vic", Viewer))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.TryAcquire(claim("vic", Viewer)); !errors.Is(err, ErrUserLimit) {
		t.Errorf("a second of one login: %v", err)
	}
	release()
	release()
	if b.InUse() != 0 || len(b.users) != 0 || len(b.logins) != 0 {
		t.Errorf("%d are in use, %v, %v", b.InUse(), b.users, b.logins)
	}
}

// A waiting caller gets a turn; too many of one user fail at once, and none waits longer than its context.
func TestQuota_Acquire(t *testing.T) {
	t.Parallel()
	b := &Quota{Total: 4, Reserve: 1, PerUser: 1, MaxWaiting: 1}
	vic := claim("vic", Viewer)
	release, err := b.TryAcquire(vic)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() {
		_, err := b.Acquire(t.Context(), vic)
		got <- err
	}()
	for waits := 0; waits == 0; { // until it waits
		b.mu.Lock()
		waits = b.waiting["vic"]
		b.mu.Unlock()
	}
	if _, err := b.Acquire(t.Context(), vic); !errors.Is(err, ErrUserLimit) {
		t.Errorf("a second one that would wait: %v", err)
	}
	if _, err := b.Acquire(t.Context(), claim("olga", Operator)); err != nil {
		t.Errorf("another user meanwhile: %v", err)
	}
	release()
	if err := <-got; err != nil {
		t.Errorf("the one that waited: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Acquire(ended, vic); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits no longer: %v", err)
	}
	if len(b.waiting) != 0 {
		t.Errorf("%v wait", b.waiting)
	}
}
