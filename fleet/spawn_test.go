package fleet

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSpawn_Name(t *testing.T) {
	f, p := start(t, 5)
	n, _ := spawnOne(t, f, p)
	if !regexp.MustCompile(`^convoy@convoy-[a-z0-9]{4}\.convoy\.internal$`).MatchString(n.Name) {
		t.Errorf("spawned node is called %q", n.Name)
	}
	if n.Status != Creating || n.Created.IsZero() || n.Provider != "scripted" || !n.Retirable {
		t.Errorf("Spawn() = %+v, want it creating, retirable, by the provider", n)
	}
}

func TestSpawn_NamesNeverCollide(t *testing.T) {
	f, p := start(t, 5)
	f.SetMembers([]Member{{Name: "other@convoy-taken.elsewhere", Instance: "1", State: MemberAlive}})
	labels := []string{
		"convoy-aaaa",
		"convoy-taken",
		"convoy-aaaa",
		"convoy-bbbb",
		"convoy-aaaa",
		"convoy-bbbb",
		"convoy-cccc",
	}
	f.label = func() string {
		label := labels[0]
		labels = labels[1:]
		return label
	}
	first, c := spawnOne(t, f, p)
	second, _ := spawnOne(t, f, p)
	if first.Name != p.NodeName("convoy-aaaa") || second.Name != p.NodeName("convoy-bbbb") {
		t.Fatalf("names are %q and %q", first.Name, second.Name)
	}

	c.answer <- nil
	waitStatus(t, f, first.Name, Joining)
	retireNow(t, f, p, first.Name)
	if third, _ := spawnOne(t, f, p); third.Name != p.NodeName("convoy-cccc") {
		t.Errorf("third node is called %q, want convoy-cccc: the others were used lately", third.Name)
	}
}

func TestSpawn_GivesUpWithoutAFreeName(t *testing.T) {
	f, p := start(t, 5)
	f.label = func() string { return "convoy-same" }
	spawnOne(t, f, p)
	if _, err := f.Spawn(); err == nil {
		t.Error("second Spawn() found a name, there is none")
	}
}

func TestSpawn_Limit(t *testing.T) {
	const limit, clicks = 5, 50
	f, p := start(t, limit)
	var mu sync.Mutex
	var made []string
	var group sync.WaitGroup
	for range clicks {
		group.Go(func() {
			n, err := f.Spawn()
			if count, _ := f.Count(); count > limit {
				t.Errorf("%d nodes exist, at most %d may", count, limit)
			}
			switch {
			case err == nil:
				mu.Lock()
				made = append(made, n.Name)
				mu.Unlock()
			case !errors.Is(err, ErrFull) || !strings.HasSuffix(err.Error(), fmt.Sprint(": ", limit)):
				t.Errorf("Spawn() = %v, want ErrFull with the limit", err)
			}
		})
	}
	group.Wait()
	slices.Sort(made)
	if len(slices.Compact(made)) != limit {
		t.Fatalf("made %q, want %d different nodes", made, limit)
	}

	// A failed node counts until it is retired.
	c := receive(t, p.spawns)
	c.answer <- errors.New("no room")
	waitStatus(t, f, c.name, Failed)
	if _, err := f.Spawn(); !errors.Is(err, ErrFull) {
		t.Errorf("Spawn() beside a failed node = %v, want ErrFull", err)
	}
	retireNow(t, f, p, c.name)
	if _, err := f.Spawn(); err != nil {
		t.Errorf("Spawn() after the failed node was dismissed = %v", err)
	}
}

func TestSpawn_StepsHaveTimesAndTheFailure(t *testing.T) {
	f, p := start(t, 5)
	n, c := spawnOne(t, f, p)
	c.step(Step{Name: "starting process", At: noon})
	c.step(Step{Name: "starting process", At: noon, Ended: noon.Add(time.Second)})
	c.step(Step{Name: "listening", At: noon.Add(time.Second)})
	n, _ = f.Find(n.Name)
	want := []Step{
		{Name: "starting process", At: noon, Ended: noon.Add(time.Second)},
		{Name: "listening", At: noon.Add(time.Second)},
	}
	if !slices.Equal(n.Steps, want) {
		t.Errorf("steps are %+v, want %+v", n.Steps, want)
	}

	c.answer <- errors.New("exit status 1: address in use")
	n = waitStatus(t, f, n.Name, Failed)
	last := n.Steps[len(n.Steps)-1]
	if len(n.Steps) != 2 || last.Error != "exit status 1: address in use" || last.Ended.IsZero() {
		t.Errorf("steps of the failed node are %+v, want the second one ended with the message", n.Steps)
	}
	if n.Message != last.Error {
		t.Errorf("message is %q, want %q", n.Message, last.Error)
	}
}

func TestSpawn_JoiningEndsWithTheFirstMembership(t *testing.T) {
	f, p := start(t, 5)
	n, c := spawnOne(t, f, p)
	p.serve(Service{Name: n.Name, ID: "pid 7", Running: true})
	c.answer <- nil
	n = waitStatus(t, f, n.Name, Joining)
	if len(n.Steps) != 1 || n.Steps[0].Name != "joining" || !n.Steps[0].Ended.IsZero() || n.ID != "pid 7" {
		t.Fatalf("joining node is %+v", n)
	}
	f.SetMembers([]Member{{Name: n.Name, Instance: "1", State: MemberAlive}})
	alive, _ := f.Find(n.Name)
	if alive.Steps[0].Ended.IsZero() || alive.Steps[0].Error != "" {
		t.Errorf("step of the alive node is %+v, want it ended", alive.Steps[0])
	}
	f.SetMembers([]Member{{Name: n.Name, Instance: "1", State: MemberUnreachable}})
	f.SetMembers(nil)
	if lost, _ := f.Find(n.Name); !slices.Equal(lost.Steps, alive.Steps) {
		t.Errorf("lost node has steps %+v, want them kept: %+v", lost.Steps, alive.Steps)
	}
}

func TestSpawn_StepsAreBounded(t *testing.T) {
	f, p := start(t, 5)
	n, c := spawnOne(t, f, p)
	for i := range 2 * maxSteps {
		c.step(Step{Name: fmt.Sprint(i), At: noon, Ended: noon})
	}
	if n, _ = f.Find(n.Name); len(n.Steps) != maxSteps || n.Steps[0].Name != fmt.Sprint(maxSteps) {
		t.Errorf("%d steps from %q, want the last %d", len(n.Steps), n.Steps[0].Name, maxSteps)
	}
}

func TestSpawn_NoProvider(t *testing.T) {
	f := New(Config{Self: self, Max: 5})
	f.Start(t.Context())
	defer closeFleet(t, f)
	f.SetMembers([]Member{{Name: "convoy@one.x", Instance: "1", State: MemberAlive}})
	if _, err := f.Spawn(); !errors.Is(err, ErrNoProvider) {
		t.Errorf("Spawn() = %v, want ErrNoProvider", err)
	}
	if _, err := f.Retire("one"); !errors.Is(err, ErrNoProvider) {
		t.Errorf("Retire() = %v, want ErrNoProvider", err)
	}
	if n, err := f.Find("one"); err != nil || n.Retirable || f.List()[0].Control {
		t.Errorf("without a provider: %+v, %v", n, err)
	}
}

func TestClose_CancelsSpawns(t *testing.T) {
	p := newScript()
	f := New(Config{Self: self, Provider: p, Max: 5})
	f.Start(t.Context())
	n, c := spawnOne(t, f, p)
	closeFleet(t, f)
	if !errors.Is(context.Cause(c.ctx), ErrClosed) {
		t.Errorf("the provider's context ended with %v, want ErrClosed", context.Cause(c.ctx))
	}
	if n, _ = f.Find(n.Name); n.Status != Failed {
		t.Errorf("after Close the node is %q, want failed", n.Status)
	}
	if len(p.retires) != 0 {
		t.Error("Close retired a node")
	}
	if _, err := f.Spawn(); !errors.Is(err, ErrClosed) {
		t.Errorf("Spawn() after Close = %v, want ErrClosed", err)
	}
	if _, err := f.Retire(n.Name); !errors.Is(err, ErrClosed) {
		t.Errorf("Retire() after Close = %v, want ErrClosed", err)
	}
	closeFleet(t, f)
}

func TestClose_IsBounded(t *testing.T) {
	p := newScript()
	f := New(Config{Self: self, Provider: deaf{p}, Max: 5})
	f.Start(t.Context())
	_, c := spawnOne(t, f, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close() of a provider that hangs = %v, want its own context's end", err)
	}
	c.answer <- nil
	closeFleet(t, f)
}

// deaf is a provider that ignores the end of its context.
type deaf struct{ *script }

func (d deaf) Spawn(_ context.Context, name string, step func(Step)) error {
	return d.script.Spawn(context.Background(), name, step)
}

func TestStart_ConcurrentWithClose(t *testing.T) {
	for range 50 {
		f := New(Config{Self: self, Provider: newScript(), Max: 5})
		var group sync.WaitGroup
		group.Go(func() { f.Start(t.Context()) })
		group.Go(func() { _, _ = f.Spawn() })
		group.Go(func() { closeFleet(t, f) })
		group.Wait()
		closeFleet(t, f)
	}
}
