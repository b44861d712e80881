package railway

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"convoy/fleet"
	"convoy/internal/railwaytest"
)

const selfName = "convoy@convoy.railway.internal"

func startFleet(t *testing.T, k *kit) *fleet.Fleet {
	f := fleet.New(fleet.Config{Self: selfName, Provider: k.p, Max: 5})
	f.Start(context.Background())
	t.Cleanup(func() {
		if err := f.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return f
}

// TestFleetOnRailway: from the click until the card disappears.
func TestFleetOnRailway(t *testing.T) {
	inBubble(t, railwaytest.Options{Script: buildScript}, nil, func(t *testing.T, k *kit) {
		f := startFleet(t, k)
		n, err := f.Spawn()
		if err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Minute)
		n, _ = f.Find(n.Name)
		if n.Status != fleet.Joining {
			t.Fatalf("node is %+v, want it joining", n)
		}
		var names []string
		for _, s := range n.Steps {
			names = append(names, s.Name)
			if s.Error != "" || s.Name != "joining" && s.Ended.IsZero() {
				t.Errorf("step %+v", s)
			}
		}
		want := []string{
			"preparing",
			"creating service",
			"configuring",
			"starting deployment",
			"queued",
			"initializing",
			"snapshot code",
			"building",
			"build image",
			"publish image",
			"deploying",
			"create container",
			"healthcheck",
			"joining",
		}
		slices.Sort(names)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			t.Errorf("steps are %v, want each once: %v", names, want)
		}
		f.SetMembers([]fleet.Member{{Name: n.Name, Instance: "1", State: fleet.MemberAlive, Started: time.Now()}})
		if n, _ = f.Find(n.Name); n.Status != fleet.Alive {
			t.Errorf("node is %s, want alive", n.Status)
		}
		if _, err := f.Retire(n.Name); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if _, err := f.Find(n.Name); err == nil {
			t.Error("the node is there still")
		}
		if list := k.s.Services(); len(list) != 0 {
			t.Errorf("services that remain: %+v", list)
		}
	})
}

// TestFleetAfterRestart: a control plane that starts during a spawn shows it in progress.
func TestFleetAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := railwaytest.New(t, railwaytest.Options{Script: buildScript})
		s.AddService("convoy-k3fz", marked(nil))
		s.Deploy("convoy-k3fz")
		time.Sleep(10 * time.Second)
		k := newKit(t, s, nil)
		k.start()
		f := startFleet(t, k)
		pass(5 * time.Second)
		n, err := f.Find(nodeName)
		if err != nil || n.Status != fleet.Creating || !n.Retirable || n.Created.IsZero() {
			t.Fatalf("node is %+v, %v, want it creating", n, err)
		}
		pass(2 * time.Minute)
		n, _ = f.Find(nodeName)
		if n.Status != fleet.Joining || n.Steps[len(n.Steps)-1].Name != "joining" {
			t.Errorf("node is %+v, want it joining", n)
		}
	})
}

func TestFleetShowsFailures(t *testing.T) {
	script := func(string, int) []railwaytest.Stage {
		return append(
			railwaytest.Build()[:3:3],
			railwaytest.Stage{After: time.Second, Status: "FAILED", Fails: "BUILD_IMAGE", Error: "exit code 1"},
		)
	}
	inBubble(t, railwaytest.Options{Script: script}, nil, func(t *testing.T, k *kit) {
		f := startFleet(t, k)
		n, err := f.Spawn()
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		n, _ = f.Find(n.Name)
		if n.Status != fleet.Failed || !strings.Contains(n.Message, "build image: exit code 1") || !n.Retirable {
			t.Errorf("node is %+v, want it failed with the step's own message", n)
		}
		i := slices.IndexFunc(n.Steps, func(s fleet.Step) bool { return s.Name == "build image" })
		if i < 0 || n.Steps[i].Error != "exit code 1" {
			t.Errorf("steps are %+v, want the failing one with its own message", n.Steps)
		}
		if _, err := f.Retire(n.Name); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if count, _ := f.Count(); count != 0 {
			t.Errorf("%d nodes count, want none", count)
		}
	})
}

func TestFleetIsReadOnly(t *testing.T) {
	inBubble(t, railwaytest.Options{}, func(c *Config) { c.Token = "wrong" }, func(t *testing.T, k *kit) {
		f := startFleet(t, k)
		pass(time.Second)
		if _, err := f.Spawn(); err == nil || !strings.Contains(err.Error(), "RAILWAY_API_TOKEN") {
			t.Errorf("spawn: %v, want what to do", err)
		}
		if f.Unavailable() == "" {
			t.Error("the fleet does not say that it is read-only")
		}
	})
}

// TestOverTheLoopback runs a spawn over real sockets, where a container is a goroutine with its variables.
func TestOverTheLoopback(t *testing.T) {
	t.Parallel()
	env := make(chan map[string]string, 1)
	ended := make(chan struct{})
	s := railwaytest.New(t, railwaytest.Options{Loopback: true,
		Script: func(string, int) []railwaytest.Stage {
			return []railwaytest.Stage{
				{Status: "QUEUED"},
				{After: 20 * time.Millisecond, Status: "DEPLOYING"},
				{After: 20 * time.Millisecond, Status: "SUCCESS"},
			}
		},
		Run: func(ctx context.Context, _ string, variables map[string]string) {
			env <- variables
			<-ctx.Done()
			close(ended)
		}})
	k := newKit(t, s, func(c *Config) { c.HTTP = nil })
	k.start()
	k.mustSpawn()
	if got := <-env; got["CONVOY_COOKIE"] != "a-cookie-that-nobody-may-see-0123456789" ||
		got["CONVOY_TOKEN"] != "a-token-of-the-console" || got["RAILWAY_API_TOKEN"] != "" {
		t.Errorf("the container's variables are %v", got)
	}
	if err := k.retire(nodeName); err != nil {
		t.Error(err)
	}
	<-ended
	k.checkSecrets()
}
