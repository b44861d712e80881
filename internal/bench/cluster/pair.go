package main

import (
	"context"
	"fmt"
	"time"

	"convoy/internal/bench/stats"
)

const (
	pairRounds = 5
	callTime   = 300 * time.Millisecond // of each kind, in each round
	streamTime = 400 * time.Millisecond
)

// pairFigures is what one kind of work between two nodes takes one way. Ratios are medians of the rounds' ratios.
type pairFigures struct {
	What      string  `json:"what"`
	Way       string  `json:"way"`
	PerSecond float64 `json:"calls_per_s,omitempty"`
	P50       float64 `json:"p50_us,omitempty"`
	P99       float64 `json:"p99_us,omitempty"`
	Rate      float64 `json:"mb_per_s,omitempty"`
	OfHTTP2   float64 `json:"of_bare_http2,omitempty"` // this way's calls or bytes per second ÷ the bare way's
	OfTLS     float64 `json:"of_bare_tls,omitempty"`
}

// work is one kind of it.
type work struct {
	what  string
	order order
	ways  []string
}

func works() []work {
	calls := []string{wayConvoy, wayHTTP2}
	return []work{
		{"calls, 1 at a time", order{Do: orderCalls, AtOnce: 1, Time: callTime}, calls},
		{"calls, 64 at once", order{Do: orderCalls, AtOnce: 64, Time: callTime}, calls},
		{"stream, one reader", order{Do: orderStream, Time: streamTime}, []string{wayConvoy, wayHTTP2, wayTLS}},
	}
}

// measurePair has one node of two call and read the other, the ways taking turns.
func (b *bench) measurePair(ctx context.Context) error {
	c, err := newCrowd(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	for _, host := range []string{"a", "b"} {
		if _, err := c.add(host, host == "b"); err != nil {
			return err
		}
	}
	if _, err := c.listening(ctx); err != nil {
		return err
	}
	if _, err := c.whole(ctx); err != nil {
		return err
	}
	for _, w := range works() {
		if err := b.measureWork(ctx, c, w); err != nil {
			return fmt.Errorf("%s: %w", w.what, err)
		}
	}
	return nil
}

func (b *bench) measureWork(ctx context.Context, c *crowd, w work) error {
	from, to := c.nodes[0], c.nodes[1]
	done := map[string][]result{}
	for round := range pairRounds {
		for i := range w.ways {
			o := w.order
			o.Way, o.Node, o.Bare = w.ways[(i+round)%len(w.ways)], to.name, to.ready.Bare
			r, err := from.ask(ctx, o)
			if err != nil {
				return fmt.Errorf("%s: %w", o.Way, err)
			}
			done[o.Way] = append(done[o.Way], r)
		}
	}
	for _, way := range w.ways {
		f := pairFigures{
			What: w.what, Way: way,
			PerSecond: stats.Median(each(done[way], func(r result) float64 { return r.PerSecond })),
			P50:       stats.Median(each(done[way], func(r result) float64 { return r.P50 })),
			P99:       stats.Median(each(done[way], func(r result) float64 { return r.P99 })),
			Rate:      stats.Median(each(done[way], func(r result) float64 { return r.Rate })),
		}
		f.OfHTTP2 = compare(done[way], done[wayHTTP2])
		f.OfTLS = compare(done[way], done[wayTLS])
		b.report.Pair = append(b.report.Pair, f)
	}
	return nil
}

// compare is the ratio of the speeds, or 0 if one of them was not measured.
func compare(a, b []result) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	return stats.Ratio(each(a, speed), each(b, speed))
}

// speed is calls or MB per second, whichever was measured.
func speed(r result) float64 { return r.PerSecond + r.Rate }

func each(results []result, value func(result) float64) (values []float64) {
	for _, r := range results {
		values = append(values, value(r))
	}
	return values
}
