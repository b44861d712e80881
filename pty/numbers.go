package pty

import (
	"context"
	"sync"
	"time"
)

// gapWait is how long numbered input waits for a predecessor that is missing.
const gapWait = 2 * time.Second

// numbers puts one viewer's input in order: each number is written once, after
// its predecessor.
type numbers struct {
	mu      sync.Mutex
	next    int64         // the number to be written next, or being written
	part    int           // bytes of it that the terminal has taken already
	busy    bool          // it is being written
	changed chan struct{} // closed at the next change of next or busy
}

func newNumbers() *numbers { return &numbers{changed: make(chan struct{})} }

// take waits until n may be written, and returns how many of its bytes were
// written before. Once it has returned repeat false and no error, the caller
// owes a call of done. With repeat true, n was written already.
//
// While the predecessor is missing it waits gapWait, then returns a *GapError;
// while the predecessor is being written it waits as long as ctx and ended
// allow.
func (o *numbers) take(ctx context.Context, n int64, ended <-chan struct{}) (part int, repeat bool, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		o.mu.Lock()
		switch {
		case n < o.next:
			o.mu.Unlock()
			return 0, true, nil
		case n == o.next && !o.busy:
			o.busy = true
			part = o.part
			o.mu.Unlock()
			return part, false, nil
		}
		now := turn{o.next, o.busy, o.changed}
		o.mu.Unlock()
		if err := now.pass(ctx, ended); err != nil {
			return 0, false, err
		}
	}
}

// done ends what take began: n more bytes of the number were written, and that
// was all of it or not.
func (o *numbers) done(n int, whole bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy = false
	o.part += n
	if whole {
		o.next++
		o.part = 0
	}
	close(o.changed)
	o.changed = make(chan struct{})
}

// written reports whether n was written already.
func (o *numbers) written(n int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return n < o.next
}

// turn is what a waiting number sees: whose turn it is.
type turn struct {
	next    int64
	busy    bool
	changed <-chan struct{}
}

// pass waits until the turn is over; unless busy, no longer than gapWait.
func (t turn) pass(ctx context.Context, ended <-chan struct{}) error {
	var gap <-chan time.Time
	if !t.busy {
		timer := time.NewTimer(gapWait)
		defer timer.Stop()
		gap = timer.C
	}
	select {
	case <-t.changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-ended:
		return ErrEnded
	case <-gap:
		return &GapError{Expected: t.next}
	}
}
