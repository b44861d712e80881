package access

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// recheckInterval is how often Run looks for changes while there are watches.
const recheckInterval = time.Second

// watch is something that a user has open.
type watch struct {
	id      Identity
	role    Role
	changed func(Role)
}

// Watch calls changed with the new role whenever the role of an identity changes, until stop is called. role is the
// role to compare with first. changed runs on Run's goroutine or on that of a caller of Recheck, and must not block.
func (a *Authority) Watch(id Identity, role Role, changed func(Role)) (stop func()) {
	w := &watch{id, role, changed}
	a.mu.Lock()
	a.watches[w] = struct{}{}
	first := len(a.watches) == 1
	a.mu.Unlock()
	if first {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.watches, w)
	}
}

// WithRole returns a context that is cancelled when the role drops below the given one. The caller must call the
// returned function.
func (a *Authority) WithRole(ctx context.Context, id Identity, role Role) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := a.Watch(id, role, func(now Role) {
		if now < role {
			cancel()
		}
	})
	return ctx, func() { stop(); cancel() }
}

// Recheck notifies watches whose role has changed, as far as this node knows, without querying other nodes. Call it
// after changing grants.
func (a *Authority) Recheck() {
	a.mu.Lock()
	open := slices.Collect(maps.Keys(a.watches))
	a.mu.Unlock()
	roles := map[Identity]Role{}
	for _, w := range open {
		role, ok := roles[w.id]
		if !ok {
			if role, ok = a.knownRole(w.id); !ok {
				continue
			}
			roles[w.id] = role
		}
		a.notify(w, role)
	}
}

// notify reports a role to a watch, if the watch is still there and the role has changed.
func (a *Authority) notify(w *watch, role Role) {
	a.mu.Lock()
	_, open := a.watches[w]
	changed := open && w.role != role
	w.role = role
	a.mu.Unlock()
	if changed {
		w.changed(role)
	}
}

// Run notices changes while there are watches, until ctx ends.
func (a *Authority) Run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	tick := time.NewTicker(recheckInterval)
	defer tick.Stop()
	tick.Stop()
	for {
		select {
		case <-a.wake:
			tick.Reset(recheckInterval)
		case <-tick.C:
			if a.open() == 0 {
				tick.Stop()
				continue
			}
			for home, list := range a.staleByHome() {
				group.Go(func() { a.refresh(ctx, home, list) })
			}
			a.Recheck()
		case <-ctx.Done():
			return
		}
	}
}

func (a *Authority) open() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.watches)
}
