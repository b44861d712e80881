package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"time"
)

// Names have the form "convoy-k3fz".
const (
	labelPrefix  = "convoy-"
	labelLetters = "abcdefghijklmnopqrstuvwxyz0123456789"
	labelLength  = 4
	labelTries   = 1000 // before Spawn gives up; there are 1.7 million names
)

// errRetired cancels the spawn of a node that is being retired.
var errRetired = errors.New("node is being retired")

// Spawn reserves a name, and has the provider create the node under the fleet's context. It returns at once with a node
// that is Creating. Errors: ErrFull, with the limit, ErrNoProvider, ErrUnavailable (an *UnavailableError), ErrClosed.
func (f *Fleet) Spawn() (Node, error) {
	n, err := f.reserve()
	if err != nil {
		return Node{}, fmt.Errorf("spawn node: %w", err)
	}
	f.cfg.Log.Info("spawning node", "node", n.Name)
	return n, nil
}

func (f *Fleet) reserve() (Node, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.checkAvailable(); err != nil {
		return Node{}, err
	}
	if f.count() >= f.cfg.Max {
		return Node{}, fmt.Errorf("%w: %d", ErrFull, f.cfg.Max)
	}
	name, err := f.freeName()
	if err != nil {
		return Node{}, err
	}
	ctx, cancel := context.WithCancelCause(f.ctx)
	m := &spawning{cancel: cancel, done: make(chan struct{})}
	r := &row{name: name, owned: true, created: time.Now().UTC(), spawning: m}
	f.rows[name] = r
	f.group.Go(func() { f.runSpawn(ctx, r, m) })
	f.refresh()
	return f.find(name)
}

// checkAvailable returns why nodes cannot be spawned or retired now. f.mu must be held.
func (f *Fleet) checkAvailable() error {
	switch {
	case f.cfg.Provider == nil:
		return ErrNoProvider
	case f.closed || f.ctx == nil || f.ctx.Err() != nil:
		return ErrClosed
	case f.Unavailable() != "":
		return &UnavailableError{Reason: f.Unavailable()}
	default:
		return nil
	}
}

// runSpawn calls Provider.Spawn, and records the result.
func (f *Fleet) runSpawn(ctx context.Context, r *row, spawning *spawning) {
	began := time.Now()
	err := f.cfg.Provider.Spawn(ctx, r.name, f.stepper(r))
	spawning.cancel(nil)
	f.update(func(now time.Time) {
		close(spawning.done)
		r.spawning = nil
		if err != nil {
			r.spawnErr = err.Error()
			r.endStep("", now, r.spawnErr)
		} else if m, known := r.current(); !known || !r.alive(m) {
			r.step(Step{Name: joiningStep, At: now})
		}
		r.settle(now)
	})
	if err != nil {
		f.cfg.Log.Error("spawn failed", "node", r.name, "took", time.Since(began), "err", err)
		return
	}
	f.cfg.Log.Info("node spawned", "node", r.name, "took", time.Since(began))
}

// Retire has the provider remove the node, under the fleet's context. It returns at once with a node that is Retiring,
// which leaves the list when the provider is done. Retiring it again is no error, even after it has gone. Errors:
// ErrNotFound, ErrNotRetirable, ErrNoProvider, ErrUnavailable, ErrClosed.
func (f *Fleet) Retire(name string) (Node, error) {
	n, began, err := f.retire(name)
	if err != nil {
		return Node{}, fmt.Errorf("retire node %q: %w", name, err)
	}
	if began {
		f.cfg.Log.Info("retiring node", "node", n.Name)
	}
	return n, nil
}

func (f *Fleet) retire(name string) (n Node, began bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cfg.Provider == nil {
		return Node{}, false, ErrNoProvider
	}
	n, err = f.find(name)
	if t := f.findTombstone(name); err != nil && t != nil {
		return t.node, false, nil
	}
	switch {
	case err != nil:
		return Node{}, false, err
	case n.Status == Retiring:
		return n, false, nil
	case !n.Retirable:
		return Node{}, false, ErrNotRetirable
	}
	if err := f.checkAvailable(); err != nil {
		return Node{}, false, err
	}
	r := f.rows[n.Name]
	r.retiring, r.retireErr = true, ""
	r.endStep(joiningStep, time.Now().UTC(), "")
	spawning := r.spawning
	f.group.Go(func() { f.runRetire(r, spawning) })
	f.refresh()
	n, err = f.find(n.Name)
	return n, true, err
}

// findTombstone finds a retired node by full name or label.
func (f *Fleet) findTombstone(name string) *tombstone {
	if t := f.tombstones[name]; t != nil || f.cfg.Provider == nil {
		return t
	}
	return f.tombstones[f.cfg.Provider.NodeName(name)]
}

// runRetire cancels a spawn in progress, then calls Provider.Retire.
func (f *Fleet) runRetire(r *row, spawning *spawning) {
	if spawning != nil {
		spawning.cancel(errRetired)
		<-spawning.done
	}
	began := time.Now()
	err := f.cfg.Provider.Retire(f.ctx, r.name, f.stepper(r))
	f.update(func(now time.Time) {
		if err != nil {
			r.retiring, r.retireErr = false, err.Error()
			r.endStep("", now, r.retireErr)
			return
		}
		f.remove(r, now)
	})
	if err != nil {
		f.cfg.Log.Error("retire failed", "node", r.name, "took", time.Since(began), "err", err)
		return
	}
	f.cfg.Log.Info("node retired", "node", r.name, "took", time.Since(began))
}

// remove replaces the row with a tombstone.
func (f *Fleet) remove(r *row, now time.Time) {
	t := &tombstone{retiredAt: now, node: f.render(r), listed: true}
	t.instances = maps.Clone(r.ended)
	if t.instances == nil {
		t.instances = make(map[string]bool)
	}
	for _, m := range r.members {
		t.instances[m.Instance] = true
	}
	f.tombstones[r.name] = t
	delete(f.rows, r.name)
}

// stepper returns the function by which the provider reports steps of r.
func (f *Fleet) stepper(r *row) func(Step) {
	return func(s Step) {
		f.update(func(time.Time) { r.step(s) })
		f.cfg.Log.Debug("step", "node", r.name, "step", s.Name, "ended", !s.Ended.IsZero(), "err", s.Error)
	}
}

// freeName returns the name of a node that does not exist and was not retired recently. Its label is unique as well,
// because users type it. f.mu must be held.
func (f *Fleet) freeName() (string, error) {
	taken := make(map[string]bool)
	for name := range f.rows {
		taken[labelOf(name)] = true
	}
	for name := range f.tombstones {
		taken[labelOf(name)] = true
	}
	for range labelTries {
		if label := f.label(); !taken[label] {
			return f.cfg.Provider.NodeName(label), nil
		}
	}
	return "", errors.New("no free name found")
}

// labelOf returns the first part of the host in a node's name.
func labelOf(name string) string {
	_, host, _ := strings.Cut(name, "@")
	label, _, _ := strings.Cut(host, ".")
	return label
}

// randomLabel returns "convoy-" and four letters or digits. crypto/rand never fails.
func randomLabel() string {
	var b strings.Builder
	b.WriteString(labelPrefix)
	for range labelLength {
		i, _ := rand.Int(rand.Reader, big.NewInt(int64(len(labelLetters))))
		b.WriteByte(labelLetters[i.Int64()])
	}
	return b.String()
}
