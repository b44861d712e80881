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

// How long members that are gone stay in the list. One whose name has a living
// instance was replaced, and is remembered no longer than one that left.
const (
	keepUnreachable = time.Hour
	keepLeft        = time.Minute
	maxUnseen       = 15 * time.Second // that gossip takes to notice a death, at most
	maxGone         = 256
)

var (
	// ErrUnknownNode says that no member of that name has been heard of lately.
	ErrUnknownNode = errors.New("no such node")
	// ErrUnreachable says that a node did not answer, or not to the end.
	ErrUnreachable = errors.New("node is unreachable")
)

// roster is the list of members: what gossip has told, in the order it told it,
// and for a while those that are gone. Its methods never block for long.
type roster struct {
	mu      sync.Mutex
	members map[string]*entry // by instance
	changed chan struct{}     // closed and replaced at every change but Seen's
}

// entry is a member as gossip has it, and whether it can be called from here.
type entry struct {
	fleet.Member
	callErr  error     // of the last attempt to connect
	gone     time.Time // when it became unreachable or left
	called   time.Time // when an attempt last succeeded
	checking bool      // by Cluster.recheck
}

func newRoster() *roster {
	return &roster{members: map[string]*entry{}, changed: make(chan struct{})}
}

// shown is a member as others are told of it.
func (e *entry) shown() fleet.Member {
	m := e.Member
	if e.callErr != nil && m.State == fleet.MemberAlive {
		m.State, m.Error = fleet.MemberUnreachable, e.callErr.Error()
	}
	return m
}

// signal is called with mu held.
func (r *roster) signal() {
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *roster) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// alive enters an instance that gossip has met or met again.
func (r *roster) alive(m fleet.Member) {
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

// gone takes note that an instance does not answer any more, or has said goodbye.
// It returns the member, and whether this was news.
func (r *roster) gone(instance string, state fleet.MemberState, now time.Time) (fleet.Member, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[instance]
	if m == nil || m.State == fleet.MemberLeft || m.State == state {
		return fleet.Member{}, false
	}
	m.State, m.gone = state, now
	if state == fleet.MemberLeft || now.Sub(m.Seen) > maxUnseen {
		m.Seen = now // probes that take long are not told of, but were answered
	}
	r.signal()
	return m.Member, true
}

// seen takes note that an instance has answered a probe.
func (r *roster) seen(instance string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.members[instance]; m != nil {
		m.Seen = now
	}
}

// expire forgets those that have been gone for too long, and says when it should
// be asked again.
func (r *roster) expire(now time.Time) (next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = now.Add(keepUnreachable)
	gone := r.goneByTime()
	for i, m := range gone {
		until := m.gone.Add(r.keep(m))
		if i < len(gone)-maxGone || !until.After(now) {
			delete(r.members, m.Instance)
			r.signal()
		} else if until.Before(next) {
			next = until
		}
	}
	return next
}

// goneByTime is called with mu held.
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

func (r *roster) keep(m *entry) time.Duration {
	if m.State == fleet.MemberLeft || r.youngest(m.Name) != nil {
		return keepLeft
	}
	return keepUnreachable
}

// youngest is the living instance that owns a name, nil if there is none. It is
// called with mu held.
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

// owner is the instance that a request to a name goes to.
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

// get finds an instance, alive or not, as gossip has it.
func (r *roster) get(instance string) (fleet.Member, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.members[instance]; m != nil {
		return m.Member, true
	}
	return fleet.Member{}, false
}

// list gives all members: self, then by age.
func (r *roster) list() []fleet.Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]fleet.Member, 0, len(r.members))
	for _, m := range r.members {
		list = append(list, m.shown())
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

// living gives the members that gossip has alive, in the order of list.
func (r *roster) living() []fleet.Member {
	return slices.DeleteFunc(r.list(), func(m fleet.Member) bool { return !r.isAlive(m.Instance) })
}

func (r *roster) isAlive(instance string) bool {
	m, ok := r.get(instance)
	return ok && m.State == fleet.MemberAlive
}

// others counts the living members besides this one.
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

// size counts all entries, those that are gone among them.
func (r *roster) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.members)
}

// lost gives one unreachable instance for each name that no living one bears.
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
