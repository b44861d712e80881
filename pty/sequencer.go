package pty

import (
	"context"
	"sync"
	"time"
)

// gapWait is how long numbered input waits for a missing predecessor.
const gapWait = 2 * time.Second

// sequencer orders a viewer's input: each number is written once, after its predecessor.
type sequencer struct {
	mu      sync.Mutex
	next    int64         // the next number, or the one being written
	part    int           // its bytes that are already written
	busy    bool          // it is being written
	changed chan struct{} // closed at the next change of next or busy
}

func newSequencer() *sequencer { return &sequencer{changed: make(chan struct{})} }

// acquire waits until n may be written, and returns how many of its bytes were already written. If repeat is true, n
// was written before. Without repeat or error, the caller must call release.
//
// While the predecessor is missing, acquire waits gapWait, then returns a *GapError. While the predecessor is being
// written, it waits until ctx or ended.
func (q *sequencer) acquire(ctx context.Context, n int64, ended <-chan struct{}) (part int, repeat bool, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		q.mu.Lock()
		switch {
		case n < q.next:
			q.mu.Unlock()
			return 0, true, nil
		case n == q.next && !q.busy:
			q.busy = true
			part = q.part
			q.mu.Unlock()
			return part, false, nil
		}
		now := turn{q.next, q.busy, q.changed}
		q.mu.Unlock()
		if err := now.wait(ctx, ended); err != nil {
			return 0, false, err
		}
	}
}

// release ends acquire: n more bytes were written, which is all or part of the number.
func (q *sequencer) release(n int, whole bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = false
	q.part += n
	if whole {
		q.next++
		q.part = 0
	}
	close(q.changed)
	q.changed = make(chan struct{})
}

// written reports whether n was already written.
func (q *sequencer) written(n int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return n < q.next
}

// turn is the state that a waiting number sees.
type turn struct {
	next    int64
	busy    bool
	changed <-chan struct{}
}

// wait waits for a change; unless busy, for at most gapWait.
func (t turn) wait(ctx context.Context, ended <-chan struct{}) error {
	var gap <-chan time.Time
	if !t.busy {
		gap = time.After(gapWait)
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
