package fleet

import (
	"context"
	"time"
)

// Service is what a provider knows of one node that it made or is making.
type Service struct {
	Name         string // full node name
	ID           string // the provider's own, such as "pid 4242"
	Running      bool
	Provisioning bool   // neither runs nor has failed yet: the provider is at work, also without a Spawn under way here
	Message      string // why it does not run (any more), "process ended: signal: killed"

	Created time.Time // when it was made, for nodes that were not spawned by this process; may be zero
	Steps   []Step    // what the provider saw of its making; a step is known by its name and beginning
}

// Provider makes nodes and takes them away. Its methods are called from
// several goroutines at once, but never twice at once for one name and method.
type Provider interface {
	// Kind names the provider to people: "local", "railway".
	Kind() string
	// NodeName makes the full name of a node out of its label, the first part
	// of its host: "convoy-k3fz" gives "convoy@convoy-k3fz.convoy.internal".
	NodeName(label string) string
	// Spawn makes the node and returns once it listens, or with the reason why
	// it never will. It reports each step when it begins and again, under the
	// same name, when it ends. When ctx ends it gives up.
	Spawn(ctx context.Context, name string, step func(Step)) error
	// Retire takes the node away and returns once it is gone. A node that is
	// not there is gone already: nil. It reports steps as Spawn does.
	Retire(ctx context.Context, name string, step func(Step)) error
	// Watch calls update with all services now and after every change, one
	// call at a time, and returns when ctx ends.
	Watch(ctx context.Context, update func([]Service))
}

// Refuser is a Provider that can be unable to make and retire nodes for a
// while, for a reason that people can do something about. It calls Watch's
// update when the reason changes.
type Availability interface {
	// Refusal says why nothing can be made or retired now; empty: it can.
	Unavailable() string
}
