package peer

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

const (
	joinWait        = 300 * time.Millisecond // a poll waits this long for its joins
	joinsAtOnce     = 6
	secondSyncAfter = 3 * time.Second
	manyMembers     = 30 // from here on a second exchange pays off
)

// joinAttempt is a join in progress.
type joinAttempt struct {
	done chan struct{}
	err  error // valid once done is closed
}

// nonMembers filters out this node and the living members.
func (p *poller) nonMembers(addrs []netip.AddrPort) []netip.AddrPort {
	known := map[netip.AddrPort]bool{p.self: true}
	for _, m := range p.roster.living() {
		known[m.Addr] = true
	}
	return slices.DeleteFunc(slices.Clone(addrs), func(a netip.AddrPort) bool { return known[a] })
}

// joinAll joins addresses in random order, a few at a time, and waits briefly; slower joins continue. Each join brings
// all members that the other node knows, so most addresses are members before their turn: a hundred nodes that start
// together must not exchange ten thousand lists. It returns the lowest address that is not joined.
func (p *poller) joinAll(ctx context.Context, addrs []netip.AddrPort) (missing netip.AddrPort, err error) {
	addrs = slices.Clone(addrs)
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	patience := time.NewTimer(joinWait)
	defer patience.Stop()
	tries := make([]*joinAttempt, len(addrs))
	for i, a := range addrs {
		tries[i] = p.startJoin(a)
	}
	for i, t := range tries {
		select {
		case <-t.done:
		case <-patience.C:
			patience.Reset(0) // applies to the remaining ones too
		case <-ctx.Done():
			return netip.AddrPort{}, ctx.Err()
		}
		if e := t.result(); e != nil && (!missing.IsValid() || addrs[i].Compare(missing) < 0) {
			missing, err = addrs[i], e
		}
	}
	return missing, err
}

var errJoinPending = errors.New("no answer yet")

func (t *joinAttempt) result() error {
	select {
	case <-t.done:
		return t.err
	default:
		return errJoinPending
	}
}

// startJoin starts a join, unless one for that address is in progress.
func (p *poller) startJoin(addr netip.AddrPort) *joinAttempt {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.joins[addr]; t != nil {
		return t
	}
	t := &joinAttempt{done: make(chan struct{})}
	if !p.group.run(func() { p.runJoin(addr, t) }) {
		t.err = ErrClosed
		close(t.done)
		return t
	}
	p.joins[addr] = t
	return t
}

// runJoin performs a join when a slot is free.
func (p *poller) runJoin(addr netip.AddrPort, t *joinAttempt) {
	defer close(t.done)
	select {
	case p.slots <- struct{}{}:
		if len(p.nonMembers([]netip.AddrPort{addr})) > 0 {
			t.err = p.join(addr)
		}
		<-p.slots
	case <-p.stopped.Done():
		t.err = ErrClosed
	}
	p.mu.Lock()
	delete(p.joins, addr)
	p.mu.Unlock()
}

// resync exchanges lists with a random member again, after a delay. When many nodes start at once, a few miss some
// of the gossip, and would wait minutes for the next full exchange.
func (p *poller) resync() bool {
	members := p.roster.living()
	if len(members) == 0 {
		return false
	}
	addr := members[rand.IntN(len(members))].Addr
	return p.group.run(func() {
		select {
		case <-time.After(secondSyncAfter):
			p.join(addr) // it is a member: only its list matters
		case <-p.stopped.Done():
		}
	})
}

// joinReason describes a join's error in words that change only with its cause.
func joinReason(err error) string {
	switch {
	case isKeyError(err.Error()):
		return ErrWrongCookie.Error()
	case errors.Is(err, errJoinPending):
		return errJoinPending.Error()
	}
	return "unreachable"
}
