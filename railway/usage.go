package railway

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"convoy/fleet"
)

const (
	// usageAge is how long an answer about usage is used again, or longer if the plan allows few calls.
	usageAge = time.Minute
	// usagePatience is how long Railway may take to answer: less than those wait who ask.
	usagePatience = 4 * time.Second
	// usageShare is the part of the hourly limit that questions about usage may take, all together.
	usageShare = 0.1
	gigabyte   = 1 << 30
)

// usageKey is what was asked for.
type usageKey struct {
	service string // id
	span    time.Duration
}

// keptUsage is an answer, or why there is none.
type keptUsage struct {
	at    time.Time
	usage fleet.Usage
	err   error
}

// usages are the answers to [Provider.Usage], of the last hour.
type usages struct {
	turn  chan struct{} // has room for one: the caller that asks Railway, and uses the rest
	kept  map[usageKey]keptUsage
	asked []time.Time // in the last hour
}

func newUsages() usages {
	return usages{turn: make(chan struct{}, 1), kept: map[usageKey]keptUsage{}}
}

// Usage implements [fleet.Meter] with Railway's metrics. However many ask, Railway is asked at most once a minute for
// each node and span, and for at most a tenth of the hourly limit; beyond that an older answer is returned.
func (p *Provider) Usage(ctx context.Context, name string, span time.Duration) (fleet.Usage, error) {
	label, err := p.labelOf(name)
	if err != nil {
		return fleet.Usage{}, fleet.ErrNoProvider
	}
	if refusal := p.Unavailable(); refusal != "" {
		return fleet.Usage{}, &fleet.UnavailableError{Reason: refusal}
	}
	p.mu.Lock()
	s := p.find(label)
	p.mu.Unlock()
	if s == nil {
		return fleet.Usage{}, fleet.ErrNoProvider
	}
	select {
	case p.usages.turn <- struct{}{}:
		defer func() { <-p.usages.turn }()
	case <-ctx.Done():
		return fleet.Usage{}, &fleet.UnavailableError{Reason: "Railway does not answer in time"}
	}
	return p.currentUsage(ctx, usageKey{s.id, span}, time.Now())
}

// currentUsage returns a recent answer, or asks for one. The caller has the turn.
func (p *Provider) currentUsage(ctx context.Context, key usageKey, now time.Time) (fleet.Usage, error) {
	u := &p.usages
	u.forget(now.Add(-time.Hour))
	kept, known := u.kept[key]
	if known && now.Sub(kept.at) < max(usageAge, p.client.budget.share(usageShare)) {
		return kept.usage, kept.err
	}
	if most := int(float64(p.Budget().Limit) * usageShare); len(u.asked) >= most {
		if known {
			return kept.usage, kept.err
		}
		return fleet.Usage{}, &fleet.UnavailableError{
			Reason: fmt.Sprintf("Convoy asks Railway for metrics at most %d times an hour", most),
		}
	}
	u.asked = append(u.asked, now)
	// The answer is also for those who ask next, if this caller leaves.
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), usagePatience)
	defer cancel()
	usage, err := p.queryUsage(asking, key, now)
	if err != nil { // which may have been tried again
		u.asked = append(u.asked, slices.Repeat([]time.Time{now}, queryTries-1)...)
	}
	u.kept[key] = keptUsage{now, usage, err}
	return usage, err
}

// forget drops what is older than a time.
func (u *usages) forget(before time.Time) {
	for key, kept := range u.kept {
		if kept.at.Before(before) {
			delete(u.kept, key)
		}
	}
	for len(u.asked) > 0 && u.asked[0].Before(before) {
		u.asked = u.asked[1:]
	}
}

// queryUsage asks Railway.
func (p *Provider) queryUsage(ctx context.Context, key usageKey, now time.Time) (fleet.Usage, error) {
	step := usageStep(key.span)
	end := now.UTC().Truncate(time.Second)
	since := end.Add(-key.span)
	_, env := p.scope()
	answer, err := serviceMetrics(ctx, p.client, env, key.service, since, int(step/time.Second), []string{
		"CPU_USAGE", "CPU_LIMIT", "MEMORY_USAGE_GB", "MEMORY_LIMIT_GB", "NETWORK_RX_GB", "NETWORK_TX_GB",
	})
	if err != nil {
		return fleet.Usage{}, &fleet.UnavailableError{Reason: usageRefusal(err)}
	}
	usage := fleet.Usage{At: end, Step: step}
	for _, m := range answer.Metrics {
		switch m.Measurement {
		case "CPU_USAGE":
			usage.CPU = m.series(since, key.span, step, 1)
		case "MEMORY_USAGE_GB":
			usage.Memory = m.series(since, key.span, step, gigabyte)
		case "NETWORK_RX_GB":
			usage.Received = m.series(since, key.span, step, gigabyte)
		case "NETWORK_TX_GB":
			usage.Sent = m.series(since, key.span, step, gigabyte)
		case "CPU_LIMIT":
			usage.CPULimit = m.last()
		case "MEMORY_LIMIT_GB":
			usage.MemoryLimit = m.last() * gigabyte
		}
	}
	return usage, nil
}

// usageStep is the time between two values, the same as on Railway's dashboard.
func usageStep(span time.Duration) time.Duration {
	switch {
	case span <= time.Hour:
		return 30 * time.Second
	case span <= 6*time.Hour:
		return time.Minute
	}
	return 4 * time.Minute
}

// series are the values of a span in equal steps, each times unit; NaN where there is none.
func (m metricFields) series(since time.Time, span, step time.Duration, unit float64) []float32 {
	values := make([]float32, span/step)
	for i := range values {
		values[i] = float32(math.NaN())
	}
	for _, v := range m.Values {
		after := time.Unix(int64(v.Ts), 0).Sub(since)
		if v.plausible() && after >= 0 && after <= span {
			values[min(int(after/step), len(values)-1)] = float32(v.Value * unit)
		}
	}
	return values
}

// plausible reports whether a value can be a number of cores or gigabytes.
func (v metricValue) plausible() bool { return v.Value >= 0 && v.Value < 1e9 }

// last is the newest value, 0 without any.
func (m metricFields) last() (value float64) {
	newest := 0
	for _, v := range m.Values {
		if v.Ts >= newest && v.plausible() {
			newest, value = v.Ts, v.Value
		}
	}
	return value
}

// usageRefusal explains to users why there are no metrics.
func usageRefusal(err error) string {
	switch {
	case is(err, Unauthorized, TwoFactor):
		return fmt.Sprintf("the Railway token may not read the node's metrics (%v)", err)
	case is(err, RateLimited):
		return fmt.Sprintf("Railway's rate limit is reached (%v)", err)
	case is(err, Unavailable):
		return fmt.Sprintf("Railway's API is not available (%v)", err)
	}
	return fmt.Sprintf("Railway has no metrics of the node (%v)", err)
}
