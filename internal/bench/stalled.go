package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"

	"convoy/internal/bench/stats"
)

// stalledKeys are typed beside a stalled viewer, in a round.
const stalledKeys = 100

// Rows of the part.
const (
	rowAlone  = "convoy, nobody else"
	rowUnread = "beside one that reads nothing"
	rowUndone = "beside one that never acknowledges"
)

// company is who else looks at the shell that is measured.
type company struct {
	name  string
	join  func(context.Context, *companions) (leave func(), err error)
	rates rounds // MB/s
	times rounds // µs to the echo
}

// companions is a shell with one viewer who draws, and what joins it.
type companions struct {
	b *bench
	w *way
	l *convoyLink
}

// measureStalled has a file printed, and keys typed, beside a viewer that may type but has stopped: it holds a full
// window that it never acknowledges.
func measureStalled(ctx context.Context, b *bench) error {
	l, err := openShell(ctx, b.convoy.client(b.convoy.base), b.convoy.name)
	if err != nil {
		return err
	}
	w, err := newWay(ctx, wayCP, l)
	if err != nil {
		return err
	}
	defer w.close()
	c := &companions{b, w, l}
	list := []*company{
		{name: rowAlone, join: nobody},
		{name: rowUnread, join: joinUnread},
		{name: rowUndone, join: joinUndone},
	}
	began := time.Now()
	for round := 0; round < 2*b.rounds && time.Since(began) < 10*time.Second; round++ {
		for i := range list {
			one := list[(i+round)%len(list)]
			if err := one.run(ctx, c, round); err != nil {
				return fmt.Errorf("%s, round %d: %w", one.name, round, err)
			}
		}
	}
	for _, one := range list {
		one.report(b, list[0])
	}
	return nil
}

func (one *company) run(ctx context.Context, c *companions, round int) error {
	leave, err := one.join(ctx, c)
	if err != nil {
		return err
	}
	defer leave()
	took, err := printFile(ctx, c.w, c.b.place.small) // which fills the window
	if err != nil {
		return err
	}
	one.rates.add(round, float64(c.b.place.small.bytes)/took.Seconds()/1e6)
	if _, err := typeKey(ctx, c.w, '#'); err != nil {
		return err
	}
	for i := range stalledKeys {
		took, err := typeKey(ctx, c.w, keyAt(i))
		if err != nil {
			return err
		}
		one.times.add(round, micros(took))
	}
	return endLine(ctx, c.w)
}

func (one *company) report(b *bench, alone *company) {
	rates, times := one.rates.all(), one.times.all()
	b.report.add("stalled", one.name, "bulk", unitRate, stats.Median(rates))
	b.report.add("stalled", one.name, "worst", unitRate, stats.Percentile(rates, 0))
	b.report.add("stalled", one.name, "best", unitRate, stats.Percentile(rates, 100))
	b.report.add("stalled", one.name, "bulk × alone", unitRatio, stats.Ratio(one.rates.medians(), alone.rates.medians()))
	b.report.add("stalled", one.name, "echo p50", unitMicros, stats.Percentile(times, 50))
	b.report.add("stalled", one.name, "echo p99", unitMicros, stats.Percentile(times, 99))
	b.report.add("stalled", one.name, "echo × alone", unitRatio, stats.Ratio(one.times.medians(), alone.times.medians()))
}

func nobody(context.Context, *companions) (leave func(), err error) { return func() {}, nil }

// joinUnread adds a viewer that reads its stream's first events, and then nothing: what the kernel holds for it is
// little, so the node's writes wait.
func joinUnread(ctx context.Context, c *companions) (leave func(), err error) {
	through := &http.Client{Transport: &wire{buffer: leanBuffer, receive: leanBuffer}}
	at := fmt.Sprintf("%s@%d", c.l.shell.Key(), c.l.drawn.Load())
	stream, err := c.b.convoy.viewer(through).Stream(ctx, url.Values{"want": {"none"}, "shell": {at}})
	if err != nil {
		return nil, err
	}
	for {
		e, err := stream.Next()
		if err != nil {
			stream.Close()
			return nil, err
		}
		if e.Name == "size" { // it follows
			return stream.Close, nil
		}
	}
}

// joinUndone adds a viewer that reads all that it is sent, and draws nothing.
func joinUndone(ctx context.Context, c *companions) (leave func(), err error) {
	from := c.l.drawn.Load()
	w, err := watch(ctx, c.b.convoy.viewer(lean()), c.l.shell, from, newTally(from, from, math.MaxInt64), false)
	if err != nil {
		return nil, err
	}
	return w.close, nil
}
