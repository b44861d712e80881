// Package testkit has the few helpers that the tests of all packages share. It imports only the standard library, so
// that every package's own tests can use it.
package testkit

import (
	"context"
	"testing"
	"time"
)

// Patience bounds each wait of a test. A busy machine may need much of it; a test takes all of it only if it fails.
const Patience = 2 * time.Minute

// pollInterval is the time between two looks at a condition.
const pollInterval = 5 * time.Millisecond

// Must ends the test if err is not nil.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Context returns a context that ends after [Patience]. Unlike t.Context, it is valid in functions of t.Cleanup that
// the test registered later.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Retry calls f until it returns no error, and returns the last error after [Patience].
func Retry(f func() error) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for deadline := time.Now().Add(Patience); ; <-tick.C {
		if err := f(); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// Eventually waits until a condition holds, and ends the test after [Patience]. It is for what sends no event, such as
// a file or a process: it polls.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for deadline := time.Now().Add(Patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", Patience, what)
		}
	}
}
