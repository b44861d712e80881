package fleet

import (
	"net/netip"
	"time"
)

// MemberState is a member's state in the cluster.
type MemberState string

// The states of a member.
const (
	MemberAlive       MemberState = "alive"       // answers
	MemberUnreachable MemberState = "unreachable" // answered once, and no longer does
	MemberLeft        MemberState = "left"        // has left the cluster
)

// Member is what the cluster knows of one instance, which is one run of a node. Two instances share a name during a
// redeploy.
type Member struct {
	Name     string // full name of the node, "convoy@convoy-k3fz.convoy.internal"
	Instance string // random, new at every start of a node
	Version  string
	Region   string // of its provider; "": unknown
	Labels   Labels

	Addr     netip.AddrPort // gossip
	CallAddr netip.AddrPort // calls and streams

	Started time.Time // start of the instance; the youngest owns the name
	Seen    time.Time // when it was last known to be alive

	State   MemberState
	Error   string // why calls from this node fail, though others may reach it
	Self    bool   // this instance
	Control bool   // it has a provider
}
