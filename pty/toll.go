package pty

import (
	"sync"
	"time"
)

// Output may cost freeWork for each byte (screen.Screen.Work: cells, about a nanosecond each), which is far more than
// programs need. What costs more is paid for: its shell waits, and in all of a table's shells together it takes no more
// than one part in tollShare of a processor. So a shell that draws the costliest things as fast as it can slows itself
// down, and others that do the same, but none that does not.
const (
	freeWork  = 64
	tollShare = 4
	// turnWork is how much is drawn in one piece, with the shell locked.
	turnWork = 1 << 20
	// creditWork is how much a shell may save up while it draws little, and leastDebt what is worth waiting for.
	creditWork = 8 << 20
	leastDebt  = 1 << 18
	// lastDebt is how much the output may cost that an ended program leaves behind; what comes then is not shown.
	lastDebt = 4 << 20
)

// toll is what shells pay to that draw more than is free: one after the other, so each that waits gets its turn.
type toll struct {
	mu   sync.Mutex
	free time.Time // when all that has been taken is paid
	took int       // in all
}

// due takes work on account and says how long to wait for it.
func (t *toll) due(work int, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.free.Before(now) {
		t.free = now
	}
	t.free = t.free.Add(time.Duration(work) * tollShare)
	t.took += work
	return t.free.Sub(now)
}

// pay waits until work is paid for. It reports false, at once, for a shell that is dead.
func (t *toll) pay(work int, dead <-chan struct{}) bool {
	select {
	case <-dead:
		return false
	default:
	}
	timer := time.NewTimer(t.due(work, time.Now()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-dead:
		return false
	}
}
