package peer

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

// How often DNS is asked. At the start a node should be found as soon as it is
// in DNS; while everything that DNS names is a member there is little to gain,
// and Railway shows its users every look-up.
const (
	rushInterval  = 100 * time.Millisecond
	rushFor       = 2 * time.Second
	startInterval = time.Second
	startFor      = 30 * time.Second
	wholeInterval = 30 * time.Second
	aloneFor      = 2 * time.Minute // then a node alone is taken for a whole cluster
	maxLostNames  = 32              // asked for in one poll
)

// poller looks for nodes that are not members yet. It only ever adds.
type poller struct {
	query    string
	interval time.Duration
	lookup   lookup
	self     netip.AddrPort
	roster   *roster
	join     func(netip.AddrPort) error
	log      *slog.Logger
	sooner   chan struct{} // has an element when something was lost
	stop     context.CancelFunc
	stopped  context.Context

	last    outcome // touched by run only
	started time.Time

	group *tally
	slots chan struct{} // taken by joins that are being made
	mu    sync.Mutex
	tries map[netip.AddrPort]*try // joins under way
	asked Lookup                  // the last one
}

// outcome is what a poll has come to. A change of it is logged.
type outcome struct {
	verdict verdict
	missing string // the first address that cannot be joined
	reason  string
}

type verdict int

const (
	verdictNone  verdict = iota
	verdictWhole         // all that DNS names are members
	verdictAlone         // DNS names this node only
	verdictMissing
	verdictNoName
	verdictRefused
	verdictSilent
)

func (c *Cluster) newPoller() *poller {
	p := &poller{
		query: c.cfg.Query, interval: c.cfg.Poll, lookup: newLookup(c.cfg),
		self: netip.AddrPortFrom(c.cfg.Bind, c.gossipPort), roster: c.roster,
		join: c.gossip.join, log: c.log, sooner: make(chan struct{}, 1),
		slots: make(chan struct{}, joinsAtOnce), tries: map[netip.AddrPort]*try{}, group: &c.group,
	}
	p.stopped, p.stop = context.WithCancel(c.ctx)
	return p
}

// hurry makes the next poll come no later than the interval, for something is
// missing. It may be called by anyone.
func (p *poller) hurry() {
	select {
	case p.sooner <- struct{}{}:
	default:
	}
}

// run polls until the node leaves.
func (p *poller) run() {
	defer p.stop()
	p.started = time.Now()
	synced := false
	for p.stopped.Err() == nil {
		result := p.once(p.stopped)
		p.report(result)
		if !synced && p.roster.others() >= manyMembers {
			synced = p.syncAgain()
		}
		if !p.sleep(p.pause(result)) {
			return
		}
	}
}

// sleep waits, and cuts the wait short to one interval when something is lost.
func (p *poller) sleep(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	until := time.Now().Add(wait)
	for {
		select {
		case <-timer.C:
			return true
		case <-p.sooner:
			if time.Until(until) > p.interval {
				timer.Reset(p.interval)
				until = time.Now().Add(p.interval)
			}
		case <-p.stopped.Done():
			return false
		}
	}
}

// pause is how long to wait for the next poll.
func (p *poller) pause(result outcome) time.Duration {
	age := time.Since(p.started)
	whole := result.verdict == verdictWhole
	switch {
	case whole, result.verdict == verdictAlone && age > aloneFor:
		return jitter(max(p.interval, wholeInterval))
	case p.roster.others() > 0:
		return p.interval
	case age < rushFor:
		return min(rushInterval, p.interval)
	case age < startFor:
		return min(startInterval, p.interval)
	}
	return p.interval
}

// jitter spreads polls over a fifth to either side, so that nodes that started
// together do not ask together for ever.
func jitter(d time.Duration) time.Duration {
	return d*4/5 + rand.N(d*2/5)
}

// once asks DNS and joins what is not a member. Where lost members were is tried
// too, but does not count as missing: nobody says that they are still there.
func (p *poller) once(ctx context.Context) outcome {
	var found []netip.AddrPort
	var err error
	if p.query != "" {
		began := time.Now()
		found, err = p.lookup.query(ctx, p.query)
		p.noteLookup(began, found, err)
	}
	were, named := p.lostAddrs(ctx)
	for _, addr := range p.strangersOf(were) {
		p.begin(addr)
	}
	missing, joinErr := p.joinAll(ctx, p.strangersOf(append(found, named...)))
	switch {
	case missing.IsValid():
		return outcome{verdict: verdictMissing, missing: missing.String(), reason: reasonOf(joinErr)}
	case err != nil && isTimeout(err):
		return outcome{verdict: verdictSilent}
	case err != nil && !isNoName(err):
		return outcome{verdict: verdictRefused}
	case p.query != "" && len(found) == 0:
		return outcome{verdict: verdictNoName}
	case p.query != "" && p.roster.others() == 0:
		return outcome{verdict: verdictAlone}
	}
	return outcome{verdict: verdictWhole}
}

// lostAddrs is where the members whose names were lost within the hour were, and
// where DNS says that they are now.
func (p *poller) lostAddrs(ctx context.Context) (were, named []netip.AddrPort) {
	lost := p.roster.lost()
	if len(lost) > maxLostNames {
		rand.Shuffle(len(lost), func(i, j int) { lost[i], lost[j] = lost[j], lost[i] })
		lost = lost[:maxLostNames]
	}
	var targets []target
	for _, m := range lost {
		were = append(were, m.Addr)
		if _, host, err := ParseName(m.Name); err == nil && p.query != "" {
			targets = append(targets, target{host, m.Addr.Port()})
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	return were, p.lookup.hosts(ctx, targets)
}

func isNoName(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}

// report logs an outcome if it is another than the last.
func (p *poller) report(result outcome) {
	if result == p.last || p.query == "" || p.stopped.Err() != nil {
		return
	}
	if result.verdict == verdictMissing && result.reason != ErrWrongCookie.Error() && time.Since(p.started) < rushFor {
		return // who starts at the same time is not there yet
	}
	p.last = result
	log := p.log.With("query", p.query)
	switch result.verdict {
	case verdictWhole:
		log.Info("poll: all that dns names are members", "n", p.roster.others()+1)
	case verdictAlone:
		log.Info("poll: dns names this node only")
	case verdictMissing:
		log.Warn("poll: dns names a node that is no member", "addr", result.missing, "err", result.reason)
	case verdictNoName:
		log.Info("poll: no such name or no address in dns, asking on")
	case verdictRefused:
		log.Warn("poll: dns answers with a failure, asking on")
	case verdictSilent:
		log.Warn("poll: dns does not answer, asking on")
	}
}
