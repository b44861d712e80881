package railway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Hourly call limits of the plans, from Railway's documentation.
const (
	freeCallsPerHour  = 100
	hobbyCallsPerHour = 1000
	proCallsPerHour   = 10000
)

const (
	burstCalls       = 8 // per second; Hobby allows 10
	defaultRateWait  = time.Minute
	budgetSlots      = 60 // of one minute each
	budgetSlotLength = time.Minute
)

// Budget describes this process's recent calls of Railway's API. Each query, mutation, and subscription is one call.
// The limit applies to the whole account, so other programs use it too.
type Budget struct {
	Hour      int       `json:"calls_last_hour"`
	Total     int64     `json:"calls"`
	Limit     int       `json:"limit_per_hour"`        // by plan, or from Railway's responses
	Remaining int       `json:"remaining"`             // from Railway's last response; -1: unknown
	Paused    time.Time `json:"paused_until,omitzero"` // no calls before then: the limit was reached
}

// budget counts calls, and delays them when Railway asks for it.
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

// setPlan sets the limit of the project's plan.
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
	b.advance(time.Now())
	s := Budget{Total: b.total, Limit: b.limit, Remaining: b.remaining}
	for _, n := range b.slots {
		s.Hour += n
	}
	if b.until.After(time.Now()) {
		s.Paused = b.until.UTC()
	}
	return s
}

// share is the interval between calls that use a part of the hourly limit.
func (b *budget) share(part float64) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Duration(float64(time.Hour) / (float64(max(b.limit, 1)) * part))
}

// advance makes the slots those of the last hour.
func (b *budget) advance(now time.Time) {
	minute := now.Unix() / int64(budgetSlotLength/time.Second)
	for range min(minute-b.slot, budgetSlots) {
		b.slot++
		b.slots[b.slot%budgetSlots] = 0
	}
	if minute-b.slot > 0 {
		b.slot = minute
	}
}

// count counts a call.
func (b *budget) count() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance(time.Now())
	b.slots[b.slot%budgetSlots]++
	b.total++
}

// read reads the limits from a response.
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

// startPause starts a pause after a response without Retry-After, and returns its length.
func (b *budget) startPause() time.Duration {
	b.mu.Lock()
	if !b.until.After(time.Now()) {
		b.until = time.Now().Add(defaultRateWait)
	}
	b.mu.Unlock()
	return b.pause()
}

// pause is the remaining time without calls.
func (b *budget) pause() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, time.Until(b.until))
}

var errRateWait = errors.New("railway's rate limit is reached")

// wait returns when the next call may be made, to limit calls per second. A pause that Railway asked for is waited for
// if patient is set, else it is an error.
func (b *budget) wait(ctx context.Context, patient bool) error {
	longest := time.Duration(0)
	if patient {
		longest = maxRateWait
	}
	for {
		d, err := b.reserve(longest)
		if d == 0 || err != nil {
			return err
		}
		if !sleep(ctx, d) {
			return errRateWait
		}
	}
}

// reserve reserves a call, or returns how long to wait first.
func (b *budget) reserve(longest time.Duration) (time.Duration, error) {
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

// retryAfter parses the header: seconds, or a date (RFC 9110, section 10.2.3).
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
