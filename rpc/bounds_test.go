package rpc

import (
	"context"
	"errors"
	"testing"

	"convoy/access"
	"convoy/internal/testkit"
)

// Evaluations, commands and Convoy shells on other machines: a user with a full share leaves some for another user, and
// all users together leave one for an admin.
func TestBounds_Shares(t *testing.T) {
	t.Parallel()
	for name, bound := range map[string]*access.Quota{
		"evaluations":      newEvalQuota(),
		"commands":         newCommandQuota(),
		"connected shells": newRemoteQuota(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claim := func(user string, role access.Role) access.Claim {
				return access.Claim{Identity: access.Identity{User: user, Role: role}}
			}
			took := 0
			for err := error(nil); err == nil; took++ {
				_, err = bound.TryAcquire(claim("mallory", access.Operator))
				if err != nil && !errors.Is(err, access.ErrUserLimit) {
					t.Fatal(err)
				}
			}
			if took-1 != bound.PerUser {
				t.Errorf("one user has %d of %d", took-1, bound.Total)
			}
			if _, err := bound.TryAcquire(claim("olga", access.Operator)); err != nil {
				t.Errorf("another user: %v", err)
			}
			for i := range bound.Total {
				bound.TryAcquire(claim(string(rune('a'+i)), access.Operator)) //nolint:errcheck // until there is none left
			}
			if _, err := bound.TryAcquire(claim("olaf", access.Operator)); !errors.Is(err, access.ErrBusy) {
				t.Errorf("when all is taken: %v", err)
			}
			if _, err := bound.TryAcquire(claim("ann", access.Admin)); err != nil {
				t.Errorf("an admin: %v", err)
			}
		})
	}
}

// One operator's endless and waiting evaluations leave a turn for another user and for an admin.
func TestBounds_EndlessEvaluations(t *testing.T) {
	t.Parallel()
	s := &Service{evals: newEvalQuota()}
	mallory := access.Identity{User: "mallory", Role: access.Operator}
	ctx, cancel := context.WithCancel(testkit.Context(t))
	defer cancel()
	for range s.evals.PerUser { // running
		_, err := s.evals.TryAcquire(access.Claim{Identity: mallory})
		testkit.Must(t, err)
	}
	refused := make(chan error, 40)
	for range cap(refused) {
		go func() {
			_, err := s.Eval(ctx, mallory, "1+1")
			refused <- err
		}()
	}
	for range cap(refused) - s.evals.MaxWaiting {
		if err := <-refused; !errors.Is(err, access.ErrUserLimit) {
			t.Errorf("one that may not wait: %v", err)
		}
	}
	for user, role := range map[string]access.Role{"olga": access.Operator, "ann": access.Admin} {
		release, err := s.evals.Acquire(testkit.Context(t), access.Claim{Identity: access.Identity{User: user, Role: role}})
		testkit.Must(t, err)
		release()
	}
	cancel()
	for range s.evals.MaxWaiting {
		if err := <-refused; !errors.Is(err, context.Canceled) {
			t.Errorf("one that waits: %v", err)
		}
	}
}
