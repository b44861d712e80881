package access

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// lookEvery is the time between two looks for changes while somebody has something open.
const recheckInterval = time.Second

// hold is something that somebody has open.
type watch struct {
	id      Identity
	role    Role
	changed func(Role)
}

// Hold watches what somebody may do, for something that stays open: changed is called with the new role each time it
// changes, from Run's goroutine or that of who changed it, and must not wait. role is the role that it is opened with.
// The caller calls stop when it is closed.
func (a *Authority) Watch(w Identity, role Role, changed func(Role)) (stop func()) {
	h := &watch{w, role, changed}
	a.mu.Lock()
	a.watches[h] = struct{}{}
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
		delete(a.watches, h)
	}
}

// While is Hold for a call: the context that it returns ends when the role becomes a lesser one.
func (a *Authority) WithRole(ctx context.Context, w Identity, role Role) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := a.Watch(w, role, func(now Role) {
		if now < role {
			cancel()
		}
	})
	return ctx, func() { stop(); cancel() }
}

// Recheck compares everything that is open with what its owner may do now, as far as that is known here: it waits for
// no other node. Whoever changes grants calls it.
func (a *Authority) Recheck() {
	a.mu.Lock()
	open := slices.Collect(maps.Keys(a.watches))
	a.mu.Unlock()
	roles := map[Identity]Role{}
	for _, h := range open {
		role, ok := roles[h.id]
		if !ok {
			if role, ok = a.knownRole(h.id); !ok {
				continue
			}
			roles[h.id] = role
		}
		a.notify(h, role)
	}
}

// tell tells a hold of its role, if it is still there and the role is another one.
func (a *Authority) notify(h *watch, role Role) {
	a.mu.Lock()
	_, open := a.watches[h]
	news := open && h.role != role
	h.role = role
	a.mu.Unlock()
	if news {
		h.changed(role)
	}
}

// Run notices changes while something is open, until ctx ends.
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
