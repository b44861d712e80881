package pty

import (
	"context"
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
			t.closeIdle(ctx, now)
		}
	}
}

// closeIdle closes the shells that have been idle for Config.Idle. Closing one takes time, in which another may be used
// again.
func (t *Table) closeIdle(ctx context.Context, now time.Time) {
	for _, s := range t.all() {
		since := s.idleSince()
		if since.IsZero() || now.Sub(since) < t.config.Idle {
			continue
		}
		s.log.Info("idle shell closed", "idle", t.config.Idle)
		if err := t.remove(ctx, s); err != nil {
			s.log.Error("idle shell not closed", "err", err)
		}
	}
}
