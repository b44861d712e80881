package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"convoy/internal/bench/stats"
	"convoy/internal/faultproxy"
)

// delayKeys is how many keys are typed one after the other, each way, in a round.
const delayKeys = 12

// wayTrip is the row that the others of a link are compared with.
const wayTrip = "round trip of the link"

// trips are the round trips of the links that are typed over.
var trips = []time.Duration{0, 20 * time.Millisecond, 50 * time.Millisecond, 150 * time.Millisecond}

// measureDelay types through proxies that are late. The round trip that is compared with is that of a byte to an echo
// server through such a proxy: timers too have their price. All links are typed over at the same time, which is a few
// hundred bytes a second.
func measureDelay(ctx context.Context, b *bench) error {
	var links []*far
	defer func() {
		for _, f := range links {
			f.close()
		}
	}()
	for _, trip := range trips {
		f, err := b.openFar(ctx, trip)
		links = append(links, f)
		if err != nil {
			return fmt.Errorf("%v: %w", trip, err)
		}
	}
	for round := range b.rounds {
		if err := together(len(links), func(i int) error { return links[i].run(ctx, round) }); err != nil {
			return err
		}
	}
	for _, f := range links {
		f.report(b)
	}
	return nil
}

// together calls do with 0 to n-1, at the same time, and waits for all.
func together(n int, do func(i int) error) error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = do(i) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// far is a long line, and who types over it.
type far struct {
	trip    time.Duration
	ping    *ping
	trips   rounds
	proxies []*faultproxy.Proxy
	typed   []*typed
}

// typed is what was measured one way over a line.
type typed struct {
	*way
	single, steady rounds
}

// openFar opens a line and a shell each way over it. What it returns is to be closed in any case.
func (b *bench) openFar(ctx context.Context, trip time.Duration) (f *far, err error) {
	f = &far{trip: trip}
	if f.ping, err = newPing(trip / 2); err != nil {
		return f, err
	}
	err = f.open(strings.TrimPrefix(b.convoy.base, "http://"), func(addr string) (*way, error) {
		l, err := openShell(ctx, b.convoy.client("http://"+addr), b.convoy.name)
		if err != nil {
			return nil, err
		}
		return newWay(ctx, wayCP, l)
	})
	if err == nil && b.ttyd != nil {
		err = f.open(b.ttyd.addr, func(addr string) (*way, error) { return b.ttyd.open(ctx, addr) })
	}
	return f, err
}

// open puts a proxy in front of an address, and opens a way through it.
func (f *far) open(addr string, through func(addr string) (*way, error)) error {
	link, err := faultproxy.New(addr)
	if err != nil {
		return err
	}
	link.Delay(f.trip / 2)
	f.proxies = append(f.proxies, link)
	w, err := through(link.Addr())
	if err == nil {
		f.typed = append(f.typed, &typed{way: w})
	}
	return err
}

func (f *far) close() {
	for _, t := range f.typed {
		t.close()
	}
	for _, link := range f.proxies {
		link.Close()
	}
	if f.ping != nil {
		f.ping.close()
	}
}

// run is one round: all ways at once, and the link itself beside them.
func (f *far) run(ctx context.Context, round int) error {
	return together(len(f.typed)+1, func(i int) error {
		if i < len(f.typed) {
			return f.typed[i].run(ctx, round)
		}
		for range delayKeys {
			trip, err := f.ping.trip()
			if err != nil {
				return err
			}
			f.trips.add(round, millis(trip))
		}
		return nil
	})
}

func (t *typed) run(ctx context.Context, round int) error {
	for range delayKeys {
		took, err := typeKey(ctx, t.way, '#')
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		t.single.add(round, millis(took))
	}
	times, err := typeSteadily(ctx, t.way)
	if err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	t.steady.add(round, times...)
	return endLine(ctx, t.way)
}

// farName names a row of a link.
func farName(trip time.Duration, what string) string {
	return fmt.Sprintf("%d ms: %s", trip.Milliseconds(), what)
}

func (f *far) report(b *bench) {
	add := func(what string, r, ttyd rounds) {
		name := farName(f.trip, what)
		b.report.add("delay", name, "p50", unitMillis, stats.Percentile(r.all(), 50))
		b.report.add("delay", name, "p99", unitMillis, stats.Percentile(r.all(), 99))
		b.report.add("delay", name, "× round trip", unitRatio, stats.Ratio(r.medians(), f.trips.medians()))
		b.report.add("delay", name, "× ttyd", unitRatio, stats.Ratio(r.medians(), ttyd.medians()))
	}
	var ttyd typed
	for _, t := range f.typed {
		if t.name == wayTtyd {
			ttyd = *t
		}
	}
	add(wayTrip, f.trips, nil)
	for _, t := range f.typed {
		add(t.name+", one key at a time", t.single, ttyd.single)
	}
	for _, t := range f.typed {
		add(t.name+", 30 keys/s", t.steady, ttyd.steady)
	}
}
