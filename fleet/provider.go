package fleet

import (
	"context"
	"time"
)

// Service is what a provider knows of a node that it created or is creating.
type Service struct {
	Name         string // full name of the node
	ID           string // the provider's id, "pid 4242"
	Running      bool
	Provisioning bool   // the provider is creating it, even without a Spawn in progress here
	Message      string // why it does not run, "process ended: signal: killed"

	Created time.Time // for nodes that this process did not spawn; may be zero
	Steps   []Step    // what the provider saw; name and start identify a step
}

// Provider creates and removes nodes. The fleet calls its methods concurrently, but never twice at once for the same
// name and method.
type Provider interface {
	// Kind returns the kind of provider: "local" or "railway".
	Kind() string
	// NodeName returns the full name of a node with that label, the first part of its host: "convoy-k3fz" becomes
	// "convoy@convoy-k3fz.convoy.internal".
	NodeName(label string) string
	// Spawn creates the node, and returns when it listens, or with the reason why it never will. It reports each step when
	// it starts, and again under the same name when it ends. It gives up when ctx ends.
	Spawn(ctx context.Context, name string, step func(Step)) error
	// Retire removes the node, and returns when it is gone. It returns nil if there is no such node. It reports steps like
	// Spawn.
	Retire(ctx context.Context, name string, step func(Step)) error
	// Watch calls update with all services now and after every change, one call at a time, until ctx ends.
	Watch(ctx context.Context, update func([]Service))
}

// Availability is a Provider that may be unable to create and remove nodes for a while. It calls Watch's update when
// the reason changes.
type Availability interface {
	// Unavailable returns why it cannot create or remove nodes now, with what to do about it; "" if it can.
	Unavailable() string
}

// Meter is a Provider that measures nodes from outside, also while they do not answer.
type Meter interface {
	// Usage returns what a node that the provider created used in the last span. The error is ErrNoProvider if the
	// provider did not create it, and an *UnavailableError if it cannot find out now. It may return values that are some
	// minutes old, because a provider may limit how often it is asked.
	Usage(ctx context.Context, name string, span time.Duration) (Usage, error)
}

// Usage is what a provider measured of a node. The values of a series end at At, one for each step; NaN: not known.
type Usage struct {
	At   time.Time
	Step time.Duration

	CPU, Memory    []float32 // cores, bytes
	Received, Sent []float32 // bytes of each step, over the public network

	CPULimit, MemoryLimit float64 // cores, bytes; 0: unknown
}
