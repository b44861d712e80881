package railway

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"convoy/fleet"
)

// maxStatusSteps limits the remembered statuses of a deployment.
const maxStatusSteps = 32

// service is a service created by this Convoy. It is guarded by Provider.mu.
type service struct {
	id      string
	label   string // its name on Railway, and the first label of its host
	created time.Time
	seen    time.Time // when this process first saw it
	missing int       // consecutive inventories without it

	latest  *deployment // nil: never deployed
	running bool        // an older deployment is still up
	failure string      // why creation failed; empty otherwise
}

// deployment is one deployment of a service.
type deployment struct {
	id      string
	status  string
	stopped bool
	updated time.Time // Railway's clock: of the status
	since   time.Time // our clock: last change
	created time.Time

	statuses []fleet.Step
	events   map[string]eventFields
	detailed bool // its events were read after it settled
}

// newDeployment returns a deployment of which only the id is known.
func newDeployment(id string, now time.Time) *deployment {
	return &deployment{id: id, since: now, events: map[string]eventFields{}}
}

func (d *deployment) phase() phase { return phaseOf(d.status, d.stopped) }

// lacksEvents reports whether the deployment is over and its events were not read since, although they explain its
// failure, or have an end that is not known yet.
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

// apply records Railway's data about the deployment, unless newer data is known. It reports whether anything changed.
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
		d.startStep(at)
	}
	return true
}

// startStep ends the step of the previous status and starts that of the current one.
func (d *deployment) startStep(at time.Time) {
	if n := len(d.statuses); n > 0 && d.statuses[n-1].Ended.IsZero() {
		last := &d.statuses[n-1]
		last.Ended = at
		if d.phase() == failed {
			last.Error = d.phase().verdict(d.status, d.reason())
		}
	}
	if name := statusStep(d.status); name != "" {
		d.statuses = append(d.statuses, fleet.Step{Name: name, At: at})
		d.statuses = d.statuses[max(0, len(d.statuses)-maxStatusSteps):]
	}
}

// addEvent records an event and reports whether anything changed.
func (d *deployment) addEvent(e eventFields, now time.Time) bool {
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

// reason is the last failing step with its message; empty if there is none.
func (d *deployment) reason() string {
	text := ""
	for _, e := range d.ordered() {
		if message := eventError(e); message != "" {
			text = readable(e.Step) + ": " + message
		}
	}
	return text
}

// eventError is the message of a failed event.
func eventError(e eventFields) string {
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
	return truncate(text, maxMessageBytes)
}

// eventStep converts an event to a step; ok is false for skipped ones.
func eventStep(e eventFields) (s fleet.Step, ok bool) {
	if e.Payload.Skipped || e.CreatedAt.IsZero() {
		return s, false
	}
	s = fleet.Step{Name: readable(e.Step), At: e.CreatedAt, Ended: e.CompletedAt, Error: eventError(e)}
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
		if s, ok := eventStep(e); ok {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b fleet.Step) int { return a.At.Compare(b.At) })
	return list
}

// describe describes a service for the fleet.
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

// overdue is the message for a deployment without progress.
func (s *service) overdue(p phase) string {
	if p == blocked {
		return fmt.Sprintf("its deployment has waited %v for approval: approve it on Railway's dashboard, or retire it",
			p.deadline())
	}
	return fmt.Sprintf("no news of its deployment for %v (status %s): check it on Railway's dashboard, or retire it",
		p.deadline(), cmp.Or(s.latest.status, "unknown"))
}

// list is what Watch reports, by age. It requires p.mu.
func (p *Provider) list(now time.Time) []fleet.Service {
	list := make([]fleet.Service, 0, len(p.services))
	for _, s := range p.services {
		if !p.retired[s.label] {
			list = append(list, s.describe(p.NodeName(s.label), now))
		}
	}
	slices.SortFunc(
		list, func(a, b fleet.Service) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name)) },
	)
	return list
}

// find returns the service with that label. It requires p.mu.
func (p *Provider) find(label string) *service {
	for _, s := range p.services {
		if s.label == label {
			return s
		}
	}
	return nil
}
