package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"convoy/internal/bench/stats"
)

const (
	drawRate  = 5e6         // bytes a second that the viewer draws
	drawBytes = 16 << 10    // at a time
	floodTime = time.Second // before Ctrl-C
)

// measureInterrupt floods a viewer that is slow to draw, as a browser is, and presses Ctrl-C. ttyd is left out: its
// page can pause the flow, and what this viewer would do in its place would not be ttyd's.
func measureInterrupt(ctx context.Context, b *bench) error {
	took, most := map[string]*rounds{}, map[string]*rounds{}
	var ways []*way
	for _, w := range b.ways {
		if w.name != wayTtyd {
			ways = append(ways, w)
			took[w.name], most[w.name] = &rounds{}, &rounds{}
		}
	}
	err := b.inTurn(ways, 8*time.Second, func(round int, w *way) error {
		v, err := flood(ctx, w)
		if err != nil {
			return err
		}
		took[w.name].add(round, millis(v.took))
		most[w.name].add(round, float64(v.most)/(1<<20))
		return nil
	})
	for _, w := range ways {
		b.report.add("interrupt", w.name, "p50", unitMillis, stats.Median(took[w.name].all()))
		b.report.add("interrupt", w.name, "worst", unitMillis, stats.Percentile(took[w.name].all(), 100))
		if _, ok := w.link.(*convoyLink); ok {
			b.report.add("interrupt", w.name, "undrawn, most", unitMiB, stats.Percentile(most[w.name].all(), 100))
		}
	}
	return err
}

// slowViewer draws the output of a way at drawRate.
type slowViewer struct {
	w     *way
	ready time.Time // when it has drawn what it took
	seen  []byte    // the last of it
	most  int64     // bytes that it held undrawn at one time
	took  time.Duration
}

func flood(ctx context.Context, w *way) (*slowViewer, error) {
	v := &slowViewer{w: w, ready: time.Now()}
	if err := w.send(ctx, "yes\r"); err != nil {
		return v, err
	}
	if err := v.drawUntil(ctx, func() bool { return bytes.Contains(v.seen, []byte("y\r\ny\r\n")) }); err != nil {
		return v, err
	}
	pressAt := time.Now().Add(floodTime)
	if err := v.drawUntil(ctx, func() bool { return time.Now().After(pressAt) }); err != nil {
		return v, err
	}
	pressed := time.Now()
	sent := make(chan error, 1)
	go func() { sent <- w.send(ctx, "\x03") }()
	err := v.drawUntil(ctx, func() bool { return bytes.HasSuffix(v.seen, []byte(prompt)) })
	v.took = time.Since(pressed)
	if sendErr := <-sent; err == nil {
		err = sendErr
	}
	return v, err
}

// drawUntil draws until done says yes.
func (v *slowViewer) drawUntil(ctx context.Context, done func() bool) error {
	for !done() {
		if err := v.w.fill(ctx); err != nil {
			return fmt.Errorf("%w; output ends %q", err, v.seen)
		}
		v.note()
		n := min(drawBytes, len(v.w.rest.bytes))
		if now := time.Now(); v.ready.Before(now) {
			v.ready = now
		}
		v.ready = v.ready.Add(time.Duration(float64(n) / drawRate * float64(time.Second)))
		time.Sleep(time.Until(v.ready))
		v.seen = append(v.seen, v.w.use(n).bytes...)
		v.seen = bytes.Clone(v.seen[max(0, len(v.seen)-100):])
	}
	return nil
}

// note notes what is undrawn.
func (v *slowViewer) note() {
	if l, ok := v.w.link.(*convoyLink); ok {
		v.most = max(v.most, l.got.Load()-l.drawn.Load())
	}
}
