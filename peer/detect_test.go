package peer

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
)

// All members know of a death in time, with the settings that they have: 300 deaths in clusters of each size are
// simulated, in ticks of gossip, while 3 % of the packets are lost. How long the slowest takes is chance: when two
// members happen to probe the dead one.
func TestDetection_ScalesWithTheSize(t *testing.T) {
	t.Parallel()
	const longest = 8 * time.Second
	for _, c := range []struct {
		n      int
		within time.Duration // for nine in ten
	}{{3, 3 * time.Second}, {10, 3 * time.Second}, {30, 3 * time.Second}, {100, 4 * time.Second}, {300, 4 * time.Second}} {
		rng := rand.New(rand.NewPCG(uint64(c.n), 17))
		took := make([]time.Duration, 300)
		for i := range took {
			took[i] = newDeath(rng, gossipConfig(), c.n).knownToAll()
		}
		slices.Sort(took)
		median, most, worst := took[len(took)/2], took[len(took)*9/10], took[len(took)-1]
		t.Logf("%d nodes: all know of a death after %v, of one in ten after %v, at worst after %v",
			c.n, median, most, worst)
		if most > c.within || worst > longest {
			t.Errorf("%d nodes: %v until all know of nine deaths in ten, of all %v; allowed are %v and %v",
				c.n, most, worst, c.within, longest)
		}
	}
}

// The runtime wakes a process at rest for each time at which a timer ends: the tickers of gossip coincide.
func TestGossip_TickersCoincide(t *testing.T) {
	t.Parallel()
	c := gossipConfig()
	if c.ProbeInterval != c.GossipInterval {
		t.Errorf("probes every %v and gossip every %v wake a node at different times", c.ProbeInterval, c.GossipInterval)
	}
	if perSecond := time.Second / c.GossipInterval; perSecond > 4 {
		t.Errorf("tickers end %d times a second", perSecond)
	}
}

// About five members contact one that gossip has lost, whatever the size.
func TestRefutes(t *testing.T) {
	t.Parallel()
	for n, tries := range map[int]int{1: 1000, refuters: 1000, 300: 30_000} {
		contacts := 0
		for range tries {
			if refutes(n - 1) {
				contacts++
			}
		}
		each := float64(contacts) / float64(tries) * float64(n)
		if each < float64(min(n, refuters))*0.6 || each > refuters*1.4 {
			t.Errorf("%d nodes: %.1f of them contact a lost one", n, each)
		}
	}
}

// lossRate is the part of the packets that is lost.
const lossRate = 0.03

// death is a member that has died in a cluster whose other members follow memberlist's algorithm. Times are in ticks of
// gossip.
type death struct {
	*memberlist.Config
	rng    *rand.Rand
	others []*survivor
	limit  int // of packets with one rumour
}

// survivor is what one of the others knows.
type survivor struct {
	fails    int   // when its own probe has failed
	since    int   // when it began to suspect
	accusers []int // that it knows
	dead     bool  // that is what it believes
	rumour   int   // that it passes on, an accuser or isDead
	left     int   // packets with it
}

const isDead = -1

func newDeath(rng *rand.Rand, config *memberlist.Config, n int) *death {
	d := &death{Config: config, rng: rng, limit: config.RetransmitMult * int(math.Ceil(math.Log10(float64(n+1))))}
	for range n - 1 {
		// A member probes all others in turn, then in another order.
		probes := rng.IntN(n-1) - rng.IntN(n-1)
		if probes < 0 {
			probes += n - 1 + rng.IntN(n-1)
		}
		intervals := float64(probes) + rng.Float64() + 1
		d.others = append(d.others, &survivor{fails: d.ticks(intervals)})
	}
	return d
}

// ticks is so many probe intervals.
func (d *death) ticks(intervals float64) int {
	return int(math.Ceil(intervals * float64(d.ProbeInterval) / float64(d.GossipInterval)))
}

// knownToAll is how long the last one takes.
func (d *death) knownToAll() time.Duration {
	suspicion := float64(d.SuspicionMult) * math.Max(1, math.Log10(float64(len(d.others)+1)))
	least, most := d.ticks(suspicion), d.ticks(suspicion*float64(d.SuspicionMaxTimeoutMult))
	for now := 0; ; now++ {
		for i, s := range d.others {
			if s.fails == now {
				d.hear(s, i, now)
			}
			if n := len(s.accusers); n > 0 && now-s.since >= most || n > 1 && now-s.since >= least {
				d.hear(s, isDead, now)
			}
		}
		d.gossip(now)
		if !slices.ContainsFunc(d.others, func(s *survivor) bool { return !s.dead }) {
			return time.Duration(now) * d.GossipInterval
		}
	}
}

// hear lets one know a rumour. One confirmation is enough with a SuspicionMult of 3.
func (d *death) hear(s *survivor, rumour, now int) {
	switch {
	case s.dead, rumour != isDead && (len(s.accusers) > 1 || slices.Contains(s.accusers, rumour)):
		return
	case rumour == isDead:
		s.dead = true
	case len(s.accusers) == 0:
		s.since = now
		fallthrough
	default:
		s.accusers = append(s.accusers, rumour)
	}
	s.rumour, s.left = rumour, d.limit
}

// gossip is one tick of all.
func (d *death) gossip(now int) {
	type packet struct {
		to     *survivor
		rumour int
	}
	var packets []packet
	for _, s := range d.others {
		for range min(s.left, d.GossipNodes) {
			s.left--
			to := d.others[d.rng.IntN(len(d.others))]
			if d.rng.Float64() >= lossRate {
				packets = append(packets, packet{to, s.rumour})
			}
		}
	}
	for _, p := range packets {
		d.hear(p.to, p.rumour, now)
	}
}
