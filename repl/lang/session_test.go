package lang

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// answers is a fake node that answers from a list and records calls.
type answers struct {
	by    map[string]any
	asked []string
}

func (a *answers) Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	text, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	a.asked = append(a.asked, fn+string(text))
	answer, ok := a.by[fn]
	if err, failed := answer.(error); failed {
		return nil, err
	}
	if fn == "receive" && !ok {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return json.Marshal(answer)
}

func newSession(t *testing.T, by map[string]any) (*Session, *bytes.Buffer, *answers) {
	t.Helper()
	var out bytes.Buffer
	node := &answers{by: by}
	return New(Config{Node: node, Out: &out}), &out, node
}

var demo = map[string]any{
	"node.self": "convoy@convoy.convoy.internal",
	"node.list": []string{"convoy@a.convoy.internal", "convoy@b.convoy.internal"},
	"node.info": map[string]any{"name": "convoy@a", "memory": 1 << 40, "uptime": 1.5, "members": []any{}},
	"fleet.nodes": []any{
		map[string]any{
			"name":   "convoy@a",
			"status": "alive",
			"self":   true,
		},
		map[string]any{"name": "convoy@bärli", "status": "left", "self": false},
	},
	"node.connect": map[string]any{"connected": false, "reason": "it has a different cookie"},
	"odd":          map[string]any{"a b": 1},
	"rpc.call":     errors.New("there is no node called \"convoy@nowhere\"; node.list() lists them"),
	"send":         nil,
}

func TestRun_PrintsTheLastValue(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"1 + 2":                       "3",
		"x = 4\nx * 2":                "8",
		"_ = 5":                       "",
		"None":                        "",
		"print('a', 1)":               "a 1",
		"'é\\n'":                      `"é\n"`,
		"[1, 'a', (2,), {'k': None}]": `[1, "a", (2,), {"k": None}]`,
		"node.self":                   `"convoy@convoy.convoy.internal"`,
		"Node.self()":                 `"convoy@convoy.convoy.internal"`,
		"Node.list":                   `["convoy@a.convoy.internal", "convoy@b.convoy.internal"]`,
		"len(node.list())":            "2",
		"node.info('a').memory // 2":  "549755813888",
		"node.connect('x@y')":         "it has a different cookie\nFalse",
		"fleet.nodes":                 "name          status  self\nconvoy@a      alive   True\nconvoy@bärli  left    False",
		"send('worker', 'convoy@a', {'do': [1, 2.5]})":               `{"do": [1, 2.5]}`,
		"def f(n):\n  return n if n < 2 else f(n-1) + f(n-2)\nf(10)": "55",
		"while True:\n  break\nfor i in range(2): print(i)":          "0\n1",
		"json.encode({'a': 1})":                                      `"{\"a\":1}"`,
		"list(range(300))[:3]":                                       "[0, 1, 2]",
	} {
		s, out, _ := newSession(t, demo)
		if err := s.Run(t.Context(), "", source); err != nil {
			t.Errorf("%s: %v", source, err)
		}
		got := strings.TrimSpace(out.String())
		if trimmed := trimLines(got); trimmed != want {
			t.Errorf("%s prints %q, want %q", source, trimmed, want)
		}
	}
}

func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func TestRun_KeepsWhatWasDefined(t *testing.T) {
	t.Parallel()
	s, out, node := newSession(t, demo)
	for _, source := range []string{"def twice(x):\n    return x * 2", "y = twice(21)", "y", "_ + 1",
		"send('worker', node.self(), 'ping')"} {
		if err := s.Run(t.Context(), "", source); err != nil {
			t.Fatalf("%s: %v", source, err)
		}
	}
	if got := out.String(); got != "42\n43\n\"ping\"\n" {
		t.Errorf("printed %q", got)
	}
	if got := node.asked[len(node.asked)-1]; got != `send["worker","convoy@convoy.convoy.internal","ping"]` {
		t.Errorf("the node was asked %s", got)
	}
	again, out, _ := newSession(t, demo)
	if err := again.Run(t.Context(), "", s.Definitions(1<<20)+"twice(y)"); err != nil || out.String() != "84\n" {
		t.Errorf("what was defined is not defined again: %v, %q", err, out.String())
	}
}

func TestTimeouts_AreAnyNumber(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`rpc.eval("b", "1", timeout=60)`:      `rpc.eval["b","1",60]`,
		`rpc.eval("b", "1")`:                  `rpc.eval["b","1",30]`,
		`shells.run("b", "true", timeout=.5)`: `shells.run["b","true",0.5]`,
		`fleet.wait("b", timeout=90)`:         `fleet.wait["b","alive",90]`,
	} {
		s, _, node := newSession(t, nil)
		if err := s.Run(t.Context(), "", source); err != nil || len(node.asked) != 1 || node.asked[0] != want {
			t.Errorf("%s: %v, asks %q, want %s", source, err, node.asked, want)
		}
	}
}

func TestErrorsAreSentences(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"nod.self()":      "error: the name nod is not defined; did you mean node?\n  <1>:1\n    " + "nod.self()\n    ^\n",
		"x = [1,\n  2 3]": "error: got int literal, want ']'\n  <1>:2\n      2 3]\n         ^\n",
		"def f():\n\treturn 1 + ''\nf()": "error: unknown binary op: int + string\n  <1>:3\n    f()\n     ^\n  " +
			"<1>:2 in f\n    \treturn 1 + ''\n    \t         ^\n",
		"node.lst()": "error: module has no .lst field or method (did you mean .list?)\n  " +
			"<1>:1\n    node.lst()\n        ^\n",
		"open('/etc/passwd')": "error: open is not available: the Convoy shell has no files\n  " +
			"<1>:1\n    open('/etc/passwd')\n    ^\n",
		"System.cmd('ls')": "error: System is not available: the Convoy shell has no operating system access\n  " +
			"<1>:1\n    System.cmd('ls')\n    ^\n",
		"load('x.star', 'x')": "error: cannot load x.star: the Convoy shell has no files\n  " +
			"<1>:1\n    load('x.star', 'x')\n    ^\n",
		"send('w', 'n', len)": "error: send: a builtin_function_or_method cannot be sent to a node; " +
			"numbers, text, lists, and dicts can\n  <1>:1\n    send('w', 'n', len)\n        ^\n",
		"a = []\na.append(a)\nsend('w', 'n', a)": "error: send: the value is nested too deeply, or contains itself\n  " +
			"<1>:3\n    send('w', 'n', a)\n        ^\n",
		"rpc.call('x', 'y')": "error: there is no node called \"convoy@nowhere\"; node.list() lists " +
			"them\n  <1>:1\n    rpc.call('x', 'y')\n            ^\n",
		"rpc.call('x')": "error: rpc.call: needs a node and the name of a function\n  <1>:1\n    " +
			"rpc.call('x')\n            ^\n",
	} {
		s, _, _ := newSession(t, demo)
		err := s.Run(t.Context(), "", source)
		if err == nil {
			t.Errorf("%s is no error", source)
			continue
		}
		if got := s.Show(err); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", source, got, want)
		}
	}
}

// Endless programs end: by the step limit, by the caller, or in a call to the node.
func TestRun_Ends(t *testing.T) {
	t.Parallel()
	s, _, _ := newSession(t, demo)
	s.cfg.Steps = 1_000_000
	for _, source := range []string{"while True: pass", "def f(): return f()\nf()"} {
		if err := s.Run(t.Context(), "", source); err == nil {
			t.Errorf("%s ends without an error", source)
		}
	}
	s.cfg.Steps = defaultSteps
	for _, source := range []string{"while True: pass", "receive()"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := s.Run(ctx, "", source); err == nil {
			t.Errorf("%s ends without an error", source)
		}
		cancel()
	}
	if err := s.Run(t.Context(), "", "1"); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

func TestPrint_IsBounded(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"'x' * 1000000", "list(range(100000))", "{i: i for i in range(100000)}",
		"[['x' * 10000] * 100] * 100", "a = []\na.append(a)\na"} {
		s, out, _ := newSession(t, demo)
		if err := s.Run(t.Context(), "", source); err != nil {
			t.Errorf("%s: %v", source, err)
		}
		if n := out.Len(); n == 0 || n > 2*maxPrinted {
			t.Errorf("%s prints %d bytes", source, n)
		}
	}
}

func TestIncomplete(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		"1": false, "(1,": true, "(1,\n2)": false, "def f():": true, "def f():\n  return 1": true, "def f():\n  return " +
			"1\n": false,
		"if x:": true, "x = '''a": true, "x = 'a": false, "1 +": true, "1 )": false, "": false, "for x in y:\n  " +
			"print(x)\n": false, "[\n": true, "(1,\n  2)": false, "if x: y\nelse:\n  z": true, "def f(): return 1": false,
	} {
		if got := Incomplete(source); got != want {
			t.Errorf("Incomplete(%q) = %v", source, got)
		}
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	s, _, _ := newSession(
		t,
		map[string]any{
			"fleet.names":   []string{"convoy@a.b", "convoy@c.d"},
			"rpc.functions": []string{"convoy.x", "railway.me"},
		},
	)
	if err := s.Run(t.Context(), "", "nodding = {'a': 1}"); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"nod": "[nodding node] 3", "x = node.se": "[self] 2", "Node.li": "[list] 2", "nodding.ke": "[keys] " +
			"2", "rpc.call(\"convoy@": "[convoy@a.b convoy@c.d] 7",
		"rpc.call(x, \"rail": "[railway.me] 4", "nothing.": "[] 0", "whi": "[while] 3", "lambd": "[lambda] 5",
	} {
		list, replaces := s.Complete(t.Context(), line)
		texts := []string{}
		for _, c := range list {
			texts = append(texts, c.Text)
		}
		if got := fmt.Sprint(texts, " ", replaces); got != want {
			t.Errorf("Complete(%q) = %s, want %s", line, got, want)
		}
	}
}

func TestHelp_CoversEveryBuiltin(t *testing.T) {
	t.Parallel()
	s, out, _ := newSession(t, demo)
	if err := s.Run(t.Context(), "", "help"); err != nil {
		t.Fatal(err)
	}
	all := out.String()
	for _, e := range entries() {
		if !strings.Contains(all, e.name+"(") {
			t.Errorf("help() does not list %s", e.name)
		}
		out.Reset()
		if err := s.Run(t.Context(), "", "help("+e.name+")"); err != nil || !strings.Contains(out.String(), e.name) {
			t.Errorf("help(%s) prints %q, %v", e.name, out.String(), err)
		}
		if e.doc == "" || !strings.HasSuffix(strings.Split(e.doc, ": help(")[0], ".") && !strings.Contains(e.doc, ".") {
			t.Errorf("%s is not documented in sentences: %q", e.name, e.doc)
		}
	}
	if err := s.Run(t.Context(), "", "help('nothing')"); err == nil {
		t.Error("help on an unknown name is not an error")
	}
}

func FuzzRun(f *testing.F) {
	for _, source := range []string{"1", "x = [i for i in range(3)]\nx", "def f(x): return x\nf(f)", "'%s' % (1,)",
		"node.self", "{}[1]", "\x00", "((((", "a.b.c = 1"} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		s, _, _ := newSession(t, demo)
		s.cfg.Steps = 10_000
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Run(ctx, "", source); err != nil {
			s.Show(err)
		}
		Incomplete(source)
		s.Complete(ctx, source)
		s.Definitions(1 << 10)
	})
}

// Errors are red, and values look as they are written.
func TestColours(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := New(Config{Node: &answers{by: demo}, Out: &out, Color: true})
	err := s.Run(t.Context(), "<1>", `{"a": ["x", 1, None]}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "\x1b[") || unpainted(got) != "{\"a\": [\"x\", 1, None]}\n" {
		t.Errorf("a value is shown as %q", got)
	}
	if got := s.Show(s.Run(t.Context(), "<2>", "1 / 0")); !strings.HasPrefix(
		got, "\x1b[31merror: floating-point division by zero\x1b[m",
	) {
		t.Errorf("an error is shown as %q", got)
	}
}

var painted = regexp.MustCompile("\x1b\\[[0-9;]*m")

func unpainted(text string) string { return painted.ReplaceAllString(text, "") }
