package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxSteps bounds the timeline of one node; the oldest steps go first.
const maxSteps = 64

// joiningStep is the fleet's own step, from the provider's success until the
// cluster sees the node.
const joiningStep = "joining"

// unanswered explains a member that gossip lost.
const noAnswer = "does not answer the cluster"

// unreachableHere explains a member that gossip has, and calls do not reach.
const unreachableHere = "unreachable from here: "

// row is all that is known of one name. It belongs to Fleet.mu.
type row struct {
	name string

	// The provider's side.
	owned     bool      // made here: counts against the limit and can be retired
	created   time.Time // when Spawn was called, zero for adopted services
	spawning  *spawning // not nil while Provider.Spawn is at work
	spawnErr  string    // why Provider.Spawn failed
	service   *Service  // nil while the provider does not list it
	retiring  bool
	retireErr string // why the last retirement failed
	steps     []Step

	// The cluster's side.
	members []Member        // instances of this name
	ended   map[string]bool // instances that ended with their service, whatever gossip says still
	joined  bool            // has been a member
	last    Member          // the member that the row shows, kept when the cluster forgets it
}

// making is one call of Provider.Spawn under way.
type spawning struct {
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when Provider.Spawn has returned
}

// empty reports whether nothing is left to show.
func (r *row) empty() bool { return !r.owned && len(r.members) == 0 }

// owner returns the instance that owns the name: the youngest alive one, else
// the youngest.
func (r *row) current() (Member, bool) {
	var best Member
	found := false
	for _, m := range r.members {
		if r.ended[m.Instance] && r.service != nil && r.service.Running {
			continue // of the run before this one
		}
		if !found || r.supersededBy(best, m) {
			best, found = m, true
		}
	}
	return best, found
}

// before reports whether b owns the name rather than a.
func (r *row) supersededBy(a, b Member) bool {
	if alive := r.alive(b); alive != r.alive(a) {
		return alive
	}
	if c := a.Started.Compare(b.Started); c != 0 {
		return c < 0
	}
	return a.Instance < b.Instance
}

func (r *row) alive(m Member) bool { return m.State == MemberAlive && !r.ended[m.Instance] }

// settle follows what a change of members or services means for the row's own
// memory: whether it joined, its timeline, when it was seen.
func (r *row) settle(now time.Time) {
	m, known := r.current()
	if known {
		r.joined = true
		if r.ended[m.Instance] && m.Instance == r.last.Instance {
			m.Seen = r.last.Seen // the provider knew of its end before gossip did
		}
		r.last = m
	}
	if known && r.alive(m) {
		r.spawnErr = ""
		r.endStep(joiningStep, now, "")
	}
	if r.service != nil && !r.service.Running && !r.service.Provisioning && r.spawning == nil {
		r.endStep(joiningStep, now, r.service.Message)
	}
}

// setService notes what the provider says of the service now, nil for nothing.
func (r *row) setService(s *Service, now time.Time) {
	was := r.service
	r.service = s
	if s != nil {
		r.mergeSteps(s, was, now)
	}
	switch {
	case s == nil:
		if was != nil && r.spawning == nil && r.spawnErr == "" && !r.retiring {
			r.owned = false // taken away by somebody else
		}
		return
	case was == nil || was.Running == s.Running:
	case s.Running:
		r.markRestarted()
	default:
		r.markEnded(now)
	}
	r.owned = true
}

// told takes over what the provider saw of the making. A node that comes up
// without a Spawn of this process joins as others do.
func (r *row) mergeSteps(s, was *Service, now time.Time) {
	if r.created.IsZero() {
		r.created = s.Created
	}
	for _, step := range s.Steps {
		r.step(step)
	}
	if was != nil && was.Provisioning && s.Running && r.spawning == nil {
		r.step(Step{Name: joiningStep, At: now})
	}
}

// ended marks the instances of a service that does not run any more: gossip
// takes seconds to find that out.
func (r *row) markEnded(now time.Time) {
	r.ended = make(map[string]bool)
	for _, m := range r.members {
		if m.State == MemberAlive && m.Instance == r.last.Instance {
			r.last.Seen = now
		}
		r.ended[m.Instance] = true
	}
}

// restarted lets a service that runs again join again.
func (r *row) markRestarted() {
	r.joined, r.spawnErr = false, ""
	for _, m := range r.members {
		if m.State == MemberAlive {
			delete(r.ended, m.Instance)
		}
	}
}

// status is the join of both sides, with the reason where there is one.
func (r *row) status() (Status, string) {
	m, known := r.current()
	ended := r.service != nil && !r.service.Running
	switch {
	case r.retiring:
		return Retiring, ""
	case known && r.alive(m):
		return Alive, cmp.Or(r.retireErr, r.duplicates())
	case r.spawning != nil:
		return Creating, ""
	case ended && r.service.Provisioning && r.spawnErr == "":
		return Creating, r.retireErr
	case r.spawnErr != "":
		return Failed, r.spawnErr
	case ended && r.joined:
		return Unreachable, r.service.Message
	case ended:
		return Failed, r.service.Message
	case known && m.State == MemberLeft:
		return Left, r.retireErr
	case r.joined && m.Error != "":
		return Unreachable, unreachableHere + m.Error
	case r.joined:
		return Unreachable, noAnswer
	default:
		return Joining, r.retireErr
	}
}

// crowd says that several instances have the name: replicas, or one that is
// being deployed anew and its predecessor, which leaves.
func (r *row) duplicates() string {
	n := 0
	for _, m := range r.members {
		if r.alive(m) {
			n++
		}
	}
	if n < 2 {
		return ""
	}
	return fmt.Sprintf("%d instances have this name; this is the youngest, older ones leave after a redeploy", n)
}

// step puts a step into the timeline, or ends the one of its name that goes on.
// The same step may be told again.
func (r *row) step(s Step) {
	for i := len(r.steps) - 1; i >= 0; i-- {
		old := &r.steps[i]
		if old.Name == s.Name && (old.Ended.IsZero() || old.At.Equal(s.At)) {
			old.Ended, old.Error = s.Ended, s.Error
			return
		}
	}
	r.steps = append(r.steps, s)
	r.steps = r.steps[max(0, len(r.steps)-maxSteps):]
}

// endStep ends the step of that name if it goes on; an empty name means all.
func (r *row) endStep(name string, now time.Time, message string) {
	for i := range r.steps {
		if s := &r.steps[i]; s.Ended.IsZero() && (name == "" || s.Name == name) {
			s.Ended, s.Error = now, message
		}
	}
}

// render makes the row that readers get. f.mu must be held.
func (f *Fleet) render(r *row) Node {
	_, host, _ := strings.Cut(r.name, "@")
	m := r.last
	n := Node{
		Name: r.name, Host: host,
		Self:     r.name == f.cfg.Self,
		Control:  m.Control,
		Instance: m.Instance, Version: m.Version, Addr: m.Addr,
		Started: m.Started, Seen: m.Seen, Created: r.created,
		Steps: slices.Clone(r.steps),
	}
	n.Status, n.Message = r.status()
	if n.Self { // it answers, or nobody would read this
		n.Status, n.Message = Alive, ""
		n.Control = f.cfg.Provider != nil
	}
	if r.owned {
		n.Provider = f.cfg.Provider.Kind()
		n.Retirable = !n.Self && !n.Control && !r.retiring
	}
	if r.service != nil {
		n.ID = r.service.ID
	}
	return n
}
