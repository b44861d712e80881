// Package fleet keeps the one list of nodes: the services that a [Provider]
// made, joined with the members that the cluster sees, under one name each.
//
// The package knows neither the cluster nor any provider. Whoever wires the
// program feeds it members with [Fleet.SetMembers]; the provider reports
// services and steps by itself. Readers take [Fleet.Changed] first, then
// [Fleet.List], then wait: so no change is missed.
package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config says what a fleet consists of.
type Config struct {
	Self     string   // full name of the node that is asked
	Provider Provider // nil: this node makes no nodes
	Max      int      // nodes that may exist besides those that were not made here
	Log      *slog.Logger
}

// Fleet is the list of nodes, and the way to make and retire them. Its methods
// may be called from any goroutine.
type Fleet struct {
	cfg   Config
	log   *slog.Logger
	label func() string // a new node's label; tests make it collide

	ctx    context.Context // of the spawns, retirements and the watch; set by Start
	cancel context.CancelCauseFunc
	group  sync.WaitGroup // everything that runs under ctx

	mu          sync.Mutex
	closed      bool
	rows        map[string]*row
	tombstones  map[string]*tombstone // nodes retired lately
	list        []Node                // what List says
	unavailable string                // what Refusal said last
	changed     chan struct{}         // closed and replaced when list changes
}

// New returns a fleet that knows one node, itself. It does not run before Start.
func New(cfg Config) *Fleet {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	f := &Fleet{
		cfg:        cfg,
		log:        cfg.Log,
		label:      randomLabel,
		rows:       make(map[string]*row),
		tombstones: make(map[string]*tombstone),
		changed:    make(chan struct{}),
	}
	f.rows[cfg.Self] = &row{name: cfg.Self}
	f.list = f.build()
	return f
}

// Start begins to watch the provider. The fleet ends with ctx, or with Close,
// which must be called in any case. Starting again does nothing.
func (f *Fleet) Start(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.ctx != nil {
		return
	}
	f.ctx, f.cancel = context.WithCancelCause(ctx)
	if p := f.cfg.Provider; p != nil {
		f.group.Go(func() { p.Watch(f.ctx, f.setServices) })
	}
}

// Close ends the spawns and retirements under way and waits for them, at most
// until ctx ends. It retires nothing: the nodes are their provider's.
func (f *Fleet) Close(ctx context.Context) error {
	f.mu.Lock()
	f.closed = true
	if f.cancel != nil {
		f.cancel(ErrClosed)
	}
	f.mu.Unlock()

	done := make(chan struct{})
	go func() {
		f.group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close fleet: %w", context.Cause(ctx))
	}
}

// List returns all nodes: the control plane first, then by age, then by name.
func (f *Fleet) List() []Node {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := slices.Clone(f.list)
	for i := range list {
		list[i].Steps = slices.Clone(list[i].Steps)
	}
	return list
}

// Find returns the node of this full name, or the only one whose host begins
// with this label; else ErrNotFound.
func (f *Fleet) Find(name string) (Node, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.find(name)
	if err != nil {
		return Node{}, fmt.Errorf("find node %q: %w", name, err)
	}
	return n, nil
}

// Provider is the kind of provider that makes nodes here; empty: there is none.
func (f *Fleet) Provider() string {
	if f.cfg.Provider == nil {
		return ""
	}
	return f.cfg.Provider.Kind()
}

// Refusal says why the provider can make and retire nothing now; empty: it can,
// or there is none.
func (f *Fleet) Unavailable() string {
	if p, ok := f.cfg.Provider.(Availability); ok {
		return p.Unavailable()
	}
	return ""
}

// Changed returns a channel that is closed at the next change of what List or
// Refusal says. That an alive node was seen again is no change.
func (f *Fleet) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// Count returns how many nodes count against the limit, and the limit. Failed
// nodes count until they are retired.
func (f *Fleet) Count() (n, limit int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count(), f.cfg.Max
}

func (f *Fleet) count() int {
	n := 0
	for _, r := range f.rows {
		if r.owned && r.name != f.cfg.Self {
			n++
		}
	}
	return n
}

// find looks name up in the list. f.mu must be held.
func (f *Fleet) find(name string) (Node, error) {
	var found []Node
	for _, n := range f.list {
		if n.Name == name {
			n.Steps = slices.Clone(n.Steps)
			return n, nil
		}
		if label, _, _ := strings.Cut(n.Host, "."); label == name {
			found = append(found, n)
		}
	}
	switch len(found) {
	case 0:
		return Node{}, ErrNotFound
	case 1:
		found[0].Steps = slices.Clone(found[0].Steps)
		return found[0], nil
	default:
		return Node{}, fmt.Errorf("%w: %d hosts begin with it", ErrNotFound, len(found))
	}
}

// update runs change under the lock and tells readers if it made a difference.
func (f *Fleet) update(change func(now time.Time)) {
	f.mu.Lock()
	change(time.Now().UTC())
	turned := f.refresh()
	f.mu.Unlock()
	for _, n := range turned { // outside the lock: a log may be slow
		log := f.log.With("node", n.Name, "status", string(n.Status))
		if n.Message != "" {
			log = log.With("err", n.Message)
		}
		log.Info("node changed status")
	}
}

// refresh makes the list anew and wakes readers if it says something else. It
// returns the nodes whose status changed. f.mu must be held.
func (f *Fleet) refresh() (turned []Node) {
	next, refusal := f.build(), f.Unavailable()
	if !slices.EqualFunc(next, f.list, equal) || refusal != f.unavailable {
		f.unavailable = refusal
		close(f.changed)
		f.changed = make(chan struct{})
	}
	before := make(map[string]Status, len(f.list))
	for _, n := range f.list {
		before[n.Name] = n.Status
	}
	f.list = next
	return slices.DeleteFunc(slices.Clone(next), func(n Node) bool { return n.Status == before[n.Name] })
}

// build renders the rows in order. f.mu must be held.
func (f *Fleet) build() []Node {
	list := make([]Node, 0, len(f.rows))
	for _, r := range f.rows {
		list = append(list, f.render(r))
	}
	slices.SortFunc(list, byAge)
	return list
}

// byAge orders lists: the control plane first, then by age, then by name.
func byAge(a, b Node) int {
	if a.Control != b.Control {
		if a.Control {
			return -1
		}
		return 1
	}
	return cmp.Or(createdAt(a).Compare(createdAt(b)), strings.Compare(a.Name, b.Name))
}

// born is the time that orders the list: when a node was asked for if that is
// known, else when it started.
func createdAt(n Node) time.Time {
	if !n.Created.IsZero() {
		return n.Created
	}
	return n.Started
}

// same reports whether a and b say the same. An alive node is seen all the
// time, which is no news.
func equal(a, b Node) bool {
	if a.Status == Alive && b.Status == Alive {
		a.Seen, b.Seen = time.Time{}, time.Time{}
	}
	return reflect.DeepEqual(a, b)
}

// Errors that callers tell apart with errors.Is.
var (
	ErrNotFound     = errors.New("no such node")
	ErrNotRetirable = errors.New("node may not be retired")
	ErrNoProvider   = errors.New("no provider here")
	ErrFull         = errors.New("node limit reached")
	ErrClosed       = errors.New("fleet is closed")
	ErrUnavailable  = errors.New("provider refuses")
)

// RefusedError is the ErrRefused that says why.
type UnavailableError struct{ Reason string }

// Error is the provider's reason, for people.
func (e *UnavailableError) Error() string { return e.Reason }

// Unwrap makes errors.Is(err, ErrRefused) true.
func (e *UnavailableError) Unwrap() error { return ErrUnavailable }

// FullError is the ErrFull that says how many nodes there may be.
type FullError struct{ Max int }

// Error says what to people may be shown.
func (e *FullError) Error() string { return fmt.Sprintf("%v: %d", ErrFull, e.Max) }

// Unwrap makes errors.Is(err, ErrFull) true.
func (e *FullError) Unwrap() error { return ErrFull }
