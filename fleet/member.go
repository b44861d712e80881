package fleet

import (
	"net/netip"
	"time"
)

// MemberState says how the cluster sees a member.
type MemberState string

// The states of a member.
const (
	MemberAlive       MemberState = "alive"       // answers
	MemberUnreachable MemberState = "unreachable" // answered once, and does not any more
	MemberLeft        MemberState = "left"        // said goodbye
)

// Member is what the cluster knows of one instance: one run of one node. Two
// instances share a name while a node is being deployed anew.
type Member struct {
	Name     string // full node name, "convoy@convoy-k3fz.convoy.internal"
	Instance string // random, new at every start of a node
	Version  string

	Addr     netip.AddrPort // gossip
	CallAddr netip.AddrPort // calls and streams

	Started time.Time // when the instance began; the youngest owns the name
	Seen    time.Time // last time it was known to be alive

	State   MemberState
	Error   string // why it cannot be called from here though others may reach it
	Self    bool   // the instance that is asked
	Control bool   // it holds a provider
}
