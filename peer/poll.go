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

// How often DNS is polled. At the start, a node should be found as soon as it is in DNS. Once all nodes in DNS are
// members there is little to gain, and Railway shows its users every lookup.
const (
	burstInterval    = 100 * time.Millisecond
	burstFor         = 2 * time.Second
	startInterval    = time.Second
	startFor         = 30 * time.Second
	completeInterval = 30 * time.Second
	aloneFor         = 2 * time.Minute // then a single node counts as a complete cluster
	maxLostNames     = 32              // looked up in one poll
)

// poller looks for nodes that are not members yet. It only ever adds members.
type poller struct {
	query    string
	interval time.Duration
	dns      dnsClient
	self     netip.AddrPort
	roster   *roster
	join     func(netip.AddrPort) error
	log      *slog.Logger
	wake     chan struct{} // has an element when a member was lost
	stop     context.CancelFunc
	stopped  context.Context

	last    pollResult // used by run only, like silent
	silent  string     // name servers that did not answer the last poll
	started time.Time

	group  *taskGroup
	slots  chan struct{} // one for each running join
	mu     sync.Mutex
	joins  map[netip.AddrPort]*joinAttempt // in progress
	latest Lookup                          // the last one
}

// pollResult is the result of a poll. Changes are logged.
type pollResult struct {
	status  pollStatus
	missing string // the lowest address that is not joined
	reason  string
}

type pollStatus int

const (
	statusNone     pollStatus = iota
	statusComplete            // all nodes in DNS are members
	statusAlone               // DNS lists only this node
	statusMissing
	statusNoName
	statusFailed
	statusTimeout
)

func (c *Cluster) newPoller() *poller {
	p := &poller{
		query: c.cfg.Query, interval: c.cfg.Poll, dns: newDNSClient(c.cfg),
		self: netip.AddrPortFrom(c.cfg.Bind, c.gossipPort), roster: c.roster,
		join: c.gossip.join, log: c.log, wake: make(chan struct{}, 1),
		slots: make(chan struct{}, joinsAtOnce), joins: map[netip.AddrPort]*joinAttempt{}, group: &c.group,
	}
	p.stopped, p.stop = context.WithCancel(c.ctx)
	return p
}

// pollSoon makes the next poll happen within the interval, because a member is missing. It is safe for concurrent use.
func (p *poller) pollSoon() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run polls until the node leaves.
func (p *poller) run() {
	defer p.stop()
	p.started = time.Now()
	synced := false
	for p.stopped.Err() == nil {
		result := p.poll(p.stopped)
		p.report(result)
		if !synced && p.roster.others() >= manyMembers {
			synced = p.resync()
		}
		if !p.sleep(p.pause(result)) {
			return
		}
	}
}

// sleep waits, but no longer than one interval after a member was lost.
func (p *poller) sleep(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	until := time.Now().Add(wait)
	for {
		select {
		case <-timer.C:
			return true
		case <-p.wake:
			if time.Until(until) > p.interval {
				timer.Reset(p.interval)
				until = time.Now().Add(p.interval)
			}
		case <-p.stopped.Done():
			return false
		}
	}
}

// pause is the time until the next poll.
func (p *poller) pause(result pollResult) time.Duration {
	age := time.Since(p.started)
	whole := result.status == statusComplete
	switch {
	case whole, result.status == statusAlone && age > aloneFor:
		return jitter(max(p.interval, completeInterval))
	case p.roster.others() > 0:
		return p.interval
	case age < burstFor:
		return min(burstInterval, p.interval)
	case age < startFor:
		return min(startInterval, p.interval)
	}
	return p.interval
}

// jitter varies polls by a fifth, so that nodes that started together do not keep polling together.
func jitter(d time.Duration) time.Duration {
	return d*4/5 + rand.N(d*2/5)
}

// poll asks DNS and joins each address that is not a member's. It also tries the addresses of lost members, which do
// not count as missing: they may no longer exist.
func (p *poller) poll(ctx context.Context) pollResult {
	var found []netip.AddrPort
	var err error
	if p.query != "" {
		began := time.Now()
		found, err = p.dns.query(ctx, p.query)
		p.recordLookup(began, found, err)
		p.reportSilence(p.dns.servers.silentOnes())
	}
	were, named := p.lostAddrs(ctx)
	for _, addr := range p.nonMembers(were) {
		p.startJoin(addr)
	}
	missing, joinErr := p.joinAll(ctx, p.nonMembers(append(found, named...)))
	switch {
	case missing.IsValid():
		return pollResult{status: statusMissing, missing: missing.String(), reason: joinReason(joinErr)}
	case err != nil && isTimeout(err):
		return pollResult{status: statusTimeout}
	case err != nil && !isNoName(err):
		return pollResult{status: statusFailed}
	case p.query != "" && len(found) == 0:
		return pollResult{status: statusNoName}
	case p.query != "" && p.roster.others() == 0:
		return pollResult{status: statusAlone}
	}
	return pollResult{status: statusComplete}
}

// lostAddrs returns the addresses where members lost within the hour were, and where DNS says that they are now.
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
	return were, p.dns.hosts(ctx, targets)
}

func isNoName(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}

// reportSilence logs which name servers do not answer, if that has changed.
func (p *poller) reportSilence(servers string) {
	switch {
	case servers == p.silent:
	case servers == "":
		p.log.Info("poll: all name servers answer again")
	default:
		p.log.Warn("poll: a name server does not answer", "servers", servers)
	}
	p.silent = servers
}

// report logs a result that differs from the last.
func (p *poller) report(result pollResult) {
	if result == p.last || p.query == "" || p.stopped.Err() != nil {
		return
	}
	if result.status == statusMissing && result.reason != ErrWrongCookie.Error() && time.Since(p.started) < burstFor {
		return // nodes that start at the same time are not ready yet
	}
	p.last = result
	log := p.log.With("query", p.query)
	switch result.status {
	case statusComplete:
		log.Info("poll: all nodes in dns are members", "n", p.roster.others()+1)
	case statusAlone:
		log.Info("poll: dns lists only this node")
	case statusMissing:
		log.Warn("poll: a node in dns is not a member", "addr", result.missing, "err", result.reason)
	case statusNoName:
		log.Info("poll: no such name or no address in dns, retrying")
	case statusFailed:
		log.Warn("poll: dns failed, retrying")
	case statusTimeout:
		log.Warn("poll: dns does not answer, retrying")
	}
}
