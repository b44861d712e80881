package fleet

import (
	"net/netip"
	"time"
)

// Status is a node's status for users.
type Status string

// The statuses of a node.
const (
	Creating    Status = "creating"    // the provider is creating it
	Joining     Status = "joining"     // runs, and the cluster does not know it yet
	Alive       Status = "alive"       // a member that answers
	Unreachable Status = "unreachable" // was a member, and no longer answers
	Ended       Status = "ended"       // was a member, and its provider knows that its process has ended
	Retiring    Status = "retiring"    // is being retired
	Left        Status = "left"        // has left the cluster
	Failed      Status = "failed"      // could not be created, or ended before it joined
)

// Pending reports whether a node of this status has not joined yet, so that its own log is not available.
func (s Status) Pending() bool { return s == Creating || s == Joining || s == Failed }

// Step is one step of creating or retiring a node.
type Step struct {
	Name  string
	At    time.Time
	Ended time.Time // zero: in progress
	Error string    // why the step failed
}

// Begin reports the start of a step, now. The returned function reports its end, and returns its argument.
func Begin(step func(Step), name string) (end func(error) error) {
	s := Step{Name: name, At: time.Now().UTC()}
	step(s)
	return func(err error) error {
		s.Ended = time.Now().UTC()
		if err != nil {
			s.Error = err.Error()
		}
		step(s)
		return err
	}
}

// Node is one node of the fleet: a provider's service joined with the cluster's member of that name.
type Node struct {
	Name    string // "convoy@convoy-k3fz.convoy.internal"
	Host    string // "convoy-k3fz.convoy.internal"
	Status  Status
	Message string // why it is unreachable or failed, does not join, or could not be retired; else empty

	Self      bool // this node
	Control   bool // it has a provider
	Retirable bool // Retire would accept it

	Instance string // youngest instance, empty before it joined
	Version  string
	Region   string // where its provider runs it, "europe-west4-drams3a"; "": unknown
	Labels   Labels
	Addr     netip.AddrPort // gossip

	Provider string // kind of the provider that created it; "" for other nodes
	ID       string // the provider's id, "pid 4242"

	Started time.Time // start of the youngest instance
	Seen    time.Time // when it was last known to be alive
	Created time.Time `json:"Made"` // when Spawn was called; zero for other nodes

	Steps []Step
}
