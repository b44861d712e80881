package peer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"convoy/fleet"
)

// How long members that are gone stay in the list. A replaced instance, whose name has a living one, is kept like one
// that left.
const (
	keepUnreachable = time.Hour
	keepLeft        = time.Minute
	maxUnseen       = 15 * time.Second // upper bound for gossip to detect a death
	maxGone         = 256
)

var (
	// ErrUnknownNode reports that no recent member has that name.
	ErrUnknownNode = errors.New("no such node")
	// ErrUnreachable reports that a node did not answer, or not completely.
	ErrUnreachable = errors.New("node is unreachable")
)

// roster is the list of members: what gossip has reported, in order, and for a while those that are gone. Its methods
// never block for long.
type roster struct {
	mu      sync.Mutex
	members map[string]*entry // by instance
	changed chan struct{}     // closed and replaced at every change except of Seen
}

// entry is a member as gossip sees it, and whether this node can call it.
type entry struct {
	fleet.Member
	callErr  error     // of the last dial
	gone     time.Time // when it became unreachable or left
	called   time.Time // last successful dial
	checking bool      // by Cluster.recheck
}

func newRoster() *roster {
	return &roster{members: map[string]*entry{}, changed: make(chan struct{})}
}

// public is the member as Members shows it.
func (e *entry) public() fleet.Member {
	m := e.Member
	if e.callErr != nil && m.State == fleet.MemberAlive {
		m.State, m.Error = fleet.MemberUnreachable, e.callErr.Error()
	}
	return m
}

// signal requires r.mu.
func (r *roster) signal() {
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *roster) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// setAlive adds an instance that gossip has found, or found again.
func (r *roster) setAlive(m fleet.Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.State = fleet.MemberAlive
	e := &entry{Member: m}
	if old := r.members[m.Instance]; old != nil && old.checking {
		e.checking, e.callErr = true, old.callErr
	}
	r.members[m.Instance] = e
	r.signal()
}

// setGone records that an instance no longer answers or has left. It returns the member, and whether this is new.
func (r *roster) setGone(instance string, state fleet.MemberState, now time.Time) (fleet.Member, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[instance]
	if m == nil || m.State == fleet.MemberLeft || m.State == state {
		return fleet.Member{}, false
	}
	m.State, m.gone = state, now
	if state == fleet.MemberLeft || now.Sub(m.Seen) > maxUnseen {
		m.Seen = now // slow probes are not reported, but were answered
	}
	r.signal()
	return m.Member, true
}

// setSeen records that an instance has answered a probe.
func (r *roster) setSeen(instance string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.members[instance]; m != nil {
		m.Seen = now
	}
}

// expire drops members that have been gone for too long, and returns when to call it again.
func (r *roster) expire(now time.Time) (next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = now.Add(keepUnreachable)
	gone := r.goneByTime()
	for i, m := range gone {
		until := m.gone.Add(r.retention(m))
		if i < len(gone)-maxGone || !until.After(now) {
			delete(r.members, m.Instance)
			r.signal()
		} else if until.Before(next) {
			next = until
		}
	}
	return next
}

// goneByTime requires r.mu.
func (r *roster) goneByTime() []*entry {
	var gone []*entry
	for _, m := range r.members {
		if m.State != fleet.MemberAlive && !m.Self {
			gone = append(gone, m)
		}
	}
	slices.SortFunc(gone, func(a, b *entry) int { return a.gone.Compare(b.gone) })
	return gone
}

func (r *roster) retention(m *entry) time.Duration {
	if m.State == fleet.MemberLeft || r.youngest(m.Name) != nil {
		return keepLeft
	}
	return keepUnreachable
}

// youngest is the living instance that owns a name, nil if there is none. It requires r.mu.
func (r *roster) youngest(name string) *entry {
	var owner *entry
	for _, m := range r.members {
		if m.Name == name && m.State == fleet.MemberAlive && (owner == nil || younger(m, owner)) {
			owner = m
		}
	}
	return owner
}

func younger(a, b *entry) bool {
	if c := a.Started.Compare(b.Started); c != 0 {
		return c > 0
	}
	return a.Instance > b.Instance
}

// owner returns the instance that requests to a name go to.
func (r *roster) owner(name string) (fleet.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.youngest(name); m != nil {
		return m.Member, nil
	}
	for _, m := range r.members {
		if m.Name == name {
			return fleet.Member{}, fmt.Errorf("find %q: %w: last seen at %s", name, ErrUnreachable, m.Seen.Format(time.RFC3339))
		}
	}
	return fleet.Member{}, fmt.Errorf("find %q: %w", name, ErrUnknownNode)
}

// get returns an instance, alive or not, as gossip sees it.
func (r *roster) get(instance string) (fleet.Member, bool) {
	e, ok := r.find(instance)
	return e.Member, ok
}

// find returns a copy of an instance's entry.
func (r *roster) find(instance string) (entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.members[instance]; e != nil {
		return *e, true
	}
	return entry{}, false
}

// list returns all members: self, then by age.
func (r *roster) list() []fleet.Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]fleet.Member, 0, len(r.members))
	for _, m := range r.members {
		list = append(list, m.public())
	}
	slices.SortFunc(list, func(a, b fleet.Member) int {
		switch {
		case a.Self != b.Self && a.Self:
			return -1
		case a.Self != b.Self:
			return 1
		}
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Instance, b.Instance))
	})
	return list
}

// living returns the members that gossip considers alive, in the order of list.
func (r *roster) living() []fleet.Member {
	return slices.DeleteFunc(r.list(), func(m fleet.Member) bool { return !r.isAlive(m.Instance) })
}

func (r *roster) isAlive(instance string) bool {
	m, ok := r.get(instance)
	return ok && m.State == fleet.MemberAlive
}

// others counts the living members except this one.
func (r *roster) others() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, m := range r.members {
		if m.State == fleet.MemberAlive && !m.Self {
			n++
		}
	}
	return n
}

// size counts all entries, including those that are gone.
func (r *roster) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.members)
}

// lost returns one unreachable instance for each name without a living one.
func (r *roster) lost() []fleet.Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	latest := map[string]*entry{}
	for _, m := range r.goneByTime() {
		if m.State == fleet.MemberUnreachable && r.youngest(m.Name) == nil {
			latest[m.Name] = m
		}
	}
	lost := make([]fleet.Member, 0, len(latest))
	for _, m := range latest {
		lost = append(lost, m.Member)
	}
	return lost
}
