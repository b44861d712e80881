package fleet

import (
	"net/netip"
	"time"
)

// Status is a node's state as people see it.
type Status string

// The statuses of a node.
const (
	Creating    Status = "creating"    // the provider is at work
	Joining     Status = "joining"     // runs, and the cluster has not heard of it yet
	Alive       Status = "alive"       // a member that answers
	Unreachable Status = "unreachable" // was a member, and does not answer any more
	Retiring    Status = "retiring"    // is being taken away
	Left        Status = "left"        // said goodbye
	Failed      Status = "failed"      // could not be made, or ended before it joined
)

// Making reports whether a node of this status has not been a member yet: its own log cannot be asked for.
func (s Status) Pending() bool { return s == Creating || s == Joining || s == Failed }

// Step is one step of a node's making or taking away.
type Step struct {
	Name  string
	At    time.Time
	Ended time.Time // zero while it goes on
	Error string    // the step's own message, if it failed
}

// Node is one row of the fleet: a provider's service joined with the cluster's
// member of the same name. It is a copy: the reader may keep it.
type Node struct {
	Name    string // "convoy@convoy-k3fz.convoy.internal"
	Host    string // "convoy-k3fz.convoy.internal"
	Status  Status
	Message string // why it is unreachable or failed, or could not be retired; else empty

	Self      bool // the node that is asked
	Control   bool // it holds a provider
	Retirable bool // Retire would accept it

	Instance string // of the youngest instance, empty before it joined
	Version  string
	Addr     netip.AddrPort // gossip

	Provider string // kind of the provider that made it, empty for others' nodes
	ID       string // the provider's own name for it, "pid 4242"

	Started time.Time // when its youngest instance began
	Seen    time.Time // last time it was known to be alive
	Created time.Time `json:"Made"` // when it was asked for, zero for others' nodes

	Steps []Step
}
