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
	Vanish  bool     // someone deletes the service
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
