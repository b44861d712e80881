package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"convoy/internal/bench/stats"
)

// measureBulk has a file printed, and receives it whole.
func measureBulk(ctx context.Context, b *bench) error {
	rates := map[string]*rounds{}
	cpu := map[string]*rounds{}
	for _, w := range b.ways {
		rates[w.name], cpu[w.name] = &rounds{}, &rounds{}
	}
	err := b.inTurn(b.ways, 18*time.Second, func(round int, w *way) error {
		before := stats.CPUTime(w.pids...)
		took, err := printFile(ctx, w, b.place.large)
		if err != nil {
			return err
		}
		rates[w.name].add(round, float64(b.place.large.bytes)/took.Seconds()/1e6)
		if used := stats.CPUTime(w.pids...) - before; len(w.pids) > 0 && used > 0 {
			cpu[w.name].add(round, used.Seconds()/(float64(b.place.large.bytes)/1e8))
		}
		return nil
	})
	for _, w := range b.ways {
		b.report.add("bulk", w.name, "median", unitRate, stats.Median(rates[w.name].all()))
		b.report.add("bulk", w.name, "worst", unitRate, stats.Percentile(rates[w.name].all(), 0))
		b.report.add("bulk", w.name, "best", unitRate, stats.Percentile(rates[w.name].all(), 100))
		b.compare("bulk", w.name, rates)
		b.report.add("bulk", w.name, "CPU for 100 MB", unitSeconds, stats.Median(cpu[w.name].all()))
	}
	return err
}

// printFile runs cat and says how long it took from Enter until the last byte was there, and right.
func printFile(ctx context.Context, w *way, f printed) (time.Duration, error) {
	if err := typeCommand(ctx, w, "cat "+f.path); err != nil {
		return 0, err
	}
	return enter(ctx, w, f)
}

// enter has a command that was typed print a file.
func enter(ctx context.Context, w *way, f printed) (time.Duration, error) {
	began := time.Now()
	if err := w.send(ctx, "\r"); err != nil {
		return 0, err
	}
	if _, err := w.until(ctx, "\r\n"); err != nil {
		return 0, err
	}
	last, err := receiveFile(ctx, w, f)
	if err != nil {
		return 0, err
	}
	_, err = w.until(ctx, prompt)
	return last.Sub(began), err
}

// typeCommand types a command, without Enter, and waits for the echo of it.
func typeCommand(ctx context.Context, w *way, command string) error {
	if err := w.send(ctx, command); err != nil {
		return err
	}
	_, err := w.until(ctx, command)
	return err
}

// receiveFile takes a file's bytes, and says when the last one was there.
func receiveFile(ctx context.Context, w *way, f printed) (last time.Time, err error) {
	sum := uint32(0)
	for left := f.bytes; left > 0; {
		c, err := w.take(ctx, int(min(left, math.MaxInt32)))
		if err != nil {
			return last, fmt.Errorf("with %d bytes to come: %w", left, err)
		}
		sum = crc32.Update(sum, sums, c.bytes)
		left -= int64(len(c.bytes))
		last = c.at
	}
	if sum != f.sum {
		return last, fmt.Errorf("the right number of bytes came, but not the right ones: their sum is %x, not %x", sum, f.sum)
	}
	return last, nil
}
