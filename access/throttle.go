package access

import (
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// freeAttempts is how many failures have no delay.
	freeAttempts = 3
	// baseWait doubles with each further failure, up to maxAddrWait for an address, and maxNameWait for a name: guessing a
	// name from many addresses must not lock out its owner.
	baseWait    = time.Second
	maxAddrWait = 5 * time.Minute
	maxNameWait = 5 * time.Second
	// forgetAfter is how long after the last failure the count is reset.
	forgetAfter = 15 * time.Minute
	// maxTracked bounds the number of counters; the oldest are dropped.
	maxTracked = 10_000
)

// Throttle delays login attempts after failures, by address and by name. An attempt counts as a failure from its
// reservation on, so that parallel attempts gain nothing. It is safe for concurrent use.
type Throttle struct {
	mu       sync.Mutex
	failures map[string]*failures // by address, and by name
	trusted  map[string]*failures // by name and address, after a successful login
}

type failures struct {
	count int
	last  time.Time
}

// Outcome is how a login attempt ended.
type Outcome int

// The outcomes.
const (
	Failure   Outcome = iota // counts
	Success                  // does not count, and resets the name's failures
	Unchecked                // does not count: the password was not checked
)

// Reserve reserves an attempt, which counts as a failure until settle is called with another outcome. If the caller has
// to wait first, settle is nil and wait is for how long. With an empty name only the address counts. A name that has
// logged in from an address is throttled there by itself: neither failures of others at that address, nor guesses at
// that name elsewhere, delay its owner.
func (t *Throttle) Reserve(now time.Time, addr, name string) (settle func(Outcome), wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	counters := t.counters(addr, name)
	if wait = longest(counters, now); wait > 0 {
		return nil, wait
	}
	for i := range counters {
		counters[i].add(now)
	}
	return func(v Outcome) { t.settle(v, counters, addr, name, now) }, 0
}

// Wait returns how long to wait before an attempt can be reserved; 0: not at all.
func (t *Throttle) Wait(now time.Time, addr, name string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return longest(t.counters(addr, name), now)
}

func longest(counters []counter, now time.Time) (wait time.Duration) {
	for _, c := range counters {
		wait = max(wait, c.wait(now))
	}
	return wait
}

// Trusts reports whether a name has logged in from an address.
func (t *Throttle) Trusts(addr, name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.trusted[pairKey(addr, name)] != nil
}

func (t *Throttle) settle(v Outcome, counters []counter, addr, name string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v == Failure {
		return
	}
	for _, c := range counters {
		c.undo(now)
	}
	if v == Success && name != "" {
		delete(t.failures, nameKey(name))
		t.trusted = store(t.trusted, pairKey(addr, name), &failures{last: now})
	}
}

// counter is one of the counters of an attempt.
type counter struct {
	table   *map[string]*failures
	key     string
	maxWait time.Duration
	prev    time.Time // time of the failure before this one
}

// counters returns the counters of an attempt.
func (t *Throttle) counters(addr, name string) []counter {
	if pair := pairKey(addr, name); t.trusted[pair] != nil {
		return []counter{{table: &t.trusted, key: pair, maxWait: maxNameWait}}
	}
	counters := []counter{{table: &t.failures, key: AddrKey(addr), maxWait: maxAddrWait}}
	if name != "" {
		counters = append(counters, counter{table: &t.failures, key: nameKey(name), maxWait: maxNameWait})
	}
	return counters
}

// wait returns how long this counter delays an attempt.
func (c counter) wait(now time.Time) time.Duration {
	f := (*c.table)[c.key]
	if f == nil || f.count < freeAttempts || now.Sub(f.last) > forgetAfter {
		return 0
	}
	wait := c.maxWait
	if doubled := f.count - freeAttempts; doubled < 20 {
		wait = min(baseWait<<doubled, c.maxWait)
	}
	return max(0, f.last.Add(wait).Sub(now))
}

// add counts a failure.
func (c *counter) add(now time.Time) {
	f := (*c.table)[c.key]
	if f == nil || now.Sub(f.last) > forgetAfter {
		f = &failures{}
		*c.table = store(*c.table, c.key, f)
	}
	c.prev = f.last
	f.count++
	f.last = now
}

// undo removes a failure.
func (c counter) undo(now time.Time) {
	f := (*c.table)[c.key]
	if f == nil || f.count == 0 {
		return
	}
	f.count--
	if f.last.Equal(now) {
		f.last = c.prev
	}
}

// store adds a counter, and drops the oldest if there are too many.
func store(known map[string]*failures, key string, f *failures) map[string]*failures {
	if known == nil {
		known = map[string]*failures{}
	}
	if len(known) >= maxTracked && known[key] == nil {
		oldest, at := "", time.Time{}
		for other, g := range known {
			if oldest == "" || g.last.Before(at) {
				oldest, at = other, g.last
			}
		}
		delete(known, oldest)
	}
	known[key] = f
	return known
}

func nameKey(name string) string { return "name " + strings.ToLower(name) }

func pairKey(addr, name string) string { return nameKey(name) + " at " + AddrKey(addr) }

// AddrKey returns the key of an address, with or without a port. All addresses of an IPv6 /64 have one key, because one
// customer has them all.
func AddrKey(addr string) string {
	if at, err := netip.ParseAddrPort(addr); err == nil {
		addr = at.Addr().String()
	}
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return "addr " + addr
	}
	ip = ip.Unmap().WithZone("")
	if network, err := ip.Prefix(64); err == nil && ip.Is6() {
		return "addr " + network.String()
	}
	return "addr " + ip.String()
}
