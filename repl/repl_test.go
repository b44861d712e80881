package repl

import (
	"bytes"
	"context"
	"convoy/internal/testkit"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// promptArg starts a child process as a prompt.
const promptArg = "be-a-prompt"

// children are other roles of a child process, by its first argument.
var children = map[string]func() int{}

// program is Convoy itself: the race detector would not let us limit a sandbox's memory.
var program string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && children[os.Args[1]] != nil {
		os.Exit(children[os.Args[1]]())
	}
	if len(os.Args) > 2 && os.Args[1] == promptArg {
		program, completeTime = os.Args[2], testkit.Patience
		os.Exit(runPrompt())
	}
	dir, err := os.MkdirTemp("", "convoy")
	if err == nil {
		program, err = testkit.Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		os.RemoveAll(dir)
		os.Exit(status)
	}))
}

func sandboxCommand() Command { return Command{program, "evaluate"} }

// runPrompt runs a prompt on the terminal with a fake node.
func runPrompt() int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	return Prompt(
		context.Background(),
		Options{Command: sandboxCommand(), Node: &node{}, Name: "convoy@convoy-test.convoy.internal", History: os.Args[3],
			Out: os.Stdout, Err: os.Stderr, Stop: stop},
	)
}

// node is a fake.
type node struct {
	mu    sync.Mutex
	calls int
}

func (n *node) Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	n.mu.Lock()
	n.calls++
	n.mu.Unlock()
	switch fn {
	case "node.self":
		return json.RawMessage(`"convoy@convoy-test.convoy.internal"`), nil
	case "node.list", "fleet.names":
		return json.RawMessage(`["convoy@convoy-a.convoy.internal","convoy@convoy-b.convoy.internal"]`), nil
	case "receive":
		<-ctx.Done()
		return nil, ctx.Err()
	case "logs.tail":
		return json.Marshal(strings.Repeat("x", 9<<20))
	}
	return nil, errors.New("this node knows no " + fn)
}

// eval evaluates source. It doubles a limit that was too short to start the sandbox.
func eval(t *testing.T, source string, steps uint64, limit time.Duration) Result {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		got, err := Eval(ctx, Options{Command: sandboxCommand(), Node: &node{}, Steps: steps}, source)
		cancel()
		switch {
		case errors.Is(err, context.DeadlineExceeded) && strings.Contains(err.Error(), "start the sandbox"):
			limit *= 2
		case err != nil:
			t.Fatalf("eval %.80q: %v", source, err)
		default:
			return got
		}
	}
}

func TestEval(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]Result{
		"print('a')\n1 + 1": {Output: "a\n2\n"},
		"node.self":         {Output: "\"convoy@convoy-test.convoy.internal\"\n"},
		"node.list()[1]":    {Output: "\"convoy@convoy-b.convoy.internal\"\n"},
		"print(1)\n1 / 0":   {Output: "1\n", Error: "floating-point division by zero"},
		"spawn()":           {Error: "this node knows no spawn"},
	} {
		if got := eval(t, source, 0, time.Minute); got != want {
			t.Errorf("%q gives %+v, want %+v", source, got, want)
		}
	}
}

// No script harms anything but itself: each of these ends and reports why.
func TestEval_HostileScripts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ source, want string }{
		"memory in one piece":  {"list(range(3000000000))", "out of memory"},
		"memory, grown":        {"a = ['x']\nwhile True: a += a", "out of memory"},
		"a huge text":          {"x = 'x' * (1 << 30)\ny = x + x", ""},
		"a huge number":        {"x = 3\nwhile True: x = x * x", ""},
		"endless loop":         {"while True: pass", "steps"},
		"deep recursion":       {"def f(n): return f(n + 1)\nf(0)", "calls are nested more than 5000 deep"},
		"a flood of output":    {"while True: print('x' * 1000)", "more than 1 MiB"},
		"one slow built-in":    {"sorted(range(20000000), key = lambda x: -x)", ""},
		"waiting forever":      {"receive()", "took too long"},
		"an answer too large":  {"logs.tail()", "too much"},
		"a text that is huge":  {"print('x' * 50000000)", ""},
		"nested without end":   {"x = []\nfor i in range(1000000): x = [x]\nprint(x)", ""},
		"regular nonsense":     {"((((((((((", "got end of file"},
		"binary":               {"\x00\x01\xff", ""},
		"brackets without end": {strings.Repeat("[", 100000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limit := time.Second
			if test.want != "" && test.want != "took too long" { // it must end for another reason, even on a slow machine
				limit = 2 * time.Minute
			}
			got := eval(t, test.source, 20_000_000, limit)
			if got.Error == "" && test.want != "" || !strings.Contains(got.Error, test.want) {
				t.Errorf("error %.200q, want one with %q", got.Error, test.want)
			}
			if len(got.Output) > maxOutput+100 {
				t.Errorf("%d bytes of output", len(got.Output))
			}
		})
	}
}

// A thousand calls at once get a thousand answers.
func TestEval_ManyAtOnce(t *testing.T) {
	t.Parallel()
	n := &node{}
	got, err := Eval(t.Context(), Options{Command: sandboxCommand(), Node: n}, "len([node.self() for _ in range(1000)])")
	if err != nil || got.Output != "1000\n" || n.calls != 1000 {
		t.Errorf("%+v, %v after %d calls", got, err, n.calls)
	}
}

// A replaced sandbox keeps its definitions.
func TestSupervisor_Replaces(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	k := Options{Command: sandboxCommand(), Node: &node{}, Out: &out, Steps: 1 << 40}.supervisor()
	k.stopTime = testkit.Patience // only a second interrupt kills
	if err := k.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { k.stop() }()
	run := func(source string, stop <-chan os.Signal) error {
		o, err := k.run(t.Context(), source, 80, stop)
		if err == nil && o.Text != "" {
			err = errors.New(o.Text)
		}
		return err
	}
	if err := run("def f(x): return x + 1\ndata = {'a': [1, 2.5, None, 'é']}", nil); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]string{"stuck in a built-in": "[x for x in sorted(range(12000000), " +
		"reverse=True)]", "out of memory": "list(range(3000000000))"} {
		stop := make(chan os.Signal, 2)
		if name == "stuck in a built-in" {
			stop <- syscall.SIGINT
			stop <- syscall.SIGINT
		}
		if err := run(source, stop); !isReplaced(err) {
			t.Errorf("%s: %v", name, err)
		}
		out.Reset()
		if err := run("f(data['a'][0])", nil); err != nil || out.String() != "2\n" {
			t.Errorf("after %s: %v, %q", name, err, out.String())
		}
	}
	stop := make(chan os.Signal, 1)
	stop <- syscall.SIGINT
	if err := run("while True: pass", stop); err == nil || isReplaced(err) || err.Error() != "interrupted" {
		t.Errorf("an interrupted loop: %v", err)
	}
}

func TestScript_Status(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"print('x')\nfleet.nodes": "1 x\n|error: this node knows no fleet.nodes\n  <1>:2\n    fleet.nodes\n    ^\n",
		"{'a': (1, None)}":        "0 {\"a\":[1,null]}\n|",
	} {
		var out, errs bytes.Buffer
		o := Options{Command: sandboxCommand(), Node: &node{}, JSON: true, Out: &out, Err: &errs}
		status := Script(t.Context(), o, source)
		if got := fmt.Sprintf("%d %s|%s", status, out.String(), errs.String()); got != want {
			t.Errorf("%q gives %q, want %q", source, got, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var errs bytes.Buffer
	if status := Script(
		ctx, Options{Command: sandboxCommand(), Node: &node{}, Out: &errs, Err: &errs}, "while True: pass",
	); status != 1 {
		t.Errorf("a script that takes too long has status %d: %s", status, errs.String())
	}
}

// full is an output without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// A sandbox that is killed because its output cannot be written ends with that reason.
func TestSupervisor_OutputFails(t *testing.T) {
	t.Parallel()
	k := Options{Command: sandboxCommand(), Node: &node{}, Out: full{}}.supervisor()
	testkit.Must(t, k.start(t.Context()))
	defer func() { k.stop() }()
	if _, err := k.run(t.Context(), "print(1)", 80, nil); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("the error is %v", err)
	}
}
