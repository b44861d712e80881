package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"convoy/internal/bench/stats"
)

// measureEcho types keys, each after the echo of the one before.
func measureEcho(ctx context.Context, b *bench) error {
	times := map[string]*rounds{}
	keys := b.keys / b.rounds
	for _, w := range b.ways {
		times[w.name] = &rounds{}
		if err := warm(ctx, w); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	err := b.inTurn(b.ways, 15*time.Second, func(round int, w *way) error {
		if _, err := typeKey(ctx, w, '#'); err != nil {
			return err
		}
		for i := range keys {
			took, err := typeKey(ctx, w, keyAt(i))
			if err != nil {
				return err
			}
			times[w.name].add(round, micros(took))
		}
		return endLine(ctx, w)
	})
	for _, w := range b.ways {
		r := *times[w.name]
		b.report.add("echo", w.name, "p50", unitMicros, stats.Percentile(r.all(), 50))
		b.report.add("echo", w.name, "p90", unitMicros, stats.Percentile(r.all(), 90))
		b.report.add("echo", w.name, "p99", unitMicros, stats.Percentile(r.all(), 99))
		b.compare("echo", w.name, times)
	}
	return err
}

// compare adds a way's ratios by round: to the bare pty, to ttyd, and of a spawned node to its control plane.
func (b *bench) compare(part, way string, times map[string]*rounds) {
	for _, to := range []struct{ way, what string }{
		{wayBare, "× bare"}, {wayTtyd, "× ttyd"}, {oneHopLess[way], "× local"},
	} {
		if base := times[to.way]; base != nil {
			b.report.add(part, way, to.what, unitRatio, stats.Ratio(times[way].medians(), base.medians()))
		}
	}
}

// keyAt is the i-th key of a line: a letter.
func keyAt(i int) byte { return byte('a' + i%26) }

// typeKey types a key and says when its echo was there. An echo that is not that key and nothing else is broken.
func typeKey(ctx context.Context, w *way, key byte) (time.Duration, error) {
	began := time.Now()
	if err := w.link.Send(ctx, []byte{key}); err != nil {
		return 0, err
	}
	c, err := w.take(ctx, math.MaxInt)
	if err != nil {
		return 0, err
	}
	if len(c.bytes) != 1 || c.bytes[0] != key {
		return 0, fmt.Errorf("the echo of %q is %q", key, c.bytes)
	}
	return c.at.Sub(began), nil
}

// endLine ends a line that is a comment. Ctrl-C would be shorter, but bash 5.2 sometimes loses one at its prompt, in
// any terminal, when it comes right after a key.
func endLine(ctx context.Context, w *way) error {
	if err := w.send(ctx, "\r"); err != nil {
		return err
	}
	_, err := w.until(ctx, prompt)
	return err
}

// warm types a few keys that do not count.
func warm(ctx context.Context, w *way) error {
	for range 20 {
		if _, err := typeKey(ctx, w, '#'); err != nil {
			return err
		}
	}
	return endLine(ctx, w)
}
