package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"convoy/internal/bench/stats"
	"convoy/internal/client"
)

// crashes is how many nodes are killed.
const crashes = 10

// measureCrash kills the nodes of fresh control planes, and types into a shell of each at once, as a page does. After
// a second crash of the same one, its supervisor would pause.
func measureCrash(ctx context.Context, b *bench) error {
	var took []float64
	for n := range crashes {
		one, err := b.crash(ctx)
		if err != nil {
			return fmt.Errorf("crash %d: %w", n, err)
		}
		if one == 0 {
			b.report.note("crash: this convoy has no supervisor")
			return nil
		}
		took = append(took, millis(one))
	}
	b.report.add("crash", wayCP, "p50", unitMillis, stats.Median(took))
	b.report.add("crash", wayCP, "worst", unitMillis, stats.Percentile(took, 100))
	return nil
}

// crash returns the time from the end of a node to the echo of the first key after it; 0: the node has no supervisor.
func (b *bench) crash(ctx context.Context) (time.Duration, error) {
	c, err := b.place.start(ctx, b.binary)
	if err != nil {
		return 0, err
	}
	defer c.stop()
	node := c.pid()
	if node == c.cmd.Process.Pid {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	viewer := client.New(c.base, c.token)
	defer viewer.Close()
	shell, err := viewer.Open(ctx, c.name)
	if err != nil {
		return 0, err
	}
	page := viewer.AttachResilient(ctx, shell, 0, 1<<20)
	defer page.Close()
	if _, err := page.ReachText(prompt); err != nil {
		return 0, fmt.Errorf("the prompt: %w", err)
	}
	began := time.Now()
	if err := syscall.Kill(node, syscall.SIGKILL); err != nil {
		return 0, err
	}
	page.Type([]byte("k"))
	_, err = page.ReachText(prompt + "k")
	return time.Since(began), err
}
