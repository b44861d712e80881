package peer

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/hashicorp/memberlist"

	"convoy/fleet"
)

// Gossip settings that differ from memberlist's for a LAN.
//
// A member is probed every probeInterval, in turn. Without an answer within probeTimeout, three others are asked to
// probe and TCP is tried, until the interval ends. Then it is suspected for suspicionMult × probeInterval × max(1,
// log10 n) if a second member suspects it too, else up to six times as long, and dead if no node has heard from it.
//
// memberlist starts both of its tickers together. The runtime wakes a resting process several times for each time at
// which a timer ends, so both have the same interval. Gossip to twice as many members makes up for rounds that are half
// as frequent.
const (
	probeInterval  = 280 * time.Millisecond
	probeTimeout   = probeInterval / 2
	gossipInterval = probeInterval
	gossipNodes    = 6
	suspicionMult  = 3
	// streamTimeout limits a join, and so the delay by an address that drops packets.
	streamTimeout = 3 * time.Second
	// leaveTime is enough for one round of gossip.
	leaveTime = gossipInterval + 20*time.Millisecond
	// packetBytes fits any path: IPv6 guarantees 1280, WireGuard leaves 1420.
	packetBytes = 1200
	// Each message is retransmitted retransmitMult × log10 n times. With fewer, at 20 % loss, some members occasionally
	// miss the refutation of a suspicion.
	retransmitMult = 12
	gossipLabel    = "convoy"
	leaveMessage   = 'L'
)

// gossip tracks membership. It is memberlist's delegate: all Notify methods run with memberlist's lock held, so they
// call nothing of memberlist, and leave the work to followGossip.
type gossip struct {
	self   string
	meta   []byte
	events *eventQueue
	roster *roster
	leaves *memberlist.TransmitLimitedQueue
	list   *memberlist.Memberlist
}

func newGossip(self string, m meta, events *eventQueue, roster *roster) *gossip {
	return &gossip{
		self: self, meta: m.encode(), events: events, roster: roster,
		leaves: &memberlist.TransmitLimitedQueue{
			NumNodes:       func() int { return roster.others() + 1 },
			RetransmitMult: retransmitMult,
		},
	}
}

// open starts to gossip. memberlist owns the transport from now on.
func (g *gossip) open(transport memberlist.Transport, cookies []string, logger *log.Logger) error {
	keys := make([][]byte, 0, len(cookies))
	for _, cookie := range cookies {
		keys = append(keys, Key(cookie, "gossip"))
	}
	ring, err := memberlist.NewKeyring(keys, keys[0])
	if err != nil {
		return fmt.Errorf("gossip keys: %w", err)
	}
	config := gossipConfig()
	config.Name, config.Keyring = g.self, ring
	config.Transport, config.Logger = transport, logger
	config.Delegate, config.Events, config.Alive, config.Ping = g, g, g, g
	if g.list, err = memberlist.Create(config); err != nil {
		return fmt.Errorf("start gossip: %w", err)
	}
	return nil
}

// gossipConfig returns the settings that all nodes share.
func gossipConfig() *memberlist.Config {
	config := memberlist.DefaultLANConfig()
	config.Label = gossipLabel
	config.UDPBufferSize, config.TCPTimeout = packetBytes, streamTimeout
	config.ProbeInterval, config.ProbeTimeout = probeInterval, probeTimeout
	config.GossipInterval, config.GossipNodes = gossipInterval, gossipNodes
	config.SuspicionMult, config.RetransmitMult = suspicionMult, retransmitMult
	config.EnableCompression = false // takes 64 KiB of memory for each packet, to save a few bytes
	return config
}

// join exchanges member lists with an address.
func (g *gossip) join(addr netip.AddrPort) error {
	_, err := g.list.Join([]string{addr.String()})
	return err
}

// leave announces to all members that this node leaves, and by gossip for leaveTime, or until the deadline of ctx.
// memberlist would wait until it has sent its own announcement as often as any other.
func (g *gossip) leave(ctx context.Context) {
	g.events.put(event{kind: eventLeft, instance: g.self}) // for this node's own list
	for _, member := range g.list.Members() {
		if member.Name != g.self {
			g.list.SendBestEffort(member, leaveNotice(g.self).Message()) //nolint:errcheck // others pass it on
		}
	}
	g.broadcastLeave(g.self)
	wait := leaveTime
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, max(time.Until(deadline), time.Millisecond))
	}
	g.list.Leave(wait) //nolint:errcheck // it only says that it could have sent more
}

// broadcastLeave spreads that an instance leaves. memberlist's own message does not distinguish leaving from failing.
func (g *gossip) broadcastLeave(instance string) {
	g.leaves.QueueBroadcast(leaveNotice(instance))
}

// leaveNotice is the message that an instance leaves.
type leaveNotice string

var _ memberlist.NamedBroadcast = leaveNotice("")

func (b leaveNotice) Message() []byte { return append([]byte{leaveMessage}, b...) }
func (b leaveNotice) Name() string    { return string(b) }
func (b leaveNotice) Finished()       {}
func (b leaveNotice) Invalidates(other memberlist.Broadcast) bool {
	o, ok := other.(leaveNotice)
	return ok && o == b
}

// memberFrom decodes gossip's data about an instance.
func memberFrom(n *memberlist.Node) (fleet.Member, error) {
	addr, ok := netip.AddrFromSlice(n.Addr)
	if !ok || n.Port == 0 || !isInstance(n.Name) {
		return fleet.Member{}, fmt.Errorf("member %q at %v: not an instance", n.Name, n.Addr)
	}
	m, err := decodeMeta(n.Meta)
	if err != nil {
		return fleet.Member{}, fmt.Errorf("member %q at %v: %w", n.Name, n.Addr, err)
	}
	addr = addr.Unmap()
	return fleet.Member{
		Name: m.Name, Instance: n.Name, Version: m.Version, Region: m.Region, Labels: m.Labels,
		Addr: netip.AddrPortFrom(addr, n.Port), CallAddr: netip.AddrPortFrom(addr, m.CallPort),
		Started: m.Started, Control: m.Control,
	}, nil
}

// NotifyAlive rejects members with malformed metadata.
func (g *gossip) NotifyAlive(n *memberlist.Node) error {
	_, err := memberFrom(n)
	return err
}

func (g *gossip) NotifyJoin(n *memberlist.Node)   { g.events.put(event{kind: eventAlive, node: *n}) }
func (g *gossip) NotifyUpdate(n *memberlist.Node) { g.events.put(event{kind: eventAlive, node: *n}) }
func (g *gossip) NotifyLeave(n *memberlist.Node) {
	g.events.put(event{kind: eventGone, instance: n.Name})
}

// NotifyMsg accepts leave notices about any instance: members trust each other.
func (g *gossip) NotifyMsg(b []byte) {
	if len(b) == 1+instanceChars && b[0] == leaveMessage {
		g.events.put(event{kind: eventLeft, instance: string(b[1:])})
	}
}

// NotifyPingComplete records each answer to a probe.
func (g *gossip) NotifyPingComplete(n *memberlist.Node, _ time.Duration, _ []byte) {
	g.roster.setSeen(n.Name, time.Now())
}

func (g *gossip) NodeMeta(int) []byte { return g.meta }
func (g *gossip) GetBroadcasts(overhead, limit int) [][]byte {
	return g.leaves.GetBroadcasts(overhead, limit)
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
