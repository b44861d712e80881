package pty

import (
	"context"
	"slices"
	"time"
)

// startReaper starts closing idle shells, if configured. It requires t.mu.
func (t *Table) startReaper() {
	if t.config.Idle > 0 && !t.reaping {
		t.reaping = true
		t.reaper.Go(t.reap)
	}
}

// reap closes idle shells until the table closes.
func (t *Table) reap() {
	tick := time.NewTicker(max(t.config.Idle/10, time.Millisecond))
	defer tick.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		select {
		case <-t.quit:
			return
		case now := <-tick.C:
			for _, s := range t.idleShells(now) {
				s.log.Info("idle shell closed", "idle", t.config.Idle)
				if err := t.remove(ctx, s); err != nil {
					s.log.Error("idle shell not closed", "err", err)
				}
			}
		}
	}
}

// idleShells returns the shells that have been idle for Config.Idle.
func (t *Table) idleShells(now time.Time) []*Shell {
	return slices.DeleteFunc(t.all(), func(s *Shell) bool {
		since := s.idleSince()
		return since.IsZero() || now.Sub(since) < t.config.Idle
	})
}
