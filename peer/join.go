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
	joinPatience    = 300 * time.Millisecond // of a poll, for the joins that it begins
	joinsAtOnce     = 6
	secondSyncAfter = 3 * time.Second
	manyMembers     = 30 // from where on a second exchange is worth it
)

// try is one join under way.
type try struct {
	done chan struct{}
	err  error // once done is closed
}

// strangersOf leaves out this node and the living members.
func (p *poller) strangersOf(addrs []netip.AddrPort) []netip.AddrPort {
	known := map[netip.AddrPort]bool{p.self: true}
	for _, m := range p.roster.living() {
		known[m.Addr] = true
	}
	return slices.DeleteFunc(slices.Clone(addrs), func(a netip.AddrPort) bool { return known[a] })
}

// joinAll joins addresses, in any order and a few at once, and waits a moment for
// the results; joins that take longer go on. Each join brings all that the other
// node knows, so most of many addresses are members before it is their turn: a
// hundred nodes that start at once must not exchange ten thousand lists. It
// returns the least address that could not be joined, or is not joined yet.
func (p *poller) joinAll(ctx context.Context, addrs []netip.AddrPort) (missing netip.AddrPort, err error) {
	addrs = slices.Clone(addrs)
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	patience := time.NewTimer(joinPatience)
	defer patience.Stop()
	tries := make([]*try, len(addrs))
	for i, a := range addrs {
		tries[i] = p.begin(a)
	}
	for i, t := range tries {
		select {
		case <-t.done:
		case <-patience.C:
			patience.Reset(0) // for the next one too
		case <-ctx.Done():
			return netip.AddrPort{}, ctx.Err()
		}
		if e := t.result(); e != nil && (!missing.IsValid() || addrs[i].Compare(missing) < 0) {
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
		if len(p.strangersOf([]netip.AddrPort{addr})) > 0 {
			t.err = p.join(addr)
		}
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
			p.join(addr) // it is a member: only its list is wanted
		case <-p.stopped.Done():
		}
	})
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
