package peer

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// How often DNS is asked. At the start a node should be found as soon as it is
// in DNS; while everything that DNS names is a member there is little to gain,
// and Railway shows its users every look-up.
const (
	rushInterval    = 100 * time.Millisecond
	rushFor         = 2 * time.Second
	startInterval   = time.Second
	startFor        = 30 * time.Second
	wholeInterval   = 30 * time.Second
	aloneFor        = 2 * time.Minute // then a node alone is taken for a whole cluster
	joinPatience    = 300 * time.Millisecond
	joinsAtOnce     = 16
	maxLostNames    = 32
	secondSyncAfter = 3 * time.Second
	manyMembers     = 30
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
	slots   chan struct{}

	mu    sync.Mutex
	tries map[netip.AddrPort]*try // joins under way
	group *tally
}

// try is one join under way.
type try struct {
	done chan struct{}
	err  error // once done is closed
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
	verdictNoDNS
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

// once asks DNS and joins what is not a member.
func (p *poller) once(ctx context.Context) outcome {
	var found []netip.AddrPort
	var err error
	if p.query != "" {
		found, err = p.lookup.query(ctx, p.query)
	}
	lost := p.lostAddrs(ctx)
	p.tryAll(ctx, p.strangersOf(lost)) // whatever becomes of them
	strangers := p.strangersOf(found)
	missing, tryErr := p.tryAll(ctx, strangers)
	switch {
	case err != nil && isNoName(err), p.query != "" && err == nil && len(found) == 0:
		return outcome{verdict: verdictNoName}
	case err != nil:
		return outcome{verdict: verdictNoDNS}
	case missing.IsValid():
		return outcome{verdict: verdictMissing, missing: missing.String(), reason: reasonOf(tryErr)}
	case p.roster.others() == 0:
		return outcome{verdict: verdictAlone}
	}
	return outcome{verdict: verdictWhole}
}

// lostAddrs is where the names that were lost within the hour may be now: what
// DNS says, and where they were.
func (p *poller) lostAddrs(ctx context.Context) []netip.AddrPort {
	lost := p.roster.lost()
	if len(lost) == 0 {
		return nil
	}
	if len(lost) > maxLostNames {
		rand.Shuffle(len(lost), func(i, j int) { lost[i], lost[j] = lost[j], lost[i] })
		lost = lost[:maxLostNames]
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	var targets []target
	var addrs []netip.AddrPort
	for _, m := range lost {
		if _, host, err := ParseName(m.Name); err == nil && p.query != "" {
			targets = append(targets, target{host, m.Addr.Port()})
		}
		addrs = append(addrs, m.Addr)
	}
	addrs = append(addrs, p.lookup.hosts(ctx, targets)...)
	slices.SortFunc(addrs, netip.AddrPort.Compare)
	return slices.Compact(addrs)
}

// strangersOf leaves out this node and the living members.
func (p *poller) strangersOf(addrs []netip.AddrPort) []netip.AddrPort {
	known := map[netip.AddrPort]bool{p.self: true}
	for _, m := range p.roster.living() {
		known[m.Addr] = true
	}
	return slices.DeleteFunc(slices.Clone(addrs), func(a netip.AddrPort) bool { return known[a] })
}

// tryAll joins addresses, each in a goroutine of its own, and waits a moment for
// the results; joins that take longer go on. It returns the first address that
// could not be joined, or is not joined yet.
func (p *poller) tryAll(ctx context.Context, addrs []netip.AddrPort) (missing netip.AddrPort, err error) {
	patience := time.NewTimer(joinPatience)
	defer patience.Stop()
	tries := make([]*try, len(addrs))
	for i, a := range addrs {
		tries[i] = p.begin(a)
	}
	for i, t := range tries {
		if t == nil {
			continue
		}
		select {
		case <-t.done:
		case <-patience.C:
			patience.Reset(0) // for the next one too
		case <-ctx.Done():
			return netip.AddrPort{}, ctx.Err()
		}
		if e := t.result(); e != nil && !missing.IsValid() {
			missing, err = addrs[i], e
		}
	}
	return missing, err
}

var errStillTrying = errors.New("no answer yet")

func (t *try) result() error {
	select {
	case <-t.done:
		return t.err
	default:
		return errStillTrying
	}
}

// begin starts a join, unless one of that address is under way.
func (p *poller) begin(addr netip.AddrPort) *try {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.tries[addr]; t != nil {
		return t
	}
	t := &try{done: make(chan struct{})}
	if !p.group.run(func() { p.finish(addr, t) }) {
		t.err = ErrClosed
		close(t.done)
		return t
	}
	p.tries[addr] = t
	return t
}

// finish makes one join, when it is its turn.
func (p *poller) finish(addr netip.AddrPort, t *try) {
	defer close(t.done)
	select {
	case p.slots <- struct{}{}:
		t.err = p.join(addr)
		<-p.slots
	case <-p.stopped.Done():
		t.err = ErrClosed
	}
	p.mu.Lock()
	delete(p.tries, addr)
	p.mu.Unlock()
}

// syncAgain exchanges lists with one random member a little later. When very many
// nodes start at once, a few miss some of the gossip, and would wait for the next
// full exchange for minutes.
func (p *poller) syncAgain() bool {
	members := p.roster.living()
	if len(members) == 0 {
		return false
	}
	addr := members[rand.IntN(len(members))].Addr
	return p.group.run(func() {
		select {
		case <-time.After(secondSyncAfter):
			p.begin(addr)
		case <-p.stopped.Done():
		}
	})
}

func isNoName(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}

// reasonOf puts the error of a join in words that stay the same while the cause does.
func reasonOf(err error) string {
	switch {
	case isStranger(err.Error()):
		return ErrWrongCookie.Error()
	case errors.Is(err, errStillTrying):
		return errStillTrying.Error()
	}
	return "it cannot be reached"
}

// report logs an outcome if it is another than the last.
func (p *poller) report(result outcome) {
	if result == p.last || p.query == "" || p.stopped.Err() != nil {
		return
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
		log.Info("poll: no such name in dns, asking on")
	case verdictNoDNS:
		log.Warn("poll: dns does not answer, asking on")
	}
}
