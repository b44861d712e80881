package pty

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"convoy/internal/testkit"
)

// TestAnswer answers a program that reads lines with Enter, and one that reads keys without; only the question that was
// seen, and once.
func TestAnswer(t *testing.T) {
	t.Parallel()
	ctx := testkit.Context(t)
	lines := `sh -c 'printf "Con""tinue? [y/N] "; read it; echo "got:$it:"; cat'`
	keys := `stty -icanon; sh -c 'printf "Con""tinue? [y/N] "; dd bs=4 count=1 2>/dev/null | od -An -c; cat'`
	for script, want := range map[string]string{lines: "got:y:", keys: "   y\r\n"} {
		s := open(t, "/bin/bash", "--norc", "-i")
		v := watch(t, s, options{types: true})
		typeIn(t, s, script+"\r")
		since := becomes(t, s, Waiting).Since
		if err := s.Answer(ctx, "rm", since); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("another key: %v", err)
		}
		if err := s.Answer(ctx, "y", since.Add(-time.Second)); !errors.Is(err, ErrNotWaiting) {
			t.Errorf("an earlier question: %v", err)
		}
		var done atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if s.Answer(ctx, "y", since) == nil {
					done.Add(1)
				}
			})
		}
		all.Wait()
		if done.Load() != 1 {
			t.Errorf("%d of 8 answers were typed", done.Load())
		}
		v.see(want)
	}
}
