package railwaytest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Stage is one status of a deployment, and what comes with it.
type Stage struct {
	After   time.Duration // since the stage before
	Status  string        // empty: the one before
	Stopped bool
	Begins  []string // steps of events that begin
	Ends    []string // steps that end well
	Fails   string   // the step that ends with Error
	Error   string
	Detail  string
	Build   []string // lines of the build log
	Log     []string // lines of the deploy log
	Vanish  bool     // the service is deleted by somebody
	Do      func()
}

// Image is what the deployment of an image goes through.
func Image() []Stage {
	return []Stage{
		{Status: "QUEUED"},
		{After: time.Second, Status: "INITIALIZING"},
		{After: time.Second, Status: "DEPLOYING", Begins: []string{"CREATE_CONTAINER"}},
		{
			After:  2 * time.Second,
			Ends:   []string{"CREATE_CONTAINER"},
			Begins: []string{"HEALTHCHECK"},
			Log:    []string{`node started`},
		},
		{After: 2 * time.Second, Status: "SUCCESS", Ends: []string{"HEALTHCHECK"}},
	}
}

// Build is what the deployment of a repository goes through.
func Build() []Stage {
	return append([]Stage{
		{Status: "QUEUED"},
		{After: time.Second, Status: "INITIALIZING", Begins: []string{"SNAPSHOT_CODE"}},
		{
			After:  2 * time.Second,
			Status: "BUILDING",
			Ends:   []string{"SNAPSHOT_CODE"},
			Begins: []string{"BUILD_IMAGE"},
			Build:  []string{"fetching modules"},
		},
		{After: 20 * time.Second, Build: []string{"compiling", "linking"}},
		{After: 20 * time.Second, Ends: []string{"BUILD_IMAGE"}, Begins: []string{"PUBLISH_IMAGE"}},
		{After: 5 * time.Second, Ends: []string{"PUBLISH_IMAGE"}, Build: []string{"pushed"}},
	}, Image()[2:]...)
}

// service is one service of the project.
type service struct {
	id, name  string
	created   time.Time
	deleted   time.Time
	image     string
	repo      string
	region    string
	variables map[string]string
	settings  map[string]any
	list      []*deployment // oldest first
}

type deployment struct {
	id, service  string
	status       string
	stopped      bool
	created, at  time.Time
	events       []*event
	build, log   []line
	stages       []Stage
	timer        *time.Timer
	running      bool
	endContainer context.CancelFunc
}

// end stops the deployment's clock and its container.
func (d *deployment) end() {
	if d.timer != nil {
		d.timer.Stop()
	}
	if d.endContainer != nil {
		d.endContainer()
	}
	d.stages = nil
}

type event struct {
	id, step      string
	created       time.Time
	completed     time.Time
	error, detail string
}

type line struct {
	at       time.Time
	message  string
	severity string
}

// state is the project.
type state struct {
	services    map[string]*service
	deployments map[string]*deployment
	shared      map[string]string
	volumes     []object
	ids         int
}

func newState() state {
	control := &service{
		id:        Control,
		name:      "convoy",
		created:   time.Now().Add(-time.Hour).UTC(),
		image:     "ghcr.io/example/convoy:1",
		variables: map[string]string{"CONVOY_TOKEN": "a-token-of-the-console"},
	}
	st := state{services: map[string]*service{Control: control}, deployments: map[string]*deployment{},
		shared: map[string]string{"CONVOY_COOKIE": "a-cookie-that-nobody-may-see-0123456789"}}
	d := &deployment{id: st.id("dep"), service: Control, status: "SUCCESS", created: control.created, at: control.created}
	st.deployments[d.id], control.list = d, []*deployment{d}
	return st
}

func (st *state) id(kind string) string {
	st.ids++
	return fmt.Sprintf("%s-%04d", kind, st.ids)
}

// ordered returns the services that are there, by age.
func (st *state) ordered() []*service {
	list := slices.Collect(maps.Values(st.services))
	list = slices.DeleteFunc(list, func(s *service) bool { return !s.deleted.IsZero() })
	slices.SortFunc(list, func(a, b *service) int {
		return strings.Compare(a.created.Format(time.RFC3339Nano)+a.id, b.created.Format(time.RFC3339Nano)+b.id)
	})
	return list
}

// named returns the service of that name, nil if there is none. s.mu must be held.
func (s *Server) named(name string) *service {
	for _, one := range s.state.ordered() {
		if one.name == name {
			return one
		}
	}
	return nil
}

// AddService puts a service there that nobody asked for, and returns its id.
func (s *Server) AddService(name string, variables map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.make(name, variables).id
}

func (s *Server) make(name string, variables map[string]string) *service {
	one := &service{
		id:        s.state.id("svc"),
		name:      name,
		created:   time.Now().UTC(),
		variables: maps.Clone(variables),
		settings:  map[string]any{},
	}
	if one.variables == nil {
		one.variables = map[string]string{}
	}
	s.state.services[one.id] = one
	return one
}

// AddVolume gives the service of that name a volume.
func (s *Server) AddVolume(name, volume, mount string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.volumes = append(
		s.state.volumes,
		object{"mountPath": mount, "serviceId": s.named(name).id, "volume": object{"id": "vol-" + volume, "name": volume}},
	)
}

// SetShared sets the shared variables.
func (s *Server) SetShared(variables map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.shared = variables
}

// SetControl makes the control plane's service run something else.
func (s *Server) SetControl(image, repo string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.services[Control].image, s.state.services[Control].repo = image, repo
}

// Delete takes the service of that name away, as somebody at the dashboard would.
func (s *Server) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(s.named(name))
}

// Deploy deploys the service of that name, as somebody at the dashboard would, and returns the deployment's id.
func (s *Server) Deploy(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deploy(s.named(name)).id
}

// Set gives the newest deployment of the service of that name a status now.
func (s *Server) Set(name string, stage Stage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.named(name)
	s.enter(one.list[len(one.list)-1], stage)
}

// Seen is a service as tests look at it.
type Seen struct {
	ID, Name, Image, Repo string
	Variables             map[string]string
	Settings              map[string]any
	Deployments           []string // ids
	Status                string   // of the newest
}

// Services returns the services that are there, the control plane's left out.
func (s *Server) Services() (list []Seen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.state.ordered() {
		if one.id == Control {
			continue
		}
		seen := Seen{
			ID:        one.id,
			Name:      one.name,
			Image:     one.image,
			Repo:      one.repo,
			Variables: maps.Clone(one.variables),
			Settings:  maps.Clone(one.settings),
		}
		for _, d := range one.list {
			seen.Deployments, seen.Status = append(seen.Deployments, d.id), d.status
		}
		list = append(list, seen)
	}
	return list
}

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
	s.write(d, "build "+d.id, "buildLogs", &d.build, stage.Build)
	s.write(d, "deploy "+d.id, "deploymentLogs", &d.log, stage.Log)
	if turned { // a flag that flips says nothing on the socket
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

// write adds lines to a log and tells its followers.
func (s *Server) write(_ *deployment, key, field string, to *[]line, texts []string) {
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

// resolve is the environment of a service, references resolved. s.mu must be held.
func (s *Server) resolve(one *service) map[string]string {
	env := map[string]string{
		"RAILWAY_SERVICE_NAME":   one.name,
		"RAILWAY_SERVICE_ID":     one.id,
		"RAILWAY_PRIVATE_DOMAIN": one.name + ".railway.internal",
		"RAILWAY_PROJECT_ID":     Project,
		"RAILWAY_ENVIRONMENT_ID": Environment,
	}
	for key, value := range one.variables {
		inner, isReference := strings.CutPrefix(value, "${{")
		inner, closed := strings.CutSuffix(inner, "}}")
		if from, name, dotted := strings.Cut(inner, "."); isReference && closed && dotted {
			if value = s.state.shared[name]; from != "shared" {
				value = s.named(from).variables[name]
			}
		}
		env[key] = value
	}
	return env
}

// remove deletes a service. s.mu must be held.
func (s *Server) remove(one *service) {
	if one == nil || !one.deleted.IsZero() {
		return
	}
	one.deleted = time.Now().UTC()
	for _, d := range one.list {
		d.end()
		if d.status != "REMOVED" {
			d.status, d.at = "REMOVED", one.deleted
			s.tell("deployment "+d.id, object{"deployment": d.object()})
		}
	}
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (e *event) object() object {
	o := object{
		"id":          e.id,
		"step":        e.step,
		"createdAt":   stamp(e.created),
		"completedAt": stamp(e.completed),
		"payload":     nil,
	}
	if !e.completed.IsZero() {
		o["payload"] = object{"error": text(e.error), "detail": text(e.detail), "reason": nil, "skipped": nil,
			"durationMs": int(e.completed.Sub(e.created).Milliseconds()), "attempt": nil, "maxAttempts": nil}
	}
	return o
}

func (d *deployment) object() object {
	return object{
		"id":                d.id,
		"serviceId":         d.service,
		"status":            d.status,
		"statusUpdatedAt":   stamp(d.at),
		"deploymentStopped": d.stopped,
		"createdAt": stamp(
			d.created,
		),
		"updatedAt": stamp(d.at),
		"instances": []object{{"id": "inst-" + d.id, "status": "RUNNING"}},
	}
}

func (l line) object() object {
	return object{"timestamp": l.at.Format(time.RFC3339Nano), "message": l.message, "severity": l.severity}
}

func (one *service) object() object {
	o := object{
		"id":               "si-" + one.id,
		"serviceId":        one.id,
		"serviceName":      one.name,
		"createdAt":        stamp(one.created),
		"deletedAt":        stamp(one.deleted),
		"region":           text(one.region),
		"numReplicas":      1,
		"source":           nil,
		"latestDeployment": nil,
	}
	if one.image != "" || one.repo != "" {
		o["source"] = object{"image": text(one.image), "repo": text(one.repo)}
	}
	active := []object{}
	for _, d := range one.list {
		if d.status == "SUCCESS" {
			active = append(active, d.object())
		}
		o["latestDeployment"] = d.object()
	}
	o["activeDeployments"] = active
	return o
}
