package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"convoy/internal/bench/stats"
	"convoy/internal/client"
)

const (
	crowdShells  = 200
	crowdViewers = 1000 // spread over the shells
	crowdCols    = 80   // of the shells that print
	crowdAtOnce  = 32   // viewers that attach at the same time, or shells that are opened
	crowdLines   = 7    // that each shell prints, one a second
	crowdKeys    = 160  // typed beside that
	quietKeys    = 80   // typed before
	crowdPause   = time.Second / 30
	crowdFiles   = 2000 // open files that it takes
)

// Rows of the part, besides those of what is done once.
const (
	rowQuiet = "1,000 viewers of 200 quiet shells"
	rowBusy  = "each shell prints a line every second"
)

// crowd is a node that many look at: shells, each with the same number of viewers.
type crowd struct {
	b       *bench
	c       *convoy
	through *http.Client
	asks    *client.Client
	shells  []client.Shell  // the first is typed into, the others print
	spare   client.Shell    // that nobody looks at
	seats   [][]*watcher    // of each shell, pages
	typed   *way            // the one viewer of the first shell that types
	text    strings.Builder // output of the first shell after its prompt
}

// measureCrowd opens shells and has viewers attach, each with a stream as a page has it, then types in one shell, first
// while all is quiet and then while every other shell prints. All bytes are checked at the end: nothing may be refused,
// and nothing lost.
func measureCrowd(ctx context.Context, b *bench) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < crowdFiles {
		b.report.note(
			fmt.Sprintf("crowd: left out, a process may open %d files here and it takes %d (ulimit -Hn)", limit.Cur, crowdFiles),
		)
		return nil
	}
	node, err := b.place.start(ctx, b.binary)
	if err != nil {
		return err
	}
	defer node.stop()
	c := &crowd{b: b, c: node, through: lean()}
	c.asks = node.viewer(c.through)
	defer c.leave()
	for _, step := range []func(context.Context) error{c.open, c.attach, c.shut, c.quiet, c.busy, c.check} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *crowd) leave() {
	for _, seats := range c.seats {
		closeAll(seats)
	}
	if c.typed != nil {
		c.typed.close()
	}
	c.through.CloseIdleConnections()
}

// some calls do with 0 to n-1, crowdAtOnce at a time, until one fails. It is the times they took in ms.
func some(n int, do func(i int) error) (times []float64, err error) {
	times = make([]float64, n)
	var next atomic.Int64
	err = together(min(n, crowdAtOnce), func(int) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return nil
			}
			began := time.Now()
			if err := do(i); err != nil {
				next.Store(int64(n))
				return fmt.Errorf("number %d: %w", i, err)
			}
			times[i] = millis(time.Since(began))
		}
	})
	return times, err
}

// open opens the shells.
func (c *crowd) open(ctx context.Context) error {
	c.shells = make([]client.Shell, crowdShells)
	began, before := time.Now(), c.ownMemory()
	times, err := some(crowdShells, func(i int) error {
		size := fmt.Appendf(nil, `{"rows":%d,"cols":%d}`, rows, crowdCols)
		if i == 0 {
			size = fmt.Appendf(nil, `{"rows":%d,"cols":%d}`, rows, cols)
		}
		return c.asks.Do(ctx, http.MethodPost, "/nodes/"+c.c.name+"/shells", size, &c.shells[i])
	})
	if err != nil {
		return fmt.Errorf("open a shell: %w", err)
	}
	c.arrived("open 200 shells", time.Since(began), times)
	if c.spare, err = c.asks.Open(ctx, c.c.name); err != nil {
		return err
	}
	return c.grown(ctx, "open 200 shells", before, crowdShells)
}

// attach has all viewers follow their shells, from the first byte on, until each has seen the prompt.
func (c *crowd) attach(ctx context.Context) error {
	c.seats = make([][]*watcher, crowdShells)
	for i := range c.seats {
		c.seats[i] = make([]*watcher, 0, crowdViewers/crowdShells)
	}
	l, err := follow(ctx, c.c.client(c.c.base), c.shells[0])
	if err != nil {
		return err
	}
	if c.typed, err = newWay(ctx, wayCP, l); err != nil {
		return err
	}
	began, before := time.Now(), c.ownMemory()
	watchers := make([]*watcher, crowdViewers)
	times, err := some(crowdViewers-1, func(i int) (err error) {
		shell := c.shells[(i+1)%crowdShells]
		page := c.c.viewer(c.through)
		page.Page = true
		if watchers[i], err = watch(ctx, page, shell, 0, newTally(0, 0, int64(len(prompt))), true); err != nil {
			return err
		}
		_, err = watchers[i].wait(ctx)
		return err
	})
	for i, w := range watchers {
		if w != nil {
			at := (i + 1) % crowdShells
			c.seats[at] = append(c.seats[at], w)
		}
	}
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	c.arrived("attach 1,000 viewers", time.Since(began), times)
	return c.grown(ctx, "attach 1,000 viewers", before, crowdViewers)
}

// shut closes a shell, until it is gone from every page's list.
func (c *crowd) shut(ctx context.Context) error {
	var gone []<-chan struct{}
	for _, seats := range c.seats {
		for _, w := range seats {
			gone = append(gone, w.miss(c.spare.ID))
		}
	}
	began := time.Now()
	if err := c.asks.Do(ctx, http.MethodDelete, c.spare.Path(), nil, nil); err != nil {
		return err
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for _, one := range gone {
		select {
		case <-one:
		case <-limit.C:
			return fmt.Errorf("a shell that was closed is in some page's list after %v", patience)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	c.b.report.add("crowd", "close a shell: gone from all lists", "all", unitMillis, millis(time.Since(began)))
	return nil
}

func (c *crowd) ownMemory() float64 {
	bytes, ok := ownMemory(c.c.pid())
	if !ok {
		return math.NaN()
	}
	return bytes
}

// arrived notes how long many took, together and each.
func (c *crowd) arrived(row string, all time.Duration, times []float64) {
	c.b.report.add("crowd", row, "all", unitMillis, millis(all))
	c.b.report.add("crowd", row, "each p50", unitMillis, stats.Percentile(times, 50))
	c.b.report.add("crowd", row, "each p99", unitMillis, stats.Percentile(times, 99))
}

// grown notes what each of so many added to the node's memory.
func (c *crowd) grown(ctx context.Context, row string, before float64, n int) error {
	if err := pause(ctx, settleWait); err != nil {
		return err
	}
	c.b.report.add("crowd", row, "each adds", unitKiB, (c.ownMemory()-before)/1024/float64(n))
	return nil
}
