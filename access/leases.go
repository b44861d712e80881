package access

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

const (
	// leaseTTL is how long another node's answer is valid, and how long to wait before querying a silent node again.
	leaseTTL = 2 * time.Second
	// queryTimeout bounds a query to another node, and queryBatch the identities in it.
	queryTimeout = 2 * time.Second
	queryBatch   = 1000
	// maxLeases bounds the number of leases.
	maxLeases = 4096
)

// lease is another node's answer.
type lease struct {
	role  Role
	asked time.Time // time of the query
}

// remoteRole returns the role of a user whose home is another node: its last answer. If the node is unreachable, this
// node's users file decides, if there is one. Without an answer the role is the one that was signed.
func (a *Authority) remoteRole(id Identity) (role Role, ok bool) {
	a.mu.Lock()
	l, answered := a.leases[id]
	_, silent := a.unreachable[id.Home]
	a.mu.Unlock()
	switch {
	case (silent || a.HomeNodes == nil) && id.inFile() && a.Users != nil && a.Users.Exists():
		return a.homeRole(id), true
	case answered:
		return l.role, true
	}
	return id.Role, silent || a.HomeNodes == nil
}

// stale reports whether to query the home node: the lease has expired, and the node has not just failed to answer.
func (a *Authority) stale(id Identity) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.HomeNodes != nil && id.Home != "" && time.Since(a.leases[id].asked) >= leaseTTL &&
		time.Since(a.unreachable[id.Home]) >= leaseTTL
}

// query asks a node for roles, and stores the answers, or that it did not answer.
func (a *Authority) query(ctx context.Context, home string, list []Identity) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	began := time.Now()
	roles, err := a.HomeNodes.Roles(ctx, home, list)
	if err == nil && len(roles) != len(list) {
		err = errors.New("the answer has the wrong number of roles")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.Log.Debug("the home node of a user does not answer", "node", home, "err", err)
		if len(a.unreachable) >= maxLeases {
			clear(a.unreachable)
		}
		a.unreachable[home] = time.Now()
		return
	}
	delete(a.unreachable, home)
	a.evictLeases(len(list))
	for i, id := range list {
		if !a.leases[id].asked.After(began) { // else a later query was answered first
			a.leases[id] = lease{roles[i], began}
		}
	}
}

// evictLeases drops leases if there are too many: first those that do not lower the signed role, which applies without
// them. a.mu must be held.
func (a *Authority) evictLeases(n int) {
	if len(a.leases)+n <= maxLeases {
		return
	}
	maps.DeleteFunc(a.leases, func(id Identity, l lease) bool { return l.role >= id.Role })
	if len(a.leases)+n > maxLeases {
		clear(a.leases)
	}
}

// staleByHome returns the watched identities that need a query, by home node, and marks those nodes as being queried. A
// node that hangs occupies one goroutine, and delays no other node.
func (a *Authority) staleByHome() map[string][]Identity {
	a.mu.Lock()
	defer a.mu.Unlock()
	due := map[string]map[Identity]bool{}
	for w := range a.watches {
		home := w.id.Home
		if home == a.Self || home == "" || a.HomeNodes == nil || a.querying[home] ||
			time.Since(a.leases[w.id].asked) < leaseTTL/2 {
			continue
		}
		if due[home] == nil {
			due[home] = map[Identity]bool{}
		}
		due[home][w.id] = true
	}
	lists := map[string][]Identity{}
	for home, ids := range due {
		a.querying[home] = true
		lists[home] = slices.Collect(maps.Keys(ids))
	}
	return lists
}

// refresh queries a node and notifies watches of changes.
func (a *Authority) refresh(ctx context.Context, home string, list []Identity) {
	for batch := range slices.Chunk(list, queryBatch) {
		a.query(ctx, home, batch)
	}
	a.mu.Lock()
	delete(a.querying, home)
	a.mu.Unlock()
	a.Recheck()
}
