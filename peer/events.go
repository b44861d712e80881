package peer

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"convoy/fleet"
)

// event is one thing that gossip has told. memberlist tells it with its lock
// held, so it is only put down there, and applied later by followGossip.
type event struct {
	kind     eventKind
	instance string
	node     memberlist.Node // for eventAlive
	at       time.Time
	done     chan struct{} // for eventMark
}

type eventKind int

const (
	eventAlive   eventKind = iota // an instance joined, came back, or has new metadata
	eventGone                     // an instance failed, or left
	eventGoodbye                  // an instance said that it leaves
	eventMark                     // all events before this one have been applied
)

// eventQueue keeps events in their order. It has no bound but the number of
// members, and putting never waits.
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

// flush waits until what gossip has told so far stands in the list of members.
func (c *Cluster) flush(ctx context.Context) error {
	done := make(chan struct{})
	c.events.put(event{kind: eventMark, done: done})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return ErrClosed
	}
}

// followGossip applies events in their order, and forgets members that have been
// gone for long, until the cluster is closed.
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
		if m, ok := c.roster.gone(e.instance, fleet.MemberUnreachable, e.at); ok {
			c.log.Warn("member unreachable", "member", m.Name, "instance", m.Instance, "addr", m.Addr)
			c.askAgain(m.Addr)
			c.poll.hurry()
		}
	case eventGoodbye:
		if m, ok := c.roster.gone(e.instance, fleet.MemberLeft, e.at); ok {
			c.log.Info("member left", "member", m.Name, "instance", m.Instance)
			c.gossip.spreadGoodbye(e.instance)
		}
	case eventMark:
		close(e.done)
	}
}

// askAgain asks a member that gossip has lost directly, by TCP. If it lives, it
// learns from the first exchange that it was taken for dead, and objects in the
// second: that heals a mistake of the packets at once.
func (c *Cluster) askAgain(addr netip.AddrPort) {
	c.group.run(func() {
		for range 2 {
			if c.gossip.join(addr) != nil {
				return
			}
		}
	})
}

func (c *Cluster) applyAlive(e event) {
	m, err := memberFrom(&e.node)
	if err != nil { // NotifyAlive has looked at it before
		return
	}
	m.Self, m.Seen = m.Instance == c.self.Instance, e.at
	old, known := c.roster.get(m.Instance)
	c.roster.alive(m)
	if !m.Self && (!known || old.State != fleet.MemberAlive) {
		c.log.Info("member joined", "member", m.Name, "instance", m.Instance, "addr", m.Addr)
	}
}
