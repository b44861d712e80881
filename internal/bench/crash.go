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

// measureCrash is crash, for a minute at most: then the report says that there is no figure.
func measureCrash(ctx context.Context, b *bench) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- crash(ctx, b) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		b.report.note("crash: the shell did not echo within a minute")
		return nil
	}
}

// crash kills a control plane again and again, and types into a shell of it at once, as a page does.
func crash(ctx context.Context, b *bench) error {
	c, err := b.place.start(ctx, b.binary)
	if err != nil {
		return err
	}
	defer c.stop()
	if c.pid() == c.cmd.Process.Pid {
		b.report.note("crash: this convoy has no supervisor")
		return nil
	}
	viewer := client.New(c.base, c.token)
	defer viewer.Close()
	shell, err := viewer.Open(ctx, c.name)
	if err != nil {
		return err
	}
	page := viewer.AttachResilient(ctx, shell, 0, 1<<20)
	defer page.Close()
	defer context.AfterFunc(ctx, page.Close)()
	if _, err := page.ReachText(prompt); err != nil {
		return fmt.Errorf("the prompt: %w", err)
	}
	var took []float64
	node := c.cmd.Process.Pid
	for n := range crashes {
		if node, err = c.nextNode(ctx, node); err != nil {
			return err
		}
		began := time.Now()
		if err := syscall.Kill(node, syscall.SIGKILL); err != nil {
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

// nextNode waits until the supervisor has started a node after the one with this process.
func (c *convoy) nextNode(ctx context.Context, before int) (pid int, err error) {
	for ctx.Err() == nil {
		if pid := c.pid(); pid != before && pid != c.cmd.Process.Pid {
			return pid, nil
		}
		time.Sleep(time.Millisecond)
	}
	return 0, ctx.Err()
}
