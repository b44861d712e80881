package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"convoy/fleet"
	"convoy/internal/testkit"
)

// mustCall calls a function and decodes its result.
func mustCall[T any](t *testing.T, from *testNode, node, fn string, args ...any) T {
	t.Helper()
	var v T
	result, err := from.Call(t.Context(), node, fn, args...)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(result, &v); err != nil {
		t.Fatalf("%s answered %s: %v", fn, result, err)
	}
	return v
}

func TestNodeSelf(t *testing.T) {
	t.Parallel()
	a, b := pair(t, nil)
	for _, n := range []*testNode{a, b} {
		if got := mustCall[string](t, a, n.self.Name, "node.self"); got != n.self.Name {
			t.Errorf("node.self on %s = %q", n.self.Name, got)
		}
	}
	if got := mustCall[string](t, a, b.self.Name, "node.ping"); got != "pong" {
		t.Errorf("node.ping = %q", got)
	}
}

func TestNodeList(t *testing.T) {
	t.Parallel()
	a, b := pair(t, nil)
	c := startNode(t, "c.example", nil)
	if got := mustCall[[]string](t, c, c.self.Name, "node.list"); got == nil || len(got) != 0 {
		t.Errorf("node.list of a node alone = %#v, want an empty list", got)
	}
	mustConnect(t, c, b)
	a.sees(t, fleet.MemberAlive, c)
	c.sees(t, fleet.MemberAlive, a)
	want := []string{b.self.Name, c.self.Name}
	if got := mustCall[[]string](t, c, a.self.Name, "node.list"); !slices.Equal(got, want) {
		t.Errorf("node.list = %q, want %q", got, want)
	}
}

func TestNodeInfo(t *testing.T) {
	t.Parallel()
	a, b := pair(t, nil)
	r := mustCall[Report](t, a, b.self.Name, "node.info")
	if r.Name != b.self.Name || r.Instance != b.Instance() || r.Version != "0.1.0" || r.Gossip != b.addr() ||
		r.Goroutines == 0 || r.Memory == 0 || r.CPUs == 0 || r.CPUTime <= 0 || r.Uptime <= 0 || len(r.Members) != 2 {
		t.Errorf("node.info = %+v", r)
	}
}

// TestCall covers the demo's :rpc.call(node, Convoy.Railway, :me, []).
func TestCall(t *testing.T) {
	t.Parallel()
	type point struct{ X, Y int }
	a, b := pair(t, nil)
	b.Register("railway.me", func(ctx context.Context, args Args) (any, error) {
		caller, _ := CallerOf(ctx)
		return map[string]string{"name": "somebody", "asked by": caller.Name}, args.Scan()
	})
	b.Register("math.move", func(_ context.Context, args Args) (any, error) {
		var p point
		var by int
		if err := args.Scan(&p, &by); err != nil {
			return nil, err
		}
		return point{p.X + by, p.Y + by}, nil
	})
	b.Register("fail", func(context.Context, Args) (any, error) { return nil, errors.New("no token here") })
	b.Register("panic", func(context.Context, Args) (any, error) { panic("oh") })
	b.Register("unmarshalable", func(context.Context, Args) (any, error) { return func() {}, nil })
	b.Register("large", func(context.Context, Args) (any, error) { return strings.Repeat("x", callBytes), nil })

	want := map[string]string{"name": "somebody", "asked by": a.self.Name}
	if got := mustCall[map[string]string](t, a, b.self.Name, "railway.me"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("railway.me = %v, want %v", got, want)
	}
	if got := mustCall[point](t, a, b.self.Name, "math.move", point{1, 2}, 10); got != (point{11, 12}) {
		t.Errorf("math.move = %v", got)
	}
	checkCallErrors(t, a, b)
	if !strings.Contains(b.log.String(), "function panicked") {
		t.Error("the panic is not in the log")
	}
}

// checkCallErrors makes calls from a to b that fail.
func checkCallErrors(t *testing.T, a, b *testNode) {
	t.Helper()
	errs := []struct {
		node, fn string
		args     []any
		want     error
		text     string
	}{
		{"convoy@nobody.example", "railway.me", nil, ErrUnknownNode, ""},
		{b.self.Name, "railway.you", nil, ErrUnknownFunction, `call railway.you on "convoy@b.example": no such function`},
		{b.self.Name, "not/a function", nil, ErrUnknownFunction, ""},
		{b.self.Name, "railway.me", []any{1}, ErrBadArguments, "1 given, want 0"},
		{b.self.Name, "math.move", []any{"x", 1}, ErrBadArguments, "number 1"},
		{b.self.Name, "math.move", []any{map[string]int{"Z": 1}, 1}, ErrBadArguments, "unknown field"},
		{b.self.Name, "math.move", []any{func() {}, 1}, ErrBadArguments, ""},
		{b.self.Name, "math.move", []any{strings.Repeat("x", callBytes), 1}, ErrBadArguments, "more than"},
		{b.self.Name, "fail", nil, nil, `fail on "convoy@b.example": no token here`},
		{b.self.Name, "panic", nil, nil, "panic: oh"},
		{b.self.Name, "unmarshalable", nil, nil, "encode the result"},
		{b.self.Name, "large", nil, nil, "result of more than"},
	}
	for _, test := range errs {
		result, err := a.Call(t.Context(), test.node, test.fn, test.args...)
		if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("Call(%q, %q) = %s, %v; want %v, %q", test.node, test.fn, result, err, test.want, test.text)
		}
		var remote *RemoteError
		if errors.As(err, &remote) != (test.want == nil) {
			t.Errorf("Call(%q): %#v", test.fn, err)
		} else if remote != nil && (remote.Node != b.self.Name || remote.Function != test.fn) {
			t.Errorf("Call(%q): %+v", test.fn, remote)
		}
	}
}

// The caller's deadline and cancellation reach the function.
func TestCallTravelsWithItsContext(t *testing.T) {
	t.Parallel()
	a, b := pair(t, nil)
	began := make(chan context.Context, 2)
	ended := make(chan error, 2)
	b.Register("wait", func(ctx context.Context, _ Args) (any, error) {
		began <- ctx
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	})
	if _, err := a.Call(t.Context(), b.self.Name, "node.ping"); err != nil { // opens the connection
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := a.Call(ctx, b.self.Name, "wait"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("call that takes too long: %v", err)
	}
	var there context.Context
	select {
	case there = <-began:
	case <-time.After(testkit.Patience):
		t.Fatal("the call did not arrive")
	}
	far, _ := there.Deadline()
	if near, _ := ctx.Deadline(); far.Sub(near) > callTimeout/2 { // which it would have without one
		t.Errorf("deadline %v here, %v there", near, far)
	}
	<-ended
	ctx, cancel = context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	if _, err := a.Call(ctx, b.self.Name, "wait"); !errors.Is(err, context.Canceled) {
		t.Errorf("call that was given up: %v", err)
	}
	select {
	case <-ended:
	case <-time.After(testkit.Patience):
		t.Error("the function still runs after its caller has given up")
	}
}

func TestMulticall(t *testing.T) {
	t.Parallel()
	a, b := pair(t, nil)
	c := startNode(t, "c.example", nil)
	mustConnect(t, c, a)
	a.sees(t, fleet.MemberAlive, b, c)
	slow := func(ctx context.Context, _ Args) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	a.Register("who", func(context.Context, Args) (any, error) { return "a", nil })
	b.Register("who", func(context.Context, Args) (any, error) { return nil, errors.New("nobody") })
	c.Register("who", slow)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	nodes := []string{c.self.Name, b.self.Name, "convoy@x.example", a.self.Name}
	results := a.Multicall(ctx, nodes, "who")
	var remote *RemoteError
	switch {
	case len(results) != 4:
		t.Fatalf("results %v", results)
	case results[0].Node != nodes[0] || !errors.Is(results[0].Err, context.DeadlineExceeded):
		t.Errorf("the slow one: %+v", results[0])
	case !errors.As(results[1].Err, &remote):
		t.Errorf("the failing one: %+v", results[1])
	case !errors.Is(results[2].Err, ErrUnknownNode):
		t.Errorf("the unknown one: %+v", results[2])
	case results[3].Err != nil || string(results[3].Value) != `"a"`:
		t.Errorf("the good one: %+v", results[3])
	}
	all := a.Multicall(t.Context(), nil, "node.self")
	if len(all) != 3 || all[0].Node != a.self.Name {
		t.Errorf("on all nodes: %+v", all)
	}
	for _, r := range all {
		if r.Err != nil || string(r.Value) != `"`+r.Node+`"` || r.Took <= 0 {
			t.Errorf("%+v", r)
		}
	}
}

// The death of a node with an open connection is known before gossip detects it; on a busy machine gossip may be first.
func TestLostConnectionIsAHint(t *testing.T) {
	t.Parallel()
	log := ""
	for range 5 {
		a, b := pair(t, nil)
		mustCall[string](t, a, b.self.Name, "node.ping")
		b.Close()
		a.sees(t, fleet.MemberUnreachable, b)
		if log = a.log.String(); strings.Contains(log, "member unreachable from here") {
			return
		}
	}
	t.Errorf("the lost connection was not checked:\n%s", log)
}

// An instance that gossip considers alive, but that cannot be called, is unreachable until it can be.
func TestUnreachableFromHere(t *testing.T) {
	t.Parallel()
	a, b := pair(t, sayName("b"))
	closed, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	member, _ := a.roster.get(b.Instance())
	good := member.CallAddr
	member.CallAddr = closed.Addr().(*net.TCPAddr).AddrPort()
	a.roster.setAlive(member)
	if _, err := a.Call(t.Context(), b.self.Name, "node.self"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("call to a closed port: %v", err)
	}
	a.sees(t, fleet.MemberUnreachable, b)
	if err := a.CallError(b.Instance()); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("CallError = %v", err)
	}
	report := mustCall[Report](t, a, a.self.Name, "node.info")
	if !slices.ContainsFunc(
		report.Members, func(s memberReport) bool { return s.Instance == b.Instance() && s.Error != "" },
	) {
		t.Errorf("node.info does not report it: %+v", report.Members)
	}
	member.CallAddr = good
	a.roster.setAlive(member)
	a.sees(t, fleet.MemberAlive, b)
	if err := a.CallError(b.Instance()); err != nil {
		t.Errorf("CallError = %v", err)
	}
}

func TestRegisterRefusesMistakes(t *testing.T) {
	t.Parallel()
	n := newNode(t, "a.example")
	n.Process("worker", 1)
	for what, f := range map[string]func(){
		"taken function": func() { n.Register("node.self", nil) },
		"bad function":   func() { n.Register("Node/Self", nil) },
		"taken process":  func() { n.Process("worker", 1) },
		"bad process":    func() { n.Process("", 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			f()
		}()
	}
}
