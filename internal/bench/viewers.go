package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"convoy/internal/bench/stats"
	"convoy/internal/client"
)

// manyViewers look at one shell.
const manyViewers = 50

// mean is the mean of some values; NaN for none.
func mean(values []float64) float64 {
	sum := 0.0
	for _, value := range values {
		sum += value
	}
	return sum / float64(len(values))
}

// measureViewers has a file printed in a shell that one viewer looks at, and then one that many do. Each of them gets
// every byte, and the right one, or a reset, which is counted.
func measureViewers(ctx context.Context, b *bench) error {
	through := &http.Client{Transport: &wire{}}
	defer through.CloseIdleConnections()
	s := &stage{b: b, through: through, asks: b.convoy.viewer(through)}
	var err error
	if s.shell, err = s.asks.Open(ctx, b.convoy.name); err != nil {
		return err
	}
	// Convoy ends soon, and its shells with it.
	defer s.asks.Do(context.WithoutCancel(ctx), http.MethodDelete, s.shell.Path(), nil, nil) //nolint:errcheck
	one, many := &audience{stage: s, n: 1}, &audience{stage: s, n: manyViewers}
	began := time.Now()
	for round := range b.rounds {
		if time.Since(began) > 12*time.Second {
			b.say("%d of %d rounds fit", round, b.rounds)
			break
		}
		for _, a := range []*audience{one, many} {
			if err := a.show(ctx, round); err != nil {
				return fmt.Errorf("%s, round %d: %w", a.name(), round, err)
			}
		}
	}
	one.report(one.rates)
	many.report(one.rates)
	return nil
}

// stage is a shell that many look at, and nobody types into but a script.
type stage struct {
	b       *bench
	through *http.Client
	asks    *client.Client
	shell   client.Shell
	end     int64 // of the output, before the prompt that waits for a command
}

// audience is so many viewers of a stage, all of whom draw.
type audience struct {
	*stage
	n      int
	rates  rounds    // MB/s to all together
	cpu    []float64 // of Convoy, s for 100 MB
	own    []float64 // of the viewers
	lost   []float64 // by a viewer in a round, in percent
	resets int
}

func (a *audience) name() string {
	if a.n == 1 {
		return "1 viewer"
	}
	return fmt.Sprintf("%d viewers", a.n)
}

// show has the file printed for all.
func (a *audience) show(ctx context.Context, round int) error {
	watchers, err := a.seat(ctx)
	defer closeAll(watchers)
	if err != nil {
		return err
	}
	file, pids, own := a.b.place.small, []int{a.b.convoy.pid()}, []int{os.Getpid()}
	command := "cat " + file.path
	from := a.end + int64(len(prompt+command+"\r\n"))
	a.end = from + file.bytes
	for _, w := range watchers {
		w.expect(newTally(from, a.end, a.end+int64(len(prompt))))
	}
	began, before, ownBefore := time.Now(), stats.CPUTime(pids...), stats.CPUTime(own...)
	if err := a.asks.Do(ctx, http.MethodPost, a.shell.Path()+"/input", []byte(command+"\r"), nil); err != nil {
		return err
	}
	delivered := 0.0
	for i, w := range watchers {
		t, err := w.wait(ctx)
		if err == nil && t.resets == 0 && !t.right(file.sum) {
			err = fmt.Errorf("%d bytes of sum %x came, not %d of %x", t.bytes, t.sum, file.bytes, file.sum)
		}
		if err != nil {
			return fmt.Errorf("viewer %d: %w", i, err)
		}
		delivered += float64(t.bytes)
		a.resets += t.resets
		a.lost = append(a.lost, 100*(1-float64(t.bytes)/float64(file.bytes)))
	}
	took := time.Since(began)
	a.rates.add(round, delivered/took.Seconds()/1e6)
	if used := stats.CPUTime(pids...) - before; used > 0 {
		a.cpu = append(a.cpu, used.Seconds()/(delivered/1e8))
		a.own = append(a.own, (stats.CPUTime(own...)-ownBefore).Seconds()/(delivered/1e8))
	}
	return nil
}

// seat has all follow the shell, from the prompt on. What it returns is to be closed in any case.
func (a *audience) seat(ctx context.Context) (watchers []*watcher, err error) {
	for range a.n {
		t := newTally(a.end, a.end, a.end+int64(len(prompt)))
		viewer := a.b.convoy.viewer(a.through)
		viewer.Buffer = 0 // as large as that of the other parts
		w, err := watch(ctx, viewer, a.shell, a.end, t, true)
		if err != nil {
			return watchers, err
		}
		watchers = append(watchers, w)
		if _, err := w.wait(ctx); err != nil {
			return watchers, err
		}
	}
	return watchers, nil
}

func (a *audience) report(one rounds) {
	all := a.rates.all()
	add := func(what, unit string, value float64) { a.b.report.add("viewers", a.name(), what, unit, value) }
	add("each", unitRate, stats.Median(all)/float64(a.n))
	add("all", unitRate, stats.Median(all))
	add("all, worst", unitRate, stats.Percentile(all, 0))
	add("× 1 viewer", unitRatio, stats.Ratio(a.rates.medians(), one.medians()))
	add("CPU for 100 MB delivered", unitSeconds, stats.Median(a.cpu))
	add("of the viewers", unitSeconds, stats.Median(a.own))
	add("resets", "", float64(a.resets))
	add("lost by the resets, mean", "%", mean(a.lost))
}
