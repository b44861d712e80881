package fleet

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"convoy/internal/testkit"
)

// TestAdopt_SpawnedElsewhere: a node that this process did not spawn, because the control plane was restarted
// meanwhile, shows as one that is being created, with the steps that the provider saw.
func TestAdopt_SpawnedElsewhere(t *testing.T) {
	f, p := start(t, 5)
	s := &scene{t: t, f: f, p: p, name: "convoy@convoy-test.convoy.internal"}
	building := Step{Name: "building", At: noon}
	making := Service{Name: s.name, ID: "svc-1", Provisioning: true, Created: noon, Steps: []Step{building}}
	p.serve(making)
	n := waitStatus(t, f, s.name, Creating)
	if !n.Created.Equal(noon) || !n.Retirable || len(n.Steps) != 1 {
		t.Errorf("node is %+v, want it made at noon, retirable, with its step", n)
	}
	if count, _ := f.Count(); count != 1 {
		t.Errorf("%d nodes count, want 1", count)
	}

	building.Ended = noon.Add(time.Minute)
	making.Steps = []Step{building, {Name: "deploying", At: noon.Add(time.Minute)}}
	p.serve(making)
	p.serve(making) // reported again
	if n, _ = f.Find(s.name); len(n.Steps) != 2 || !n.Steps[0].Ended.Equal(building.Ended) {
		t.Errorf("steps are %+v, want the first one ended, and each once", n.Steps)
	}

	making.Provisioning, making.Running = false, true
	p.serve(making)
	if n = waitStatus(t, f, s.name, Joining); n.Steps[len(n.Steps)-1].Name != joiningStep {
		t.Errorf("steps are %+v, want it joining", n.Steps)
	}
	s.members(MemberAlive)
	if n = waitStatus(t, f, s.name, Alive); n.Steps[len(n.Steps)-1].Ended.IsZero() {
		t.Errorf("steps are %+v, want it joined", n.Steps)
	}
}

func TestAdopt_Failed(t *testing.T) {
	f, p := start(t, 5)
	name := "convoy@convoy-test.convoy.internal"
	p.serve(Service{Name: name, Provisioning: true})
	waitStatus(t, f, name, Creating)
	p.serve(Service{Name: name, Message: "build image: exit code 1"})
	if n := waitStatus(t, f, name, Failed); n.Message != "build image: exit code 1" {
		t.Errorf("message is %q", n.Message)
	}
	p.serve(Service{Name: name, Provisioning: true}) // someone deploys it again
	waitStatus(t, f, name, Creating)
	p.serve(Service{Name: name, Running: true})
	waitStatus(t, f, name, Joining)
}

// TestAdopt_AfterFailedSpawn: a node whose spawn failed may still start.
func TestAdopt_AfterFailedSpawn(t *testing.T) {
	f, p := start(t, 5)
	n, c := spawnOne(t, f, p)
	c.answer <- errors.New("no answer")
	waitStatus(t, f, n.Name, Failed)
	p.serve(Service{Name: n.Name, Provisioning: true})
	if n = waitStatus(t, f, n.Name, Failed); n.Message != "no answer" {
		t.Errorf("message is %q", n.Message)
	}
	p.serve(Service{Name: n.Name, Running: true})
	waitStatus(t, f, n.Name, Joining)
}

// moody is a provider that is unavailable for a while.
type moody struct {
	*script
	refusal atomic.Value
}

func (m *moody) Unavailable() string { return m.refusal.Load().(string) }

func TestUnavailable(t *testing.T) {
	m := &moody{script: newScript()}
	m.refusal.Store("the token proves nothing")
	f := New(Config{Self: self, Provider: m, Max: 5, Log: slog.New(slog.DiscardHandler)})
	f.Start(t.Context())
	t.Cleanup(func() { closeFleet(t, f) })
	m.serve(Service{Name: "convoy@convoy-test.convoy.internal", Running: true})

	_, err := f.Spawn()
	var refused *UnavailableError
	if !errors.Is(err, ErrUnavailable) || !errors.As(err, &refused) || refused.Reason != "the token proves nothing" {
		t.Errorf("Spawn: %v, want the refusal", err)
	}
	if _, err := f.Retire("convoy-test"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Retire: %v, want the refusal", err)
	}
	if got := f.Unavailable(); got != "the token proves nothing" {
		t.Errorf("Refusal() = %q", got)
	}

	changed := f.Changed()
	m.refusal.Store("")
	m.serve(Service{Name: "convoy@convoy-test.convoy.internal", Running: true})
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	select {
	case <-changed:
	case <-ctx.Done():
		t.Error("that the refusal went away is no change")
	}
	if _, err := f.Spawn(); err != nil {
		t.Errorf("Spawn: %v", err)
	}
}
