package pty

import (
	"sync"
	"time"
)

// Each byte of output has freeWork for drawing (screen.Screen.Work: cells, about a nanosecond each), far more than
// programs need. For what exceeds that, its shell waits: all shells of a table together spend at most 1/throttleShare
// of a processor on it. So a shell with expensive output slows itself, and others like it, but no shell that stays
// below.
const (
	freeWork      = 64
	throttleShare = 4
	// turnWork limits the work per turn, during which the shell is locked.
	turnWork = 1 << 20
	// maxCredit is how much unused work a shell may save up, and minDebt the least that is worth waiting for.
	maxCredit = 8 << 20
	minDebt   = 1 << 18
	// exitDebt limits the cost of the output that an ended program leaves; the rest is not shown.
	exitDebt = 4 << 20
)

// throttle delays shells that exceed their free work, in turn, so that each one progresses.
type throttle struct {
	mu     sync.Mutex
	paidAt time.Time // when all charged work is paid
	total  int       // total work
}

// charge charges work and returns how long to wait for it.
func (t *throttle) charge(work int, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paidAt.Before(now) {
		t.paidAt = now
	}
	t.paidAt = t.paidAt.Add(time.Duration(work) * throttleShare)
	t.total += work
	return t.paidAt.Sub(now)
}

// wait waits until work is paid for. It returns false immediately once hurry is closed.
func (t *throttle) wait(work int, hurry <-chan struct{}) bool {
	select {
	case <-hurry:
		return false
	default:
	}
	select {
	case <-time.After(t.charge(work, time.Now())):
		return true
	case <-hurry:
		return false
	}
}
