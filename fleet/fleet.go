// Package fleet keeps the list of nodes: it joins the services that a [Provider] created with the members that the
// cluster sees, by name.
//
// The package knows neither the cluster nor any provider. The program passes members to [Fleet.SetMembers]; the
// provider reports services and steps. To miss no change, a reader calls [Fleet.Changed], then [Fleet.List], then
// waits.
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

// Config configures a fleet.
type Config struct {
	Self     string   // full name of this node
	Provider Provider // nil: this node cannot spawn nodes
	Max      int      // limit of spawned nodes
	Join     JoinFunc // for nodes that run and do not join; nil: such nodes stay Joining without a reason
	Log      *slog.Logger
}

// Fleet is the list of nodes. It spawns and retires them. It is safe for concurrent use.
type Fleet struct {
	cfg      Config
	label    func() string // label of a new node; tests replace it, and patience
	patience time.Duration

	ctx    context.Context // of spawns, retirements and the watch; set by Start
	cancel context.CancelCauseFunc
	group  sync.WaitGroup // everything that runs under ctx

	mu          sync.Mutex
	closed      bool
	rows        map[string]*row
	tombstones  map[string]*tombstone // of recently retired nodes
	list        []Node                // what List returns
	unavailable string                // what Unavailable returned last
	changed     chan struct{}         // closed and replaced when list changes
}

// New returns a fleet that knows only this node. Start starts it.
func New(cfg Config) *Fleet {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	f := &Fleet{
		cfg:        cfg,
		label:      randomLabel,
		patience:   joinPatience,
		rows:       make(map[string]*row),
		tombstones: make(map[string]*tombstone),
		changed:    make(chan struct{}),
	}
	f.rows[cfg.Self] = &row{name: cfg.Self}
	f.list = f.build()
	return f
}

// Start starts to watch the provider, until ctx ends or Close is called. The caller must call Close in any case. A
// second call does nothing.
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

// Close cancels spawns and retirements in progress, and waits for them until ctx ends. It retires no node.
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

// Find returns the node with this full name, or the only one whose host starts with this label; else ErrNotFound.
func (f *Fleet) Find(name string) (Node, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.find(name)
	if err != nil {
		return Node{}, fmt.Errorf("find node %q: %w", name, err)
	}
	return n, nil
}

// Provider returns the kind of the provider; "" without one.
func (f *Fleet) Provider() string {
	if f.cfg.Provider == nil {
		return ""
	}
	return f.cfg.Provider.Kind()
}

// Unavailable returns why the provider cannot spawn or retire nodes now; "" if it can, or without a provider.
func (f *Fleet) Unavailable() string {
	if p, ok := f.cfg.Provider.(Availability); ok {
		return p.Unavailable()
	}
	return ""
}

// Usage returns what the provider measured of a node in the last span. Errors: ErrNoProvider if no provider here
// measures it; ErrUnavailable.
func (f *Fleet) Usage(ctx context.Context, name string, span time.Duration) (Usage, error) {
	meter, ok := f.cfg.Provider.(Meter)
	if !ok {
		return Usage{}, ErrNoProvider
	}
	return meter.Usage(ctx, name, span)
}

// Changed returns a channel that is closed at the next change of List or Unavailable. A new Seen of an alive node is no
// change.
func (f *Fleet) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// Count returns how many nodes count against the limit, and the limit. Failed nodes count until they are retired.
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

// find finds a node in the list. f.mu must be held.
func (f *Fleet) find(name string) (Node, error) {
	var found []Node
	for _, n := range f.list {
		if n.Name == name {
			found = []Node{n}
			break
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
	}
	return Node{}, fmt.Errorf("%w: %d hosts begin with it", ErrNotFound, len(found))
}

// update runs change under the lock, and wakes readers if the list changed.
func (f *Fleet) update(change func(now time.Time)) {
	f.mu.Lock()
	change(time.Now().UTC())
	changed := f.refresh()
	f.mu.Unlock()
	for _, n := range changed { // outside the lock, because logging may be slow
		log := f.cfg.Log.With("node", n.Name, "status", string(n.Status))
		if n.Message != "" {
			log = log.With("err", n.Message)
		}
		log.Info("node changed status")
	}
}

// refresh rebuilds the list, and wakes readers if it changed. It returns the nodes whose status changed. f.mu must be
// held.
func (f *Fleet) refresh() (changed []Node) {
	next, refusal := f.build(), f.Unavailable()
	if !slices.EqualFunc(next, f.list, equal) || refusal != f.unavailable {
		f.unavailable = refusal
		close(f.changed)
		f.changed = make(chan struct{})
	}
	f.watchJoining()
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

// byAge orders the control plane first, then by age, then by name.
func byAge(a, b Node) int {
	if a.Control != b.Control {
		if a.Control {
			return -1
		}
		return 1
	}
	return cmp.Or(createdAt(a).Compare(createdAt(b)), strings.Compare(a.Name, b.Name))
}

// createdAt returns when a node was created if that is known, else when it started.
func createdAt(n Node) time.Time {
	if !n.Created.IsZero() {
		return n.Created
	}
	return n.Started
}

// equal compares two versions of a node, but ignores Seen while it is alive, which changes all the time.
func equal(a, b Node) bool {
	if a.Status == Alive && b.Status == Alive {
		a.Seen, b.Seen = time.Time{}, time.Time{}
	}
	return reflect.DeepEqual(a, b)
}

// Errors for errors.Is.
var (
	ErrNotFound     = errors.New("no such node")
	ErrNotRetirable = errors.New("node cannot be retired")
	ErrNoProvider   = errors.New("no provider here")
	ErrFull         = errors.New("node limit reached")
	ErrClosed       = errors.New("fleet is closed")
	ErrUnavailable  = errors.New("provider unavailable")
)

// UnavailableError is an ErrUnavailable with the reason.
type UnavailableError struct{ Reason string }

// Error returns the provider's reason.
func (e *UnavailableError) Error() string { return e.Reason }

// Unwrap returns ErrUnavailable.
func (e *UnavailableError) Unwrap() error { return ErrUnavailable }
