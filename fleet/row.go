package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxSteps bounds the timeline of a node; the oldest steps are dropped.
const maxSteps = 64

// joiningStep is the fleet's own step, from the end of Provider.Spawn until the cluster sees the node.
const joiningStep = "joining"

// noAnswer is the message of a member that gossip lost.
const noAnswer = "does not answer the cluster"

// unreachableHere is the message of a member that gossip sees, and calls do not reach.
const unreachableHere = "unreachable from here: "

// row is what is known of one name. Fleet.mu guards it.
type row struct {
	name string

	// From the provider.
	owned     bool      // created here: counts against the limit and can be retired
	created   time.Time // when Spawn was called; zero for adopted services
	spawning  *spawning // not nil during Provider.Spawn
	spawnErr  string    // why Provider.Spawn failed
	service   *Service  // nil while the provider does not list it
	retiring  bool
	retireErr string // why the last retirement failed
	steps     []Step

	// From the cluster.
	members []Member        // instances of this name
	ended   map[string]bool // instances that ended with their service, even if gossip does not know yet
	joined  bool            // has been a member
	watched bool            // by explainJoining
	joinErr string          // why it is no member, though it has run for a while
	last    Member          // the member shown, kept after the cluster forgets it
}

// spawning is a call of Provider.Spawn in progress.
type spawning struct {
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when Provider.Spawn has returned
}

// empty reports whether nothing is left to show.
func (r *row) empty() bool { return !r.owned && len(r.members) == 0 }

// current returns the instance that owns the name: the youngest alive one, else the youngest.
func (r *row) current() (Member, bool) {
	var best Member
	found := false
	for _, m := range r.members {
		if r.ended[m.Instance] && r.service != nil && r.service.Running {
			continue // of the previous run
		}
		if !found || r.supersededBy(best, m) {
			best, found = m, true
		}
	}
	return best, found
}

// supersededBy reports whether b owns the name rather than a.
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

// settle updates the row after a change of members or services.
func (r *row) settle(now time.Time) {
	m, known := r.current()
	if known {
		r.joined = true
		if r.ended[m.Instance] && m.Instance == r.last.Instance {
			m.Seen = r.last.Seen // the provider knew of the end before gossip did
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

// setService sets the service, nil if the provider no longer lists it.
func (r *row) setService(s *Service, now time.Time) {
	was := r.service
	r.service = s
	if s != nil {
		r.mergeSteps(s, was, now)
	}
	switch {
	case s == nil:
		if was != nil && r.spawning == nil && r.spawnErr == "" && !r.retiring {
			r.owned = false // removed by someone else
		}
		return
	case !s.Running && !s.Provisioning && (was == nil && r.owned || was != nil && was.Provisioning):
		r.markEnded(now) // it ran only before it was listed, or between two lists
	case was == nil || was.Running == s.Running:
	case s.Running:
		r.markRestarted()
	default:
		r.markEnded(now)
	}
	r.owned = true
}

// mergeSteps adds the steps that the provider saw. A node that starts without a Spawn of this process joins like any
// other.
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

// markEnded marks the instances of a service that no longer runs, which gossip notices only seconds later.
func (r *row) markEnded(now time.Time) {
	r.ended = make(map[string]bool)
	for _, m := range r.members {
		if m.State == MemberAlive && m.Instance == r.last.Instance {
			r.last.Seen = now
		}
		r.ended[m.Instance] = true
	}
}

// markRestarted prepares the row of a service that runs again.
func (r *row) markRestarted() {
	r.joined, r.spawnErr = false, ""
	for _, m := range r.members {
		if m.State == MemberAlive {
			delete(r.ended, m.Instance)
		}
	}
}

// status returns the status of both sides, with the reason if there is one.
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
		return Ended, r.service.Message
	case ended:
		return Failed, r.service.Message
	case known && m.State == MemberLeft:
		return Left, r.retireErr
	case r.joined && m.Error != "":
		return Unreachable, unreachableHere + m.Error
	case r.joined:
		return Unreachable, noAnswer
	default:
		return Joining, cmp.Or(r.retireErr, r.joinErr)
	}
}

// duplicates reports that several instances have the name: replicas, or a redeployed instance and its predecessor.
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

// step adds a step to the timeline, or ends the one of that name. The same step may be reported again.
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

// endStep ends the step of that name, if it is in progress; "" ends all.
func (r *row) endStep(name string, now time.Time, message string) {
	for i := range r.steps {
		if s := &r.steps[i]; s.Ended.IsZero() && (name == "" || s.Name == name) {
			s.Ended, s.Error = now, message
		}
	}
}

// render returns the row as a Node. f.mu must be held.
func (f *Fleet) render(r *row) Node {
	_, host, _ := strings.Cut(r.name, "@")
	m := r.last
	n := Node{
		Name: r.name, Host: host,
		Self:     r.name == f.cfg.Self,
		Control:  m.Control,
		Instance: m.Instance, Version: m.Version, Region: m.Region, Labels: m.Labels, Addr: m.Addr,
		Started: m.Started, Seen: m.Seen, Created: r.created,
		Steps: slices.Clone(r.steps),
	}
	n.Status, n.Message = r.status()
	if n.Self { // this node answers
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
