package main

import (
	"context"
	"fmt"
	"time"

	"convoy/internal/bench/stats"
)

// opensPerRound is how many shells a round opens each way.
const opensPerRound = 5

// restBeforeOpen lets what the previous shell left behind end, as it has when a user opens the next one.
const restBeforeOpen = 50 * time.Millisecond

// measureOpen opens shells one after the other, each until its prompt is there.
func measureOpen(ctx context.Context, b *bench) error {
	took := map[string]*rounds{}
	for _, w := range b.ways {
		took[w.name] = &rounds{}
	}
	err := b.inTurn(b.ways, 15*time.Second, func(round int, w *way) error {
		for range opensPerRound {
			time.Sleep(restBeforeOpen)
			began := time.Now()
			opened, err := w.again(ctx)
			if err != nil {
				return fmt.Errorf("open: %w", err)
			}
			took[w.name].add(round, millis(time.Since(began)))
			opened.close()
		}
		return nil
	})
	for _, w := range b.ways {
		b.report.add("open", w.name, "p50", unitMillis, stats.Median(took[w.name].all()))
		b.report.add("open", w.name, "worst", unitMillis, stats.Percentile(took[w.name].all(), 100))
		b.compare("open", w.name, took)
	}
	return err
}
