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
	leaseTTL = 2 * time.Second
	// askHomeWait bounds a question to another node, in time, and askAtOnce in users.
	queryTimeout = 2 * time.Second
	queryBatch   = 1000
	// maxLeases bounds the answers of other nodes that are kept.
	maxLeases = 4096
)

// lease is another node's answer.
type lease struct {
	role  Role
	asked time.Time // when it was asked
}

// away is the present role of somebody whom another node let in: what it said last. While it is silent, this node's own
// file decides if it has one; and what was signed, if it has never said anything.
func (a *Authority) remoteRole(w Identity) (role Role, ok bool) {
	a.mu.Lock()
	l, said := a.leases[w]
	_, silent := a.unreachable[w.Home]
	a.mu.Unlock()
	switch {
	case (silent || a.HomeNodes == nil) && w.inFile() && a.Users != nil && a.Users.Exists():
		return a.homeRole(w), true
	case said:
		return l.role, true
	}
	return w.Role, silent || a.HomeNodes == nil
}

// due reports whether somebody's node has to be asked: its last answer is too old, and it has not just been silent.
func (a *Authority) stale(w Identity) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.HomeNodes != nil && w.Home != "" && time.Since(a.leases[w].asked) >= leaseTTL &&
		time.Since(a.unreachable[w.Home]) >= leaseTTL
}

// ask asks a node for the roles of those whom it let in, and remembers the answers, or that it was silent.
func (a *Authority) query(ctx context.Context, home string, list []Identity) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	asked := time.Now()
	roles, err := a.HomeNodes.Roles(ctx, home, list)
	if err == nil && len(roles) != len(list) {
		err = errors.New("it answers something else")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.Log.Debug("a node does not say what its users may do", "node", home, "err", err)
		if len(a.unreachable) >= maxLeases {
			clear(a.unreachable)
		}
		a.unreachable[home] = time.Now()
		return
	}
	delete(a.unreachable, home)
	a.evictLeases(len(list))
	for i, w := range list {
		if !a.leases[w].asked.After(asked) { // else a later question was answered first
			a.leases[w] = lease{roles[i], asked}
		}
	}
}

// makeRoom drops answers if there are too many: first those that say no less than what was signed, which counts without
// them. The Authority is locked.
func (a *Authority) evictLeases(n int) {
	if len(a.leases)+n <= maxLeases {
		return
	}
	maps.DeleteFunc(a.leases, func(w Identity, l lease) bool { return l.role >= w.Role })
	if len(a.leases)+n > maxLeases {
		clear(a.leases)
	}
}

// toAsk are the other nodes that have to be asked about those who have something open here, and marks them as being
// asked: one that hangs is asked by one goroutine, and keeps no other waiting.
func (a *Authority) staleByHome() map[string][]Identity {
	a.mu.Lock()
	defer a.mu.Unlock()
	due := map[string]map[Identity]bool{}
	for h := range a.watches {
		home := h.id.Home
		if home == a.Self || home == "" || a.HomeNodes == nil || a.querying[home] ||
			time.Since(a.leases[h.id].asked) < leaseTTL/2 {
			continue
		}
		if due[home] == nil {
			due[home] = map[Identity]bool{}
		}
		due[home][h.id] = true
	}
	lists := map[string][]Identity{}
	for home, whos := range due {
		a.querying[home] = true
		lists[home] = slices.Collect(maps.Keys(whos))
	}
	return lists
}

// renew asks a node, and tells of what has changed.
func (a *Authority) refresh(ctx context.Context, home string, list []Identity) {
	for some := range slices.Chunk(list, queryBatch) {
		a.query(ctx, home, some)
	}
	a.mu.Lock()
	delete(a.querying, home)
	a.mu.Unlock()
	a.Recheck()
}
