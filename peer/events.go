package peer

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"convoy/fleet"
)

// event is a change reported by gossip. memberlist reports it with its lock held, so it is queued, and applied later by
// followGossip.
type event struct {
	kind     eventKind
	instance string
	node     memberlist.Node // for eventAlive
	at       time.Time
	done     chan struct{} // for eventSync
}

type eventKind int

const (
	eventAlive eventKind = iota // an instance joined, returned, or has new metadata
	eventGone                   // an instance failed or left
	eventLeft                   // an instance announced that it leaves
	eventSync                   // all earlier events have been applied
)

// eventQueue keeps events in order. Its size is limited by the number of members only, and put never blocks.
type eventQueue struct {
	mu     sync.Mutex
	events []event
	ready  chan struct{} // has an element while there may be events
}

func newEventQueue() *eventQueue { return &eventQueue{ready: make(chan struct{}, 1)} }

func (q *eventQueue) put(e event) {
	e.at = time.Now()
	q.mu.Lock()
	q.events = append(q.events, e)
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *eventQueue) take() []event {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.events
	q.events = nil
	return taken
}

// syncEvents waits until the roster contains everything that gossip has reported so far.
func (c *Cluster) syncEvents(ctx context.Context) error {
	done := make(chan struct{})
	c.events.put(event{kind: eventSync, done: done})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return ErrClosed
	}
}

// followGossip applies events in order and expires old members until the cluster is closed.
func (c *Cluster) followGossip() {
	expiry := time.NewTimer(0)
	defer expiry.Stop()
	for {
		select {
		case <-c.events.ready:
			for _, e := range c.events.take() {
				c.apply(e)
			}
		case <-expiry.C:
		case <-c.ctx.Done():
			return
		}
		expiry.Reset(time.Until(c.roster.expire(time.Now())))
	}
}

func (c *Cluster) apply(e event) {
	switch e.kind {
	case eventAlive:
		c.applyAlive(e)
	case eventGone:
		if m, ok := c.roster.setGone(e.instance, fleet.MemberUnreachable, e.at); ok {
			c.log.Warn("member unreachable", "member", m.Name, "instance", m.Instance, "addr", m.Addr)
			c.refute(m.Addr)
			c.poll.pollSoon()
		}
	case eventLeft:
		if m, ok := c.roster.setGone(e.instance, fleet.MemberLeft, e.at); ok {
			c.log.Info("member left", "member", m.Name, "instance", m.Instance)
			c.gossip.broadcastLeave(e.instance)
		}
	case eventSync:
		close(e.done)
	}
}

// refuters is how many members contact one that gossip has lost, on average, in a cluster of any size. If all did,
// each with a list of all members, an overloaded cluster would not recover.
const refuters = 5

// refute contacts a member that gossip has lost directly, by TCP. If it lives, it learns from the first exchange that
// it is considered dead, and refutes that in the second: this quickly corrects the effect of lost packets.
func (c *Cluster) refute(addr netip.AddrPort) {
	if !refutes(c.roster.others()) {
		return
	}
	c.group.run(func() {
		for range 2 {
			if c.gossip.join(addr) != nil {
				return
			}
		}
	})
}

// refutes decides whether this node is one of the refuters, beside others.
func refutes(others int) bool { return rand.IntN(others+1) < refuters }

func (c *Cluster) applyAlive(e event) {
	m, err := memberFrom(&e.node)
	if err != nil { // NotifyAlive has checked it already
		return
	}
	m.Self, m.Seen = m.Instance == c.self.Instance, e.at
	old, known := c.roster.get(m.Instance)
	c.roster.setAlive(m)
	if slices.Contains(c.cfg.Earlier, m.Instance) {
		c.apply(event{kind: eventLeft, instance: m.Instance, at: e.at})
		return
	}
	if !m.Self && (!known || old.State != fleet.MemberAlive) {
		c.log.Info("member joined", "member", m.Name, "instance", m.Instance, "addr", m.Addr)
	}
}
