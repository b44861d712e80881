package peer

import (
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/hashicorp/memberlist"

	"convoy/fleet"
)

// Gossip's settings, where they are not memberlist's for a LAN.
//
// A member is probed every probeInterval, in turn. Without an answer within
// probeTimeout (so round trips may take as long), three others are asked to try
// and TCP is tried, until the interval is over. Then it is suspected, for
// suspicionMult × probeInterval × max(1, log10 n), and dead if nobody has heard
// of it. So a death is noticed after 2 to 4 s at 5 to 30 members.
const (
	probeInterval = 500 * time.Millisecond
	probeTimeout  = 250 * time.Millisecond
	suspicionMult = 3
	// streamTimeout bounds each join, and with it how long one address that
	// swallows packets is waited for.
	streamTimeout = 3 * time.Second
	// packetBytes fits any path: IPv6 promises 1280, WireGuard leaves 1420.
	packetBytes = 1200
	// retransmitMult × log10 n is how often each message is passed on. With less, at
	// 20 % loss, somebody misses now and then that a suspected member has objected.
	retransmitMult = 8
	gossipLabel    = "convoy"
	goodbyeMessage = 'L'
)

// gossip is the half of the cluster that knows who is there. It is memberlist's
// delegate: all Notify methods run with memberlist's lock held, so they call
// nothing of memberlist's, and leave the work to followGossip.
type gossip struct {
	self     string
	meta     []byte
	events   *eventQueue
	roster   *roster
	goodbyes *memberlist.TransmitLimitedQueue
	list     *memberlist.Memberlist
}

func newGossip(self string, m meta, events *eventQueue, roster *roster) *gossip {
	return &gossip{
		self: self, meta: m.encode(), events: events, roster: roster,
		goodbyes: &memberlist.TransmitLimitedQueue{
			NumNodes:       func() int { return roster.others() + 1 },
			RetransmitMult: retransmitMult,
		},
	}
}

// open begins to take part. The transport is memberlist's from now on.
func (g *gossip) open(transport memberlist.Transport, cookies []string, logger *log.Logger) error {
	keys := make([][]byte, 0, len(cookies))
	for _, cookie := range cookies {
		keys = append(keys, Key(cookie, "gossip"))
	}
	ring, err := memberlist.NewKeyring(keys, keys[0])
	if err != nil {
		return fmt.Errorf("gossip keys: %w", err)
	}
	config := memberlist.DefaultLANConfig()
	config.Name, config.Label, config.Keyring = g.self, gossipLabel, ring
	config.Transport, config.Logger = transport, logger
	config.UDPBufferSize, config.TCPTimeout = packetBytes, streamTimeout
	config.ProbeInterval, config.ProbeTimeout = probeInterval, probeTimeout
	config.SuspicionMult, config.RetransmitMult = suspicionMult, retransmitMult
	config.Delegate, config.Events, config.Alive, config.Ping = g, g, g, g
	if g.list, err = memberlist.Create(config); err != nil {
		return fmt.Errorf("begin to gossip: %w", err)
	}
	return nil
}

// join exchanges the lists of members with one address.
func (g *gossip) join(addr netip.AddrPort) error {
	_, err := g.list.Join([]string{addr.String()})
	return err
}

// leave says goodbye, and waits until it has been passed on, or for so long.
func (g *gossip) leave(wait time.Duration) error {
	g.events.put(event{kind: eventGoodbye, instance: g.self}) // in this node's own list
	g.spreadGoodbye(g.self)
	return g.list.Leave(wait)
}

// spreadGoodbye passes on that an instance leaves. memberlist's own message does
// not tell those who hear of it whether the instance left or failed.
func (g *gossip) spreadGoodbye(instance string) {
	g.goodbyes.QueueBroadcast(goodbye(instance))
}

// goodbye is the message that an instance leaves.
type goodbye string

var _ memberlist.NamedBroadcast = goodbye("")

func (b goodbye) Message() []byte { return append([]byte{goodbyeMessage}, b...) }
func (b goodbye) Name() string    { return string(b) }
func (b goodbye) Finished()       {}
func (b goodbye) Invalidates(other memberlist.Broadcast) bool {
	o, ok := other.(goodbye)
	return ok && o == b
}

// memberFrom reads what gossip knows of an instance.
func memberFrom(n *memberlist.Node) (fleet.Member, error) {
	addr, ok := netip.AddrFromSlice(n.Addr)
	if !ok || n.Port == 0 || !isInstance(n.Name) {
		return fleet.Member{}, fmt.Errorf("member %q at %v: no instance", n.Name, n.Addr)
	}
	m, err := decodeMeta(n.Meta)
	if err != nil {
		return fleet.Member{}, fmt.Errorf("member %q at %v: %w", n.Name, n.Addr, err)
	}
	addr = addr.Unmap()
	return fleet.Member{
		Name: m.Name, Instance: n.Name, Version: m.Version,
		Addr: netip.AddrPortFrom(addr, n.Port), CallAddr: netip.AddrPortFrom(addr, m.CallPort),
		Started: m.Started, Control: m.Control,
	}, nil
}

// NotifyAlive keeps those out whose metadata is not to be understood.
func (g *gossip) NotifyAlive(n *memberlist.Node) error {
	_, err := memberFrom(n)
	return err
}

func (g *gossip) NotifyJoin(n *memberlist.Node)   { g.events.put(event{kind: eventAlive, node: *n}) }
func (g *gossip) NotifyUpdate(n *memberlist.Node) { g.events.put(event{kind: eventAlive, node: *n}) }
func (g *gossip) NotifyLeave(n *memberlist.Node) {
	g.events.put(event{kind: eventGone, instance: n.Name})
}

// NotifyMsg hears goodbyes, of whatever instance: members trust one another.
func (g *gossip) NotifyMsg(b []byte) {
	if len(b) == 1+instanceChars && b[0] == goodbyeMessage {
		g.events.put(event{kind: eventGoodbye, instance: string(b[1:])})
	}
}

// NotifyPingComplete takes note of each answer to a probe.
func (g *gossip) NotifyPingComplete(n *memberlist.Node, _ time.Duration, _ []byte) {
	g.roster.seen(n.Name, time.Now())
}

func (g *gossip) NodeMeta(int) []byte { return g.meta }
func (g *gossip) GetBroadcasts(overhead, limit int) [][]byte {
	return g.goodbyes.GetBroadcasts(overhead, limit)
}
func (g *gossip) AckPayload() []byte            { return nil }
func (g *gossip) LocalState(bool) []byte        { return nil }
func (g *gossip) MergeRemoteState([]byte, bool) {}

var (
	_ memberlist.Delegate      = (*gossip)(nil)
	_ memberlist.EventDelegate = (*gossip)(nil)
	_ memberlist.AliveDelegate = (*gossip)(nil)
	_ memberlist.PingDelegate  = (*gossip)(nil)
)
