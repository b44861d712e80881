package railwaytest

import (
	"context"
	"slices"
	"strings"
	"time"
)

// deploy begins a deployment. s.mu must be held.
func (s *Server) deploy(one *service) *deployment {
	now := time.Now().UTC()
	d := &deployment{
		id:      s.state.id("dep"),
		service: one.id,
		created: now,
		at:      now,
		stages:  s.opts.Script(one.name, len(one.list)+1),
	}
	one.list = append(one.list, d)
	s.state.deployments[d.id] = d
	s.advance(d)
	return d
}

// advance enters the next stages, those of no duration at once. s.mu must be held.
func (s *Server) advance(d *deployment) {
	for len(d.stages) > 0 && !s.closed {
		next := d.stages[0]
		if next.After > 0 && d.status != "" {
			d.stages[0].After = 0
			d.timer = time.AfterFunc(next.After, func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.advance(d)
			})
			return
		}
		d.stages = d.stages[1:]
		s.enter(d, next)
	}
}

// enter makes a stage true. s.mu must be held.
func (s *Server) enter(d *deployment, stage Stage) {
	now := time.Now().UTC()
	one := s.state.services[d.service]
	turned := stage.Status != "" && stage.Status != d.status
	if turned {
		d.status, d.at = stage.Status, now
	}
	d.stopped = stage.Stopped || d.stopped && !turned
	for _, step := range stage.Begins {
		e := &event{id: s.state.id("ev"), step: step, created: now}
		d.events = append(d.events, e)
		s.tell("events "+d.id, object{"deploymentEvents": e.object()})
	}
	for _, step := range append(slices.Clone(stage.Ends), stage.Fails) {
		for _, e := range d.events {
			if e.step != step || !e.completed.IsZero() {
				continue
			}
			e.completed = now
			if step == stage.Fails {
				e.error, e.detail = stage.Error, stage.Detail
			}
			s.tell("events "+d.id, object{"deploymentEvents": e.object()})
		}
	}
	s.write("build "+d.id, "buildLogs", &d.build, stage.Build)
	s.write("deploy "+d.id, "deploymentLogs", &d.log, stage.Log)
	if turned { // a flag that flips is not published on the socket
		s.tell("deployment "+d.id, object{"deployment": d.object()})
		s.contain(d, one)
	}
	if d.status == "SUCCESS" {
		for _, older := range one.list {
			if older != d && (older.status == "SUCCESS" || older.status == "CRASHED") {
				older.end()
				older.status, older.at = "REMOVED", now
			}
		}
	}
	if stage.Vanish {
		s.remove(one)
	}
	if stage.Do != nil {
		stage.Do()
	}
}

// write adds lines to a log and publishes them to its followers.
func (s *Server) write(key, field string, to *[]line, texts []string) {
	var batch []object
	for i, text := range texts {
		l := line{at: time.Now().UTC().Add(time.Duration(i) * time.Microsecond), message: text, severity: "info"}
		if strings.HasPrefix(text, "error") {
			l.severity = "err"
		}
		*to = append(*to, l)
		batch = append(batch, l.object())
	}
	if len(batch) > 0 {
		s.tell(key, object{field: batch})
	}
}

// contain starts and ends the container of a deployment. s.mu must be held.
func (s *Server) contain(d *deployment, one *service) {
	switch d.status {
	case "DEPLOYING":
		if s.opts.Run == nil || d.running {
			return
		}
		ctx, cancel := context.WithCancel(s.ctx)
		d.running, d.endContainer = true, cancel
		env := s.resolve(one)
		s.group.Go(func() { s.opts.Run(ctx, one.name, env) })
	case "FAILED", "CRASHED", "REMOVED", "SKIPPED":
		if d.endContainer != nil {
			d.endContainer()
		}
	}
}
