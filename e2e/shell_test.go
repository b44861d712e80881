package e2e

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convoy/cli"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// said runs source beside a node and returns what it prints, and its error.
func (n byHand) said(t *testing.T, source string) (out, problem string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cli.Run(
		testkit.Context(t), []string{"shell", "-connect", n.Base, "-token-file", tokenFile(t), "-c", source}, testEnv(nil),
		nil, &stdout, &stderr,
	)
	return stdout.String(), stderr.String()
}

// The commands of the demo that docs/features.md lists, in the language of a prompt, on two nodes.
func TestCommandsOfTheDemo(t *testing.T) {
	t.Parallel()
	a, b := startByHand(t, "a.test"), startByHand(t, "b.test")
	nameA, nameB := a.name, b.name
	for _, step := range []struct{ source, out, problem string }{
		{"Node.self", `"` + nameA + `"`, ""},
		{"Node.list", "[]", ""},
		{`node.connect("convoy@nowhere.test")`, "False", ""},
		{`Node.connect("` + b.at + `")`, "True", ""},
		{"node.list()", `["` + nameB + `"]`, ""},
		{`node.info("b").name`, `"` + nameB + `"`, ""},
		{`node.ping("b") < time.minute`, "True", ""},
		{`rpc.call("` + nameB + `", "node.self")`, `"` + nameB + `"`, ""},
		{`rpc.call("b", "railway.me")`, "", "there is no Railway token on this node"},
		{`rpc.call("c", "node.self")`, "", `there is no node called "c"; fleet.nodes() lists them`},
		{`rpc.call("b", "nothing")`, "", "rpc.functions(node) lists them"},
		{`rpc.call("b", "node.self", 1)`, "", "1 given, want 0"},
		{`[r.node for r in rpc.multicall("node.self")]`, `["` + nameA + `", "` + nameB + `"]`, ""},
		{`[r.error for r in rpc.multicall("nothing", nodes=["b"])][0]`, "no such function", ""},
		{`rpc.eval("b", "1 + 1; node.self").output`, nameB, ""},
		{`"railway.me" in rpc.functions("b")`, "True", ""},
		{`send("worker", "b", "ping")`, `"ping"`, ""},
		{`send("nobody", "b", "ping")`, "", "no such process"},
		{`logs.tail("b", grep="Received PING")[-1].text`, "Received ping on node " + nameB, ""},
		{`[l.node for l in logs.find("ConvoyWorker started")]`, `["` + nameA + `", "` + nameB + `"]`, ""},
		{`p = self()` + "\n" + `send(p, [1, "two"])` + "\n" + `m = receive(5)` + "\n" + `(m.sender, m.message)`,
			`("` + nameA + `", [1, "two"])`, ""},
		{"receive(0)", "", ""},
		{"spawn()", "", "no node of this cluster can spawn nodes"},
		{`shells.run("b", "echo $CONVOY_NODE; exit 3").status`, "3", ""},
		{`shells.run("b", "sleep 100", timeout=0.3)`, "", "no answer in time"},
		{`[n.status for n in fleet.nodes()]`, `["alive", "alive"]`, ""},
		{`fleet.wait("b")`, nameB, ""},
		{`fleet.wait("b", "left", timeout=0.1)`, "", "is alive, not left"},
		{`open("/etc/passwd")`, "", "the Convoy shell has no files"},
	} {
		out, problem := a.said(t, step.source)
		if !strings.Contains(out, step.out) || !strings.Contains(problem, step.problem) ||
			step.problem == "" && problem != "" {
			t.Errorf("%s prints %q, error %q; want %q, %q", step.source, out, problem, step.out, step.problem)
		}
	}
}

// Two shells on two nodes talk to one another.
func TestShell_TwoShellsTalk(t *testing.T) {
	t.Parallel()
	a, b := startByHand(t, "a.test"), startByHand(t, "b.test")
	a.joins(t, b.at)
	out := &output{changed: make(chan struct{})}
	ended := make(chan int)
	go func() {
		source := "print('listening as', self().process)\nm = receive()\nprint(m.message, 'from', m.sender)"
		ended <- cli.Run(context.Background(), []string{"shell", "-connect", b.Base, "-token-file", tokenFile(t), "-c",
			source}, testEnv(nil), nil, out, out)
	}()
	name := out.after(testkit.Context(t), t, "listening as ")
	a.evaluates(t, `send("`+name+`", "b", "hello")`)
	if status := <-ended; status != 0 || !strings.Contains(out.all(), "hello from "+a.name+"\n") {
		t.Errorf("the other shell: status %d, %q", status, out.all())
	}
}

// TestAPICmd is the demo's POST /api/cmd {"value": …} → {"result": …}, which asks for a login now.
func TestAPICmd(t *testing.T) {
	t.Parallel()
	a := startByHand(t, "a.test")
	var got struct{ Result, Error string }
	testkit.Must(t, a.Client.Do(testkit.Context(t), http.MethodPost, "/api/cmd", []byte(`{"value": "Node.self"}`), &got))
	if got.Result != `"`+a.name+`"` {
		t.Errorf("Node.self gives %+v", got)
	}
	for body, want := range map[string]int{
		`{"value": "1 / 0"}`: 422, `{"value": " "}`: 400, `{`: 400, `{"value": "` + strings.Repeat("x", 70<<10) +
			`"}`: 413, `{"value": "while True: pass"}`: 422,
	} {
		err := a.Client.Do(testkit.Context(t), http.MethodPost, "/api/cmd", []byte(body), nil)
		if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status != want {
			t.Errorf("%.40s gives %v, want %d", body, err, want)
		}
	}
	stranger := client.New(a.Client.Base, "not the token at all")
	defer stranger.Close()
	err := stranger.Do(testkit.Context(t), http.MethodPost, "/api/cmd", []byte(`{"value": "1"}`), nil)
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status != 401 {
		t.Errorf("without a login: %v", err)
	}
	testkit.Must(
		t, a.Client.Do(testkit.Context(t), http.MethodPost, "/nodes/a/eval", []byte(`{"source": "print(1)\n2"}`), &got),
	)
	if got.Result != "1\n2" {
		t.Errorf("eval gives %+v", got)
	}
}

// tokenFile holds the token of the nodes that are started by hand.
func tokenFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	testkit.Must(t, os.WriteFile(file, []byte(testToken+"\n"), 0o600))
	return file
}

// convoy shell -connect runs the prompt here, and asks a console.
func TestShell_Connect(t *testing.T) {
	t.Parallel()
	a := startByHand(t, "a.test")
	token := tokenFile(t)
	for _, test := range []struct {
		args   []string
		status int
		out    string
	}{
		{[]string{"-connect", a.Client.Base, "-token-file", token, "-c",
			"send(self(), 1)\n(node.self(), receive(1).message)"}, 0, "(\"" + a.name + "\", 1)\n"},
		{[]string{"-connect", a.Client.Base, "-token-file", token, "-json", "-c", "fleet.nodes()[0].status"}, 0,
			"\"alive\"\n"},
		{[]string{"-connect", a.Client.Base, "-c", "1"}, 1, ""},
		{[]string{"-connect", "nowhere", "-c", "1"}, 1, ""},
		{[]string{"-nonsense"}, 2, ""},
	} {
		var out, errs bytes.Buffer
		status := cli.Run(t.Context(), append([]string{"shell"}, test.args...), testEnv(nil), nil, &out, &errs)
		if status != test.status || out.String() != test.out {
			t.Errorf("%v: status %d, %q, %s", test.args, status, out.String(), errs.String())
		}
		if status != 0 && !strings.Contains(errs.String(), "convoy: hint:") {
			t.Errorf("%v: no hint in %q", test.args, errs.String())
		}
	}
}
