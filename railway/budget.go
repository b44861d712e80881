package railway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Calls in an hour that a plan allows, by Railway's documentation.
const (
	freeCallsPerHour  = 100
	hobbyCallsPerHour = 1000
	proCallsPerHour   = 10000
)

const (
	burstCalls       = 8 // in one second; Hobby allows 10
	defaultRateWait  = time.Minute
	budgetSlots      = 60 // of a minute each
	budgetSlotLength = time.Minute
)

// Budget is what this process has asked of Railway's API lately. Each query, mutation and subscription counts as one
// call. The limit is Railway's for the whole account, so other programs use it up too.
type Budget struct {
	Hour      int       `json:"calls_last_hour"`
	Total     int64     `json:"calls"`
	Limit     int       `json:"limit_per_hour"`        // by plan, or as Railway's answers say
	Remaining int       `json:"remaining"`             // as Railway's last answer said; -1: it did not
	Paused    time.Time `json:"paused_until,omitzero"` // no call before then: the limit was reached
}

// budget counts calls and holds them back when Railway says so.
type budget struct {
	mu        sync.Mutex
	total     int64
	slots     [budgetSlots]int
	slot      int64 // minutes since 1970 of the newest slot
	recent    []time.Time
	limit     int
	remaining int
	until     time.Time
}

func newBudget() *budget { return &budget{limit: hobbyCallsPerHour, remaining: -1} }

// setPlan notes what the project's plan allows.
func (b *budget) setPlan(plan string) {
	calls := map[string]int{"free": freeCallsPerHour, "trial": freeCallsPerHour, "hobby": hobbyCallsPerHour,
		"pro": proCallsPerHour}[plan]
	b.mu.Lock()
	defer b.mu.Unlock()
	if calls > 0 && b.remaining < 0 {
		b.limit = calls
	}
}

func (b *budget) snapshot() Budget {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(time.Now())
	s := Budget{Total: b.total, Limit: b.limit, Remaining: b.remaining}
	for _, n := range b.slots {
		s.Hour += n
	}
	if b.until.After(time.Now()) {
		s.Paused = b.until.UTC()
	}
	return s
}

// share is the time between two calls that use up a part of the hourly limit.
func (b *budget) share(part float64) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Duration(float64(time.Hour) / (float64(max(b.limit, 1)) * part))
}

// turn makes the slots those of the last hour.
func (b *budget) turn(now time.Time) {
	minute := now.Unix() / int64(budgetSlotLength/time.Second)
	for range min(minute-b.slot, budgetSlots) {
		b.slot++
		b.slots[b.slot%budgetSlots] = 0
	}
	if minute-b.slot > 0 {
		b.slot = minute
	}
}

// count notes one call.
func (b *budget) count() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(time.Now())
	b.slots[b.slot%budgetSlots]++
	b.total++
}

// read notes what an answer says of the limit.
func (b *budget) read(r *http.Response) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n, err := strconv.Atoi(r.Header.Get("X-RateLimit-Limit")); err == nil && n > 0 {
		b.limit = n
	}
	if n, err := strconv.Atoi(r.Header.Get("X-RateLimit-Remaining")); err == nil && n >= 0 {
		b.remaining = n
	}
	if r.StatusCode == http.StatusTooManyRequests {
		b.until = time.Now().Add(retryAfter(r.Header.Get("Retry-After"), time.Now()))
	}
}

// limited begins a pause for an answer that has no Retry-After, and returns how long it is.
func (b *budget) limited() time.Duration {
	b.mu.Lock()
	if !b.until.After(time.Now()) {
		b.until = time.Now().Add(defaultRateWait)
	}
	b.mu.Unlock()
	return b.pause()
}

// pause is how long no call may be made.
func (b *budget) pause() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, time.Until(b.until))
}

var errRateWait = errors.New("railway's rate limit is reached")

// wait returns when the next call may be made: not too many in a second, and, if patient, after a pause that Railway
// asked for; else such a pause is an error.
func (b *budget) wait(ctx context.Context, patient bool) error {
	longest := time.Duration(0)
	if patient {
		longest = maxRateWait
	}
	for {
		d, err := b.take(longest)
		if d == 0 || err != nil {
			return err
		}
		if !sleep(ctx, d) {
			return errRateWait
		}
	}
}

// take reserves a call, or says how long to wait first.
func (b *budget) take(longest time.Duration) (time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if d := b.until.Sub(now); d > longest {
		return 0, errRateWait
	} else if d > 0 {
		return d, nil
	}
	if len(b.recent) < burstCalls {
		b.recent = append(b.recent, now)
		return 0, nil
	}
	if d := time.Second - now.Sub(b.recent[0]); d > 0 {
		return d, nil
	}
	b.recent = append(b.recent[1:], now)
	return 0, nil
}

// retryAfter reads the header: seconds, or a date (RFC 9110, section 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	const longest = time.Hour
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return min(time.Duration(min(n, int(longest/time.Second)))*time.Second, longest)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), longest)
	}
	return defaultRateWait
}
