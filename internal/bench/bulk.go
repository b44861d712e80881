package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"convoy/internal/bench/figures"
)

// measureBulk has a file printed, and receives it whole.
func measureBulk(ctx context.Context, b *bench) error {
	rates := map[string]*rounds{}
	cpu := map[string]*rounds{}
	for _, w := range b.ways {
		rates[w.name], cpu[w.name] = &rounds{}, &rounds{}
	}
	err := b.inTurn(b.ways, 18*time.Second, func(round int, w *way) error {
		before := cpuTime(w.pids)
		took, err := b.printFile(ctx, w)
		if err != nil {
			return err
		}
		rates[w.name].add(round, float64(b.place.bytes)/took.Seconds()/1e6)
		if used := cpuTime(w.pids) - before; len(w.pids) > 0 && used > 0 {
			cpu[w.name].add(round, used.Seconds()/(float64(b.place.bytes)/1e8))
		}
		return nil
	})
	for _, w := range b.ways {
		b.report.add("bulk", w.name, "median", unitRate, figures.Median(rates[w.name].all()))
		b.report.add("bulk", w.name, "worst", unitRate, figures.Percentile(rates[w.name].all(), 0))
		b.report.add("bulk", w.name, "best", unitRate, figures.Percentile(rates[w.name].all(), 100))
		b.compare("bulk", w.name, rates)
		b.report.add("bulk", w.name, "CPU for 100 MB", unitSeconds, figures.Median(cpu[w.name].all()))
	}
	return err
}

// printFile runs cat and says how long it took from Enter until the last byte was there, and right.
func (b *bench) printFile(ctx context.Context, w *way) (time.Duration, error) {
	command := "cat " + b.place.path("file")
	if err := w.send(ctx, command); err != nil {
		return 0, err
	}
	if _, err := w.until(ctx, command); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := w.send(ctx, "\r"); err != nil {
		return 0, err
	}
	if _, err := w.until(ctx, "\r\n"); err != nil {
		return 0, err
	}
	last, err := b.receiveFile(ctx, w)
	if err != nil {
		return 0, err
	}
	_, err = w.until(ctx, prompt)
	return last.Sub(began), err
}

func (b *bench) receiveFile(ctx context.Context, w *way) (last time.Time, err error) {
	sum := uint32(0)
	for left := b.place.bytes; left > 0; {
		c, err := w.take(ctx, int(min(left, math.MaxInt32)))
		if err != nil {
			return last, fmt.Errorf("with %d bytes to come: %w", left, err)
		}
		sum = crc32.Update(sum, sums, c.bytes)
		left -= int64(len(c.bytes))
		last = c.at
	}
	if sum != b.place.sum {
		return last, fmt.Errorf("the right number of bytes came, but not the right ones: their sum is %x, not %x", sum, b.place.sum)
	}
	return last, nil
}
