package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"convoy/internal/bench/stats"
	"convoy/internal/client"
)

// crashes is how often the node is killed.
const crashes = 20

// measureCrash kills a control plane again and again, and types into a shell of it at once, as a page does.
func measureCrash(ctx context.Context, b *bench) error {
	c, err := b.place.start(ctx, b.binary)
	if err != nil {
		return err
	}
	defer c.stop()
	if c.pid() == c.cmd.Process.Pid {
		b.report.note("crash: this convoy has no supervisor")
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	viewer := client.New(c.base, c.token)
	defer viewer.Close()
	shell, err := viewer.Open(ctx, c.name)
	if err != nil {
		return err
	}
	page := viewer.AttachResilient(ctx, shell, 0, 1<<20)
	defer page.Close()
	if _, err := page.ReachText(prompt); err != nil {
		return fmt.Errorf("the prompt: %w", err)
	}
	var took []float64
	for n := range crashes {
		began := time.Now()
		if err := syscall.Kill(c.pid(), syscall.SIGKILL); err != nil {
			return err
		}
		page.Type(fmt.Appendf(nil, "crash-%d-", n))
		if _, err := page.ReachText(fmt.Sprintf("crash-%d-", n)); err != nil {
			return fmt.Errorf("crash %d: %w", n, err)
		}
		took = append(took, millis(time.Since(began)))
	}
	b.report.add("crash", wayCP, "p50", unitMillis, stats.Median(took))
	b.report.add("crash", wayCP, "worst", unitMillis, stats.Percentile(took, 100))
	return nil
}
