package access

import (
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// freeTries is how often somebody may be wrong without waiting.
	freeTries = 3
	// firstWait doubles with each further failure, up to longestWait for an address, and up to longestName for a name:
	// whoever guesses at a name from everywhere must not lock its owner out.
	firstWait   = time.Second
	longestWait = 5 * time.Minute
	longestName = 5 * time.Second
	// forgiven is how long after the last failure all is forgotten.
	forgiven = 15 * time.Minute
	// maxTracked bounds the memory: the oldest are forgotten.
	maxTracked = 10_000
)

// Throttle has those wait who log in wrongly, by their address and by the name. Its methods may be called by several
// goroutines.
type Throttle struct {
	mu    sync.Mutex
	known map[string]*failures
}

type failures struct {
	count int
	last  time.Time
}

// Wait is how long somebody has to wait before the next try counts; 0: not at all.
func (t *Throttle) Wait(now time.Time, addr, name string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(t.wait(now, addrKey(addr), longestWait), t.wait(now, nameKey(name), longestName))
}

func (t *Throttle) wait(now time.Time, key string, longest time.Duration) time.Duration {
	f := t.known[key]
	if f == nil || f.count < freeTries || now.Sub(f.last) > forgiven {
		return 0
	}
	wait := longest
	if doubled := f.count - freeTries; doubled < 20 {
		wait = min(firstWait<<doubled, longest)
	}
	return max(0, f.last.Add(wait).Sub(now))
}

// Failed counts a failure.
func (t *Throttle) Failed(now time.Time, addr, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range []string{addrKey(addr), nameKey(name)} {
		f := t.known[key]
		if f == nil || now.Sub(f.last) > forgiven {
			f = &failures{}
			t.remember(key, f)
		}
		f.count++
		f.last = now
	}
}

// Succeeded forgets the failures of an address and a name.
func (t *Throttle) Succeeded(addr, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.known, addrKey(addr))
	delete(t.known, nameKey(name))
}

func (t *Throttle) remember(key string, f *failures) {
	if t.known == nil {
		t.known = map[string]*failures{}
	}
	if len(t.known) >= maxTracked {
		oldest := ""
		for other, g := range t.known {
			if oldest == "" || g.last.Before(t.known[oldest].last) {
				oldest = other
			}
		}
		delete(t.known, oldest)
	}
	t.known[key] = f
}

func nameKey(name string) string { return "name " + strings.ToLower(name) }

// addrKey is an address; of IPv6 the network of 64 bits, all of which one customer has.
func addrKey(addr string) string {
	if at, err := netip.ParseAddrPort(addr); err == nil {
		addr = at.Addr().String()
	}
	if ip, err := netip.ParseAddr(addr); err == nil && ip.Is6() && !ip.Is4In6() {
		if network, err := ip.WithZone("").Prefix(64); err == nil {
			return "addr " + network.String()
		}
	}
	return "addr " + addr
}
