package main

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"time"

	"convoy/internal/bench/stats"
)

// quiet types in the first shell while nothing else happens.
func (c *crowd) quiet(ctx context.Context) error {
	total := int64(len(prompt) + quietKeys + len("\r\n"+prompt) + crowdKeys + len("\r\n"+prompt))
	for _, w := range c.seats[0] {
		w.expect(newTally(int64(len(prompt)), total, total))
	}
	return c.typing(ctx, rowQuiet, quietKeys)
}

// busy has the other shells print lines, and types beside them.
func (c *crowd) busy(ctx context.Context) error {
	total := int64(len(linesText(crowdLines)))
	for _, seats := range c.seats[1:] {
		for _, w := range seats {
			w.expect(newTally(int64(len(prompt)), total, total))
		}
	}
	command := fmt.Appendf(nil, "lines %d\r", crowdLines)
	began := time.Now()
	for i, shell := range c.shells[1:] {
		if err := pause(ctx, time.Until(began.Add(time.Second*time.Duration(i)/crowdShells))); err != nil { // over a second
			return err
		}
		if err := c.asks.Do(ctx, http.MethodPost, shell.Path()+"/input", command, nil); err != nil {
			return fmt.Errorf("type into shell %d: %w", i+1, err)
		}
	}
	return c.typing(ctx, rowBusy, crowdKeys)
}

// linesText is the output of a shell up to a number of lines.
func linesText(n int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%slines %d\r\n", prompt, n)
	for i := range n {
		fmt.Fprintf(&text, "line %d\r\n", i)
	}
	text.WriteString(prompt)
	return text.String()
}

// typing types keys, 30 a second, each after the echo of the one before, and notes how long that took, and what the
// node used meanwhile.
func (c *crowd) typing(ctx context.Context, row string, keys int) error {
	pids := []int{c.c.pid()}
	began, before := time.Now(), stats.CPUTime(pids...)
	var times []float64
	for i := range keys {
		key := byte('#')
		if i > 0 {
			key = keyAt(i)
		}
		took, err := typeKey(ctx, c.typed, key)
		if err != nil {
			return fmt.Errorf("%s: %w", row, err)
		}
		c.text.WriteByte(key)
		times = append(times, micros(took))
		if err := pause(ctx, crowdPause); err != nil {
			return err
		}
	}
	if used := stats.CPUTime(pids...) - before; used > 0 {
		c.b.report.add("crowd", row, "CPU", unitPercent, 100*used.Seconds()/time.Since(began).Seconds())
	}
	c.b.report.add("crowd", row, "echo p50", unitMicros, stats.Percentile(times, 50))
	c.b.report.add("crowd", row, "echo p99", unitMicros, stats.Percentile(times, 99))
	c.text.WriteString("\r\n" + prompt)
	return endLine(ctx, c.typed)
}

// check waits until every viewer has all of its shell's output, byte for byte.
func (c *crowd) check(ctx context.Context) error {
	var wrong []error
	for i, seats := range c.seats {
		text := linesText(crowdLines)[len(prompt):]
		if i == 0 {
			text = c.text.String()
		}
		sum := crc32.Checksum([]byte(text), sums)
		for _, w := range seats {
			t, err := w.wait(ctx)
			if err == nil && !t.right(sum) {
				err = fmt.Errorf("%d resets, %d bytes of %d, of sum %x", t.resets, t.bytes, t.to-t.from, t.sum)
			}
			if err != nil {
				wrong = append(wrong, fmt.Errorf("shell %d: %w", i, err))
			}
		}
		if len(wrong) > 5 {
			break
		}
	}
	return errors.Join(wrong...)
}
