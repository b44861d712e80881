package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"convoy/internal/bench/stats"
)

// startRounds is how often each build starts.
const startRounds = 30

// measureStart has each build print its version, in turn: what every start of the program takes.
func measureStart(ctx context.Context, b *bench) error {
	builds := map[string]string{wayCP: b.binary}
	if b.options.before != "" {
		builds[wayOldCP] = b.options.before
	}
	times := map[string]*rounds{wayCP: {}, wayOldCP: {}}
	for round := range startRounds {
		for way, binary := range builds { // in random order
			began := time.Now()
			if err := exec.CommandContext(ctx, binary, "version").Run(); err != nil {
				return fmt.Errorf("%s version: %w", binary, err)
			}
			times[way].add(round, millis(time.Since(began)))
		}
	}
	for _, way := range []string{wayCP, wayOldCP} {
		if all := times[way].all(); len(all) > 0 {
			b.report.add("start", way, "p50", unitMillis, stats.Median(all))
			b.report.add("start", way, "p90", unitMillis, stats.Percentile(all, 90))
		}
	}
	return nil
}
