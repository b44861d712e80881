package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// retireNow retires the node, and lets the provider succeed.
func retireNow(t *testing.T, f *Fleet, p *script, name string) {
	t.Helper()
	if _, err := f.Retire(name); err != nil {
		t.Fatal(err)
	}
	receive(t, p.retires).answer <- nil
	waitGone(t, f, name)
}

// joined returns a spawned node that is alive.
func joined(t *testing.T, f *Fleet, p *script) Node {
	t.Helper()
	n, c := spawnOne(t, f, p)
	p.serve(Service{Name: n.Name, ID: "pid 7", Running: true})
	c.answer <- nil
	waitStatus(t, f, n.Name, Joining)
	f.SetMembers([]Member{{Name: n.Name, Instance: "1", State: MemberAlive, Started: time.Now()}})
	return waitStatus(t, f, n.Name, Alive)
}

func TestRetire_NodeVanishes(t *testing.T) {
	f, p := start(t, 5)
	n := joined(t, f, p)
	retiring, err := f.Retire(n.Name)
	if err != nil || retiring.Status != Retiring || retiring.Retirable {
		t.Fatalf("Retire() = %+v, %v, want it retiring", retiring, err)
	}
	c := receive(t, p.retires)
	c.step(Step{Name: "stopping process", At: noon})
	if n, _ = f.Find(n.Name); n.Steps[len(n.Steps)-1].Name != "stopping process" {
		t.Errorf("steps are %+v, want the provider's step", n.Steps)
	}
	f.SetMembers([]Member{{Name: n.Name, Instance: "1", State: MemberLeft}})
	if n, _ = f.Find(n.Name); n.Status != Retiring {
		t.Errorf("node that says goodbye is %q, want retiring", n.Status)
	}
	c.answer <- nil
	waitGone(t, f, n.Name)
}

func TestRetire_NodeDoesNotComeBack(t *testing.T) {
	f, p := start(t, 5)
	n := joined(t, f, p)
	retireNow(t, f, p, n.Name)

	gone := func(when string) {
		t.Helper()
		if n, err := f.Find(n.Name); err == nil {
			t.Errorf("%s the node is back: %+v", when, n)
		}
		if count, _ := f.Count(); count != 0 {
			t.Errorf("%s %d nodes count, want none", when, count)
		}
	}
	f.SetMembers([]Member{{Name: n.Name, Instance: "1", State: MemberAlive, Started: time.Now()}})
	gone("while gossip does not know,")
	f.SetMembers(
		[]Member{{Name: n.Name, Instance: "1", State: MemberLeft}, {Name: n.Name, Instance: "0", State: MemberUnreachable}},
	)
	gone("while the cluster remembers,")
	p.serve(Service{Name: n.Name, Running: true})
	gone("while the provider's list is old,")
	p.serve()
	gone("after the provider's new list,")

	f.SetMembers([]Member{{Name: n.Name, Instance: "2", State: MemberAlive, Started: time.Now().Add(time.Second)}})
	if n, err := f.Find(n.Name); err != nil || n.Status != Alive || n.Retirable {
		t.Errorf("another new node of that name: %+v, %v, want it alive", n, err)
	}
}

func TestRetire_IsIdempotent(t *testing.T) {
	f, p := start(t, 5)
	n := joined(t, f, p)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if n, err := f.Retire(n.Name); err != nil || n.Status != Retiring {
				t.Errorf("Retire() = %q, %v", n.Status, err)
			}
		})
	}
	group.Wait()
	receive(t, p.retires).answer <- nil
	waitGone(t, f, n.Name)
	if len(p.retires) != 0 {
		t.Error("the provider was asked more than once")
	}
	for _, name := range []string{n.Name, labelOf(n.Name)} {
		if again, err := f.Retire(name); err != nil || again.Status != Retiring {
			t.Errorf("Retire(%q) of a node that has gone = %q, %v, want it retiring", name, again.Status, err)
		}
	}
}

func TestRetire_Refused(t *testing.T) {
	f, p := start(t, 5)
	other := "convoy@control.convoy.internal"
	f.SetMembers([]Member{
		{Name: "convoy@one.x", Instance: "1", State: MemberAlive},
		{Name: other, Instance: "2", State: MemberAlive, Control: true},
	})
	p.serve(Service{Name: self, Running: true}, Service{Name: other, Running: true})
	tests := []struct {
		name string
		want error
	}{
		{self, ErrNotRetirable},
		{"convoy", ErrNotRetirable},
		{other, ErrNotRetirable},          // a control plane, though the provider lists it
		{"convoy@one.x", ErrNotRetirable}, // not created here
		{"one", ErrNotRetirable},
		{"convoy-zzzz", ErrNotFound},
		{"", ErrNotFound},
	}
	for _, test := range tests {
		if _, err := f.Retire(test.name); !errors.Is(err, test.want) {
			t.Errorf("Retire(%q) = %v, want %v", test.name, err, test.want)
		}
	}
	for _, n := range f.List() {
		if n.Retirable {
			t.Errorf("%q is shown as retirable", n.Name)
		}
	}
	if len(p.retires) != 0 {
		t.Error("the provider was asked all the same")
	}
}

func TestRetire_CancelsTheSpawn(t *testing.T) {
	f, p := start(t, 5)
	n, c := spawnOne(t, f, p)
	if _, err := f.Retire(n.Name); err != nil {
		t.Fatal(err)
	}
	r := receive(t, p.retires)
	if c.ctx.Err() == nil {
		t.Error("the provider was asked to retire while it still made the node")
	}
	if n, _ = f.Find(n.Name); n.Status != Retiring {
		t.Errorf("node is %q, want retiring", n.Status)
	}
	r.answer <- nil
	waitGone(t, f, n.Name)
}

// TestRetire_WaitsForTheSpawn: the two never overlap, even if the provider takes its time to give up.
func TestRetire_WaitsForTheSpawn(t *testing.T) {
	p := &slow{script: newScript()}
	f := New(Config{Self: self, Provider: p, Max: 5})
	f.Start(t.Context())
	defer closeFleet(t, f)
	n, c := spawnOne(t, f, p.script)
	if _, err := f.Retire(n.Name); err != nil {
		t.Fatal(err)
	}
	<-p.asked
	if len(p.retires) != 0 {
		t.Error("the provider was asked to retire while it still made the node")
	}
	c.answer <- errors.New("given up")
	receive(t, p.retires).answer <- nil
	waitGone(t, f, n.Name)
}

// slow is a provider that reacts slowly to the end of its context.
type slow struct {
	*script
	asked <-chan struct{} // closed when the spawn is cancelled
}

func (p *slow) Spawn(ctx context.Context, name string, step func(Step)) error {
	p.asked = ctx.Done()
	return p.script.Spawn(context.Background(), name, step)
}

func TestRetire_Fails(t *testing.T) {
	f, p := start(t, 5)
	n := joined(t, f, p)
	if _, err := f.Retire(n.Name); err != nil {
		t.Fatal(err)
	}
	c := receive(t, p.retires)
	c.step(Step{Name: "deleting service", At: noon})
	c.answer <- errors.New("no answer from the provider")
	n = waitStatus(t, f, n.Name, Alive)
	last := n.Steps[len(n.Steps)-1]
	if n.Message != "no answer from the provider" || last.Error != n.Message || !n.Retirable {
		t.Errorf("node is %+v, want the reason and another chance", n)
	}
	retireNow(t, f, p, n.Name)
}

// TestChangedIsNeverMissed: a reader that waits only on Changed sees the last state, whatever happens.
func TestChangedIsNeverMissed(t *testing.T) {
	f, p := start(t, 1000)
	const rounds = 200
	var readers, writers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			wait(t, f, "the last member", func(list []Node) bool {
				return slices.ContainsFunc(list, func(n Node) bool { return n.Version == fmt.Sprint(rounds) })
			})
		})
	}
	writers.Go(func() {
		for i := range rounds {
			f.SetMembers([]Member{{Name: "convoy@one.x", Instance: "1", State: MemberAlive, Version: fmt.Sprint(i + 1)}})
		}
	})
	writers.Go(func() {
		for range rounds / 10 {
			n, err := f.Spawn()
			if err != nil {
				t.Error(err)
				return
			}
			c := <-p.spawns
			c.step(Step{Name: "a", At: noon})
			c.answer <- nil
			_, _ = f.Retire(n.Name)
			r := <-p.retires
			r.answer <- nil
		}
	})
	writers.Go(func() {
		for range rounds {
			p.serve(Service{Name: "convoy@two.x", Running: true})
			p.serve(Service{Name: "convoy@two.x", Message: "crashed"})
		}
	})
	writers.Wait()
	readers.Wait()
}

func TestChanged_OnlyWhenTheListChanges(t *testing.T) {
	f, _ := start(t, 5)
	m := Member{Name: "convoy@one.x", Instance: "1", State: MemberAlive, Seen: noon}
	f.SetMembers([]Member{m})
	changed := f.Changed()
	m.Seen = noon.Add(time.Second)
	f.SetMembers([]Member{m})
	select {
	case <-changed:
		t.Error("an alive member was seen again, and the list changed")
	default:
	}
	if n, _ := f.Find("one"); !n.Seen.Equal(m.Seen) {
		t.Errorf("Seen is %v, want %v", n.Seen, m.Seen)
	}
	m.State = MemberUnreachable
	f.SetMembers([]Member{m})
	select {
	case <-changed:
	default:
		t.Error("a member was lost without a change")
	}
}

func TestList_IsACopy(t *testing.T) {
	f, p := start(t, 5)
	n, c := spawnOne(t, f, p)
	c.step(Step{Name: "a", At: noon})
	list := f.List()
	list[1].Steps[0].Name = "changed by a reader"
	list[0].Name = "changed by a reader"
	if again, err := f.Find(n.Name); err != nil || again.Steps[0].Name != "a" || f.List()[0].Name != self {
		t.Errorf("a reader changed the fleet: %+v", f.List())
	}
}
