package railway

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"convoy/fleet"
)

// maxStatusSteps bounds what is remembered of one deployment's statuses.
const maxStatusSteps = 32

// service is what is known of one service that this Convoy made. It belongs to Provider.mu.
type service struct {
	id      string
	label   string // its name on Railway, and the first part of its host
	created time.Time
	seen    time.Time // when this process heard of it first
	missing int       // inventories in a row that did not have it

	latest  *deployment // nil: never deployed
	running bool        // an older deployment of it still is up
	failure string      // why it could not be made; empty: it could, or is being made
}

// deployment is one deployment of a service.
type deployment struct {
	id      string
	status  string
	stopped bool
	updated time.Time // Railway's clock: of the status
	since   time.Time // our clock: when the last news came
	created time.Time

	statuses []fleet.Step
	events   map[string]eventFields
	detailed bool // its events were asked for after it settled
}

// newDeployment is a deployment that nothing is known of but its id.
func newDeployment(id string, now time.Time) *deployment {
	return &deployment{id: id, since: now, events: map[string]eventFields{}}
}

func (d *deployment) phase() phase { return phaseOf(d.status, d.stopped) }

// lacksEvents reports whether the deployment is over, its events were not asked for since, and they would say
// something: why it failed, or how those ended that were going on.
func (d *deployment) lacksEvents() bool {
	if d.detailed || !d.phase().settled() {
		return false
	}
	for _, e := range d.events {
		if e.CompletedAt.IsZero() {
			return true
		}
	}
	return d.phase() == failed
}

// apply notes what Railway says of the deployment, unless something newer is known. It reports whether that is news.
func (d *deployment) apply(f deploymentFields, now time.Time) bool {
	at := f.StatusUpdatedAt
	if at.IsZero() {
		at = f.CreatedAt
	}
	if at.Before(d.updated) {
		return false
	}
	d.created = f.CreatedAt
	if d.status == f.Status && d.stopped == f.DeploymentStopped {
		return false
	}
	turned := d.status != f.Status
	d.status, d.stopped, d.updated, d.since, d.detailed = f.Status, f.DeploymentStopped, at, now, false
	if turned {
		d.turn(at)
	}
	return true
}

// turn ends the step of the status before and begins the one of the status now.
func (d *deployment) turn(at time.Time) {
	if n := len(d.statuses); n > 0 && d.statuses[n-1].Ended.IsZero() {
		last := &d.statuses[n-1]
		last.Ended = at
		if d.phase() == failed {
			last.Error = d.phase().verdict(d.status, d.reason())
		}
	}
	if name := stepOf(d.status); name != "" {
		d.statuses = append(d.statuses, fleet.Step{Name: name, At: at})
		d.statuses = d.statuses[max(0, len(d.statuses)-maxStatusSteps):]
	}
}

// event notes one event and reports whether that is news.
func (d *deployment) event(e eventFields, now time.Time) bool {
	before, known := d.events[e.Id]
	if known && before == e || (known && !before.CompletedAt.IsZero() && e.CompletedAt.IsZero()) {
		return false
	}
	d.events[e.Id] = e
	d.since = now
	if n := len(d.statuses); n > 0 && d.phase() == failed {
		d.statuses[n-1].Error = d.phase().verdict(d.status, d.reason())
	}
	return true
}

// ordered returns the events by time.
func (d *deployment) ordered() []eventFields {
	return slices.SortedFunc(maps.Values(d.events), func(a, b eventFields) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Id, b.Id))
	})
}

// reason is the failing step with its own message, the last one if several failed; empty: none says.
func (d *deployment) reason() string {
	text := ""
	for _, e := range d.ordered() {
		if message := complaint(e); message != "" {
			text = words(e.Step) + ": " + message
		}
	}
	return text
}

// complaint is an event's own message if it failed.
func complaint(e eventFields) string {
	if e.Payload.Error == "" {
		return ""
	}
	text := e.Payload.Error
	if detail := cmp.Or(e.Payload.Detail, e.Payload.Reason); detail != "" && detail != text {
		text += " (" + detail + ")"
	}
	if e.Payload.MaxAttempts > 1 {
		text += fmt.Sprintf(" after %d of %d tries", e.Payload.Attempt, e.Payload.MaxAttempts)
	}
	return limit(text, maxMessageBytes)
}

// stepsOf is an event as a step; ok is false for those that were skipped.
func stepsOf(e eventFields) (s fleet.Step, ok bool) {
	if e.Payload.Skipped || e.CreatedAt.IsZero() {
		return s, false
	}
	s = fleet.Step{Name: words(e.Step), At: e.CreatedAt, Ended: e.CompletedAt, Error: complaint(e)}
	if took := time.Duration(e.Payload.DurationMs) * time.Millisecond; s.Ended.IsZero() && took > 0 {
		s.Ended = s.At.Add(took)
	}
	if s.Ended.IsZero() && s.Error != "" {
		s.Ended = s.At
	}
	return s, true
}

// steps is the whole timeline of the deployment.
func (d *deployment) steps() []fleet.Step {
	if d == nil {
		return nil
	}
	list := slices.Clone(d.statuses)
	for _, e := range d.ordered() {
		if s, ok := stepsOf(e); ok {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b fleet.Step) int { return a.At.Compare(b.At) })
	return list
}

// describe says what a service is to the fleet.
func (s *service) describe(name string, now time.Time) fleet.Service {
	out := fleet.Service{Name: name, ID: s.id, Created: s.created, Steps: s.latest.steps()}
	switch {
	case s.failure != "":
		out.Message = s.failure
	case s.latest == nil:
		out.Provisioning = true
	default:
		p := s.latest.phase()
		late := p.deadline() > 0 && now.Sub(s.latest.since) >= p.deadline()
		switch {
		case p == up, s.running:
			out.Running = true
		case !p.settled() && !late:
			out.Provisioning = true
		case late:
			out.Message = s.overdue(p)
		default:
			out.Message = p.verdict(s.latest.status, s.latest.reason())
		}
	}
	return out
}

// overdue is the message of a service whose deployment makes no progress.
func (s *service) overdue(p phase) string {
	if p == blocked {
		return fmt.Sprintf(
			"nobody approved its deployment for %v: approve it on Railway's dashboard, or retire it",
			p.deadline(),
		)
	}
	return fmt.Sprintf(
		"no news of its deployment for %v (status %s): check it on Railway's dashboard, or retire it",
		p.deadline(),
		orWord(s.latest.status, "unknown"),
	)
}

// list is what Watch says, by age. p.mu must be held.
func (p *Provider) list(now time.Time) []fleet.Service {
	list := make([]fleet.Service, 0, len(p.services))
	for _, s := range p.services {
		if !p.retired[s.label] {
			list = append(list, s.describe(p.NodeName(s.label), now))
		}
	}
	slices.SortFunc(
		list,
		func(a, b fleet.Service) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name)) },
	)
	return list
}

// find returns the service of that label. p.mu must be held.
func (p *Provider) find(label string) *service {
	for _, s := range p.services {
		if s.label == label {
			return s
		}
	}
	return nil
}
