package notify

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// It is called until it succeeds, gives up, or was called often enough, after pauses that double.
func TestRetry(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	for name, one := range map[string]struct {
		succeeds, givesUp int // at which call
		calls             int
		took              time.Duration
		err               error
	}{
		"at once":  {succeeds: 1, calls: 1},
		"at last":  {succeeds: 3, calls: 3, took: 3 * time.Second},
		"never":    {calls: 4, took: 7 * time.Second, err: failed},
		"gives up": {givesUp: 2, calls: 2, took: time.Second, err: failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, calls := time.Now(), 0
				err := Retry(t.Context(), 4, time.Second, func() (again bool, err error) {
					calls++
					if calls == one.succeeds {
						return true, nil
					}
					return calls != one.givesUp, failed
				})
				if calls != one.calls || !errors.Is(err, one.err) || time.Since(began) != one.took {
					t.Errorf("%d calls, %v, after %v", calls, err, time.Since(began))
				}
			})
		})
	}
}

// The end of the context ends the waiting.
func TestRetry_ContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	err := Retry(ctx, 2, time.Hour, func() (again bool, err error) {
		cancel()
		return true, errors.New("failed")
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
