package fleet

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convoy/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	self = "convoy@convoy.convoy.internal"
)

// script is a provider that a test controls.
type script struct {
	spawns  chan call
	retires chan call
	lists   chan list
}

// call is a Spawn or Retire that waits for the test's answer.
type call struct {
	ctx    context.Context
	name   string
	step   func(Step)
	answer chan error
}

type list struct {
	services []Service
	heard    chan struct{}
}

func newScript() *script {
	return &script{spawns: make(chan call, 100), retires: make(chan call, 100), lists: make(chan list)}
}

func (p *script) Kind() string                 { return "scripted" }
func (p *script) NodeName(label string) string { return "convoy@" + label + ".convoy.internal" }

func (p *script) Spawn(ctx context.Context, name string, step func(Step)) error {
	return play(p.spawns, call{ctx: ctx, name: name, step: step, answer: make(chan error, 1)})
}

func (p *script) Retire(ctx context.Context, name string, step func(Step)) error {
	return play(p.retires, call{ctx: ctx, name: name, step: step, answer: make(chan error, 1)})
}

func play(calls chan call, c call) error {
	calls <- c
	select {
	case err := <-c.answer:
		return err
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
}

func (p *script) Watch(ctx context.Context, update func([]Service)) {
	update(nil)
	for {
		select {
		case l := <-p.lists:
			update(l.services)
			close(l.heard)
		case <-ctx.Done():
			return
		}
	}
}

// serve makes the provider list these services, and returns when the fleet has them.
func (p *script) serve(services ...Service) {
	l := list{services: services, heard: make(chan struct{})}
	p.lists <- l
	<-l.heard
}

// start returns a running fleet whose provider is a script.
func start(t *testing.T, limit int) (*Fleet, *script) {
	t.Helper()
	p := newScript()
	f := New(Config{Self: self, Provider: p, Max: limit, Log: slog.New(slog.DiscardHandler)})
	f.Start(t.Context())
	t.Cleanup(func() { closeFleet(t, f) })
	return f, p
}

func closeFleet(t *testing.T, f *Fleet) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := f.Close(ctx); err != nil {
		t.Errorf("Close() = %v", err)
	}
}

// receive takes the next call, or fails the test.
func receive(t *testing.T, calls chan call) call {
	t.Helper()
	select {
	case c := <-calls:
		return c
	case <-time.After(testkit.Patience):
		t.Fatal("the provider was not called")
		return call{}
	}
}

// wait waits for a list, using only Changed.
func wait(t *testing.T, f *Fleet, what string, ok func([]Node) bool) {
	t.Helper()
	end := time.After(testkit.Patience)
	for {
		changed := f.Changed()
		list := f.List()
		if ok(list) {
			return
		}
		select {
		case <-changed:
		case <-end:
			t.Fatalf("waited for %s, have %+v", what, list)
		}
	}
}

// waitStatus waits until the node has this status, and returns it.
func waitStatus(t *testing.T, f *Fleet, name string, want Status) Node {
	t.Helper()
	var found Node
	wait(t, f, name+" "+string(want), func(list []Node) bool {
		i := slices.IndexFunc(list, func(n Node) bool { return n.Name == name && n.Status == want })
		if i >= 0 {
			found = list[i]
		}
		return i >= 0
	})
	return found
}

// waitGone waits until the node is not on the list.
func waitGone(t *testing.T, f *Fleet, name string) {
	t.Helper()
	wait(t, f, name+" gone", func(list []Node) bool {
		return !slices.ContainsFunc(list, func(n Node) bool { return n.Name == name })
	})
}

// spawnOne spawns a node, and returns it with the provider's pending call.
func spawnOne(t *testing.T, f *Fleet, p *script) (Node, call) {
	t.Helper()
	n, err := f.Spawn()
	if err != nil {
		t.Fatal(err)
	}
	c := receive(t, p.spawns)
	if c.name != n.Name {
		t.Fatalf("the provider was asked for %q, want %q", c.name, n.Name)
	}
	return n, c
}
