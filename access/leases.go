package access

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

const (
	// leaseLife is how long another node's answer counts; a node that does not answer is asked again after it.
	leaseLife = 2 * time.Second
	// askHomeWait bounds a question to another node, in time, and askAtOnce in users.
	askHomeWait = 2 * time.Second
	askAtOnce   = 1000
	// maxLeases bounds the answers of other nodes that are kept.
	maxLeases = 4096
)

// lease is another node's answer.
type lease struct {
	role Role
	at   time.Time // when it was asked
}

// away is the present role of somebody whom another node let in: what it said last. While it is silent, this node's own
// file decides if it has one; and what was signed, if it has never said anything.
func (a *Authority) away(w Who) (role Role, ok bool) {
	a.mu.Lock()
	l, said := a.leases[w]
	_, silent := a.silent[w.Home]
	a.mu.Unlock()
	switch {
	case (silent || a.Homes == nil) && w.inFile() && a.Users != nil && a.Users.There():
		return a.own(w), true
	case said:
		return l.role, true
	}
	return w.Role, silent || a.Homes == nil
}

// due reports whether somebody's node has to be asked: its last answer is too old, and it has not just been silent.
func (a *Authority) due(w Who) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.Homes != nil && w.Home != "" && time.Since(a.leases[w].at) >= leaseLife &&
		time.Since(a.silent[w.Home]) >= leaseLife
}

// ask asks a node for the roles of those whom it let in, and remembers the answers, or that it was silent.
func (a *Authority) ask(ctx context.Context, home string, list []Who) {
	ctx, cancel := context.WithTimeout(ctx, askHomeWait)
	defer cancel()
	asked := time.Now()
	roles, err := a.Homes.Roles(ctx, home, list)
	if err == nil && len(roles) != len(list) {
		err = errors.New("it answers something else")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.Log.Debug("a node does not say what its users may do", "node", home, "err", err)
		if len(a.silent) >= maxLeases {
			clear(a.silent)
		}
		a.silent[home] = time.Now()
		return
	}
	delete(a.silent, home)
	a.makeRoom(len(list))
	for i, w := range list {
		if !a.leases[w].at.After(asked) { // else a later question was answered first
			a.leases[w] = lease{roles[i], asked}
		}
	}
}

// makeRoom drops answers if there are too many: first those that say no less than what was signed, which counts without
// them. The Authority is locked.
func (a *Authority) makeRoom(n int) {
	if len(a.leases)+n <= maxLeases {
		return
	}
	maps.DeleteFunc(a.leases, func(w Who, l lease) bool { return l.role >= w.Role })
	if len(a.leases)+n > maxLeases {
		clear(a.leases)
	}
}

// toAsk are the other nodes that have to be asked about those who have something open here, and marks them as being
// asked: one that hangs is asked by one goroutine, and keeps no other waiting.
func (a *Authority) toAsk() map[string][]Who {
	a.mu.Lock()
	defer a.mu.Unlock()
	due := map[string]map[Who]bool{}
	for h := range a.holds {
		home := h.who.Home
		if home == a.Self || home == "" || a.Homes == nil || a.asking[home] || time.Since(a.leases[h.who].at) < leaseLife/2 {
			continue
		}
		if due[home] == nil {
			due[home] = map[Who]bool{}
		}
		due[home][h.who] = true
	}
	lists := map[string][]Who{}
	for home, whos := range due {
		a.asking[home] = true
		lists[home] = slices.Collect(maps.Keys(whos))
	}
	return lists
}

// renew asks a node, and tells of what has changed.
func (a *Authority) renew(ctx context.Context, home string, list []Who) {
	for some := range slices.Chunk(list, askAtOnce) {
		a.ask(ctx, home, some)
	}
	a.mu.Lock()
	delete(a.asking, home)
	a.mu.Unlock()
	a.Recheck()
}
