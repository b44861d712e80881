package access

import (
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// freeTries is how often somebody may be wrong without waiting.
	freeAttempts = 3
	// firstWait doubles with each further failure, up to longestWait for an address, and up to longestName for a name:
	// whoever guesses at a name from everywhere must not lock its owner out.
	baseWait    = time.Second
	maxAddrWait = 5 * time.Minute
	maxNameWait = 5 * time.Second
	// forgiven is how long after the last failure all is forgotten.
	forgetAfter = 15 * time.Minute
	// maxTracked bounds the memory: the oldest are forgotten.
	maxTracked = 10_000
)

// Throttle has those wait who log in wrongly, by their address and by the name. A try counts as wrong from the moment
// that it is reserved, so that many at once are no more than one after the other. Its methods may be called by several
// goroutines.
type Throttle struct {
	mu       sync.Mutex
	failures map[string]*failures // by address, and by name
	trusted  map[string]*failures // by name and address, where that name has been right
}

type failures struct {
	count int
	last  time.Time
}

// Verdict is what came of a try.
type Outcome int

// The verdicts.
const (
	Failure   Outcome = iota // it counts
	Success                  // it does not count, and the name's failures are forgotten
	Unchecked                // it does not count: nobody looked at it
)

// Reserve takes a try, which counts as wrong until settle says otherwise. If it may not be made yet, settle is nil and
// wait says in how long it may. An empty name is nobody's, and only the address counts. A name that has been right at
// an address is throttled there for itself alone: neither others who share the address, nor others who guess at the
// name, have its owner wait.
func (t *Throttle) Reserve(now time.Time, addr, name string) (settle func(Outcome), wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	counts := t.counters(addr, name)
	for _, c := range counts {
		wait = max(wait, c.wait(now))
	}
	if wait > 0 {
		return nil, wait
	}
	for i := range counts {
		counts[i].add(now)
	}
	return func(v Outcome) { t.settle(v, counts, addr, name, now) }, 0
}

// Wait is how long somebody has to wait before a try may be reserved; 0: not at all.
func (t *Throttle) Wait(now time.Time, addr, name string) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.counters(addr, name) {
		wait = max(wait, c.wait(now))
	}
	return wait
}

// Knows reports whether a name has been right at an address.
func (t *Throttle) Trusts(addr, name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.trusted[pairKey(addr, name)] != nil
}

func (t *Throttle) settle(v Outcome, counts []counter, addr, name string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v == Failure {
		return
	}
	for _, c := range counts {
		c.undo(now)
	}
	if v == Success && name != "" {
		delete(t.failures, nameKey(name))
		t.trusted = store(t.trusted, pairKey(addr, name), &failures{last: now})
	}
}

// count is one of the counts that a try goes into.
type counter struct {
	table   *map[string]*failures
	key     string
	maxWait time.Duration
	prev    time.Time // of the failure before this one
}

// countsOf are the counts that a try goes into.
func (t *Throttle) counters(addr, name string) []counter {
	if pair := pairKey(addr, name); t.trusted[pair] != nil {
		return []counter{{table: &t.trusted, key: pair, maxWait: maxNameWait}}
	}
	counts := []counter{{table: &t.failures, key: AddrKey(addr), maxWait: maxAddrWait}}
	if name != "" {
		counts = append(counts, counter{table: &t.failures, key: nameKey(name), maxWait: maxNameWait})
	}
	return counts
}

// wait is how long this count has one wait.
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

// take counts a failure.
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

// giveBack takes a failure away again.
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

// remember puts failures into a map, whose oldest are forgotten if there are too many.
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

// AddrKey is what counts as one address, with or without a port: of IPv6 the network of 64 bits, all of which one
// customer has.
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
