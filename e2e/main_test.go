// Package e2e tests whole programs: nodes on real sockets, shells on real terminals, pages in a real browser.
package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"convoy/cli"
	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// TestMain lets the test binary be the node that provider local spawns, or one that startProcess starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == talker {
		talk()
		return
	}
	if len(os.Args) > 1 && slices.Contains([]string{"-spawned", "evaluate", "shell", "confined"}, os.Args[1]) ||
		os.Getenv(asProcess) != "" {
		os.Exit(cli.Main())
	}
	if err := os.Chdir(".."); err != nil { // tests name files from the top of the repository
		panic(err)
	}
	status := m.Run()
	browser.CloseShared()
	if status == 0 {
		if err := leaks(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.Exit(status)
}

// leaks waits for goroutines to end.
func leaks() error {
	// it waits out its own time, a second or two
	probing := goleak.IgnoreTopFunction("github.com/hashicorp/memberlist.(*Memberlist).probeNode")
	// the highlighter's; it stops by itself, a second after its last use
	clock := goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock")
	return testkit.Retry(func() error { return goleak.Find(probing, clock) })
}

// testEnv is the environment of the nodes in these tests.
func testEnv(more map[string]string) func(string) string {
	env := map[string]string{
		"PATH":                os.Getenv("PATH"),
		"HOME":                os.TempDir(),
		"SHELL":               "/bin/sh",
		"LANG":                "C.UTF-8",
		"CONVOY_SYSTEM_SHELL": "first",
	}
	if os.Geteuid() == 0 {
		env["CONVOY_SYSTEM_USER"] = "root" // whose files most tests make; confine_test.go has another's
	}
	return func(name string) string {
		if value, ok := more[name]; ok {
			return value
		}
		return env[name]
	}
}

// output is what a node writes: readable while it runs.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(b)
}

// await waits for a line that found says yes to; false when ctx ends first.
func (o *output) await(ctx context.Context, found func(line string) bool) bool {
	for {
		o.mu.Lock()
		text, changed := o.text.String(), o.changed
		o.mu.Unlock()
		for line := range strings.Lines(text) {
			if found(line) {
				return true
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// line waits for a line of JSON whose message begins like that, and returns the message.
func (o *output) line(ctx context.Context, t *testing.T, begin string) string {
	t.Helper()
	var said struct{ Level, Message string }
	if !o.await(ctx, func(line string) bool {
		said.Message = ""
		return json.Unmarshal([]byte(line), &said) == nil && strings.HasPrefix(said.Message, begin)
	}) {
		t.Fatalf("no line %q in:\n%s", begin, o.all())
	}
	return said.Message
}

// after waits for a line of text that begins like that, and returns what follows.
func (o *output) after(ctx context.Context, t *testing.T, begin string) (rest string) {
	t.Helper()
	if !o.await(ctx, func(line string) (ok bool) {
		rest, ok = strings.CutPrefix(line, begin)
		return ok && strings.HasSuffix(line, "\n")
	}) {
		t.Fatalf("no line %q in:\n%s", begin, o.all())
	}
	return strings.TrimSpace(rest)
}

// running is a node that runs in this process.
type running struct {
	*client.Client
	out    *output
	stop   context.CancelFunc
	status chan int
}

// startNode runs a control plane; the test's end stops it.
func startNode(t *testing.T, env map[string]string, args ...string) *running {
	t.Helper()
	n := launch(t, env, args...)
	link := strings.Fields(n.out.line(testkit.Context(t), t, "open http"))[1]
	u, err := url.Parse(link)
	testkit.Must(t, err)
	n.Client = client.New("http://"+u.Host+u.Path, u.Query().Get("token"))
	t.Cleanup(n.Client.Close)
	return n
}

// launch runs a node whose console is not known yet.
func launch(t *testing.T, env map[string]string, args ...string) *running {
	t.Helper()
	env = maps.Clone(env)
	if env == nil {
		env = map[string]string{}
	}
	env["XDG_STATE_HOME"] = cmp.Or(env["XDG_STATE_HOME"], t.TempDir()) // the default of -data
	ctx, stop := context.WithCancel(context.Background())
	n := &running{out: &output{changed: make(chan struct{})}, stop: stop, status: make(chan int, 1)}
	go func() {
		n.status <- cli.Run(ctx, append([]string{"-addr", "localhost:0"}, args...), testEnv(env), nil, n.out, n.out)
	}()
	t.Cleanup(func() {
		stop()
		if status, ok := <-n.status; ok && status != 0 {
			t.Errorf("exit status %d:\n%s", status, n.out.text.String())
		}
	})
	return n
}

// ended stops the node and returns its exit status.
func (n *running) ended() int {
	n.stop()
	status := <-n.status
	close(n.status)
	return status
}

// until asks for the nodes, again after every change, until met returns true.
func (n *running) until(t *testing.T, what string, met func([]client.Node) bool) []client.Node {
	t.Helper()
	ctx := testkit.Context(t)
	stream, err := n.Stream(ctx, url.Values{"want": {"nodes"}})
	testkit.Must(t, err)
	defer stream.Close()
	for {
		e, err := stream.Next()
		if err != nil {
			t.Fatalf("waiting until %s: %v", what, err)
		}
		var list []client.Node
		if e.Name == "fleet" {
			testkit.Must(t, json.Unmarshal(e.Data, &list))
			if met(list) {
				return list
			}
		}
	}
}

// spawnAlive spawns a node and waits until it is alive.
func (n *running) spawnAlive(t *testing.T) client.Node {
	t.Helper()
	made, err := n.Spawn(testkit.Context(t))
	testkit.Must(t, err)
	n.until(t, made.Name+" is alive", has(made.Name, "alive"))
	return made
}

// has is met by a list in which the node has that status; the empty status is not being there.
func has(name, status string) func([]client.Node) bool {
	return func(list []client.Node) bool {
		for _, one := range list {
			if one.Name == name {
				return one.Status == status
			}
		}
		return status == ""
	}
}

func TestOneCommandStartsAFleet(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	list, err := n.Nodes(testkit.Context(t))
	testkit.Must(t, err)
	if len(list) != 1 || !list[0].Self || !list[0].Control || list[0].Status != "alive" || list[0].Retirable {
		t.Fatalf("nodes %+v, want the control plane alone", list)
	}
	made := n.spawnAlive(t)

	s, err := n.Open(testkit.Context(t), made.Name)
	testkit.Must(t, err)
	term, err := n.Attach(context.Background(), s, -1)
	testkit.Must(t, err)
	defer term.Close()
	ctx := testkit.Context(t)
	testkit.Must(t, term.Type(ctx, "echo $CONVOY_NODE $((6*7))\r"))
	testkit.Must(t, term.WaitFor(ctx, made.Name+" 42"))

	testkit.Must(t, n.Retire(ctx, made.Name))
	n.until(t, made.Name+" is gone", has(made.Name, ""))
	testkit.Must(t, n.Retire(ctx, made.Name)) // again: no error
}

func TestSecretsAreNotInShells(t *testing.T) {
	t.Parallel()
	const cookie = "kD93jfLq02mXv81zRtY6uWcB47nHsPaE"
	n := startNode(t, map[string]string{"CONVOY_COOKIE": cookie})
	made := n.spawnAlive(t)
	for _, node := range []string{"convoy", made.Name} {
		s, err := n.Open(testkit.Context(t), node)
		testkit.Must(t, err)
		term, err := n.Attach(context.Background(), s, -1)
		testkit.Must(t, err)
		defer term.Close()
		ctx := testkit.Context(t)
		testkit.Must(t, term.Type(ctx, "env; tr '\\0' ' ' </proc/$PPID/cmdline; echo done-$((1+1))\r"))
		testkit.Must(t, term.WaitFor(ctx, "done-2"))
		for _, secret := range []string{cookie, n.Token} {
			if bytes.Contains(term.Bytes(), []byte(secret)) {
				t.Errorf("a shell of %s can read a secret", node)
			}
		}
	}
	var page struct{ Lines []json.RawMessage }
	testkit.Must(t, n.Do(testkit.Context(t), "GET", "/nodes/convoy/log?from=0", nil, &page))
	if text, _ := json.Marshal(page); bytes.Contains(text, []byte(n.Token)) || bytes.Contains(text, []byte(cookie)) {
		t.Error("the log holds a secret")
	}
}

func TestNodeLimitIsExplained(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil, "-max-nodes", "1")
	n.spawnAlive(t)
	var p *client.Problem
	if _, err := n.Spawn(testkit.Context(t)); !errors.As(err, &p) || p.Status != 409 ||
		!strings.Contains(p.Hint, "-max-nodes") {
		t.Errorf("one too many: %v, want 409 with what to do", err)
	}
}

func TestControlPlaneIsNeverRetired(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	var p *client.Problem
	if err := n.Retire(testkit.Context(t), "convoy"); !errors.As(err, &p) || p.Status != 403 {
		t.Errorf("retiring the control plane: %v, want 403", err)
	}
}

func TestKilledNodeHasEnded(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	made := n.spawnAlive(t)
	s, err := n.Open(testkit.Context(t), made.Name)
	testkit.Must(t, err)
	kill(t, processOf(t, n, made.Name))
	n.until(t, "the node has ended", has(made.Name, "ended"))
	var p *client.Problem
	if err := n.Do(testkit.Context(t), "GET", s.Path(), nil, nil); !errors.As(err, &p) || p.Status != 502 {
		t.Errorf("asking a dead node: %v, want 502", err)
	}
	testkit.Must(t, n.Retire(testkit.Context(t), made.Name))
	n.until(t, "the node is gone", has(made.Name, ""))
}

func TestNodesSeeOneAnother(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	a, b := n.spawnAlive(t), n.spawnAlive(t)
	for _, made := range []client.Node{a, b} {
		var page struct {
			Boot  string
			Lines []struct{ Message string }
		}
		testkit.Must(t, n.Do(testkit.Context(t), "GET", "/nodes/"+made.Name+"/log", nil, &page))
		if page.Boot == "" || len(page.Lines) == 0 {
			t.Errorf("log of %s: %+v", made.Name, page)
		}
	}
}

func TestStopWhileAShellPrints(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	n := startNode(t, nil)
	made := n.spawnAlive(t)
	for _, node := range []string{"convoy", made.Name} {
		s, err := n.Open(testkit.Context(t), node)
		testkit.Must(t, err)
		term, err := n.Attach(context.Background(), s, -1)
		testkit.Must(t, err)
		defer term.Close()
		testkit.Must(t, term.Type(testkit.Context(t), "trap '' HUP; yes\r"))
		testkit.Must(t, term.WaitFor(testkit.Context(t), "y\r\ny\r\ny"))
	}
	if status := n.ended(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if !strings.Contains(n.out.text.String(), "node stopped") {
		t.Error("the log does not say that the node stopped")
	}
}

func TestTwoControlPlanes(t *testing.T) {
	t.Parallel()
	a, b := startNode(t, nil), startNode(t, nil)
	a.spawnAlive(t)
	list, err := b.Nodes(testkit.Context(t))
	testkit.Must(t, err)
	if len(list) != 1 {
		t.Errorf("two fleets on one machine mix: %+v", list)
	}
}

// Every node's console shows the same fleet, and its buttons work.
func TestSpawnAndRetireFromAnotherNode(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	made := n.spawnAlive(t)
	other := n.consoleOf(t, made.Name)
	second, err := other.Spawn(testkit.Context(t))
	testkit.Must(t, err)
	for _, console := range []*running{n, other} {
		list := console.until(t, "the second node is alive, with its steps, its process, and retirable",
			func(list []client.Node) bool {
				return has(second.Name, "alive")(list) && slices.ContainsFunc(list, func(one client.Node) bool {
					return one.Name == second.Name && one.Retirable && len(one.Steps) > 0 && one.ID != ""
				})
			})
		for _, one := range list {
			if one.Control && one.Retirable {
				t.Errorf("%+v: the control plane is never retirable", one)
			}
		}
	}
	testkit.Must(t, other.Retire(testkit.Context(t), second.Name))
	for _, console := range []*running{n, other} {
		console.until(t, "the second node is gone", has(second.Name, ""))
	}
	var p *client.Problem
	if err := other.Retire(testkit.Context(t), "convoy"); !errors.As(err, &p) || p.Status != 403 {
		t.Errorf("retiring the control plane from another node: %v, want 403", err)
	}
}

// consoleOf is the console of a node that n spawned: its log says where it listens.
func (n *running) consoleOf(t *testing.T, name string) *running {
	t.Helper()
	var page struct {
		Lines []struct {
			Message string
			Attrs   map[string]string
		}
	}
	testkit.Must(t, n.Do(testkit.Context(t), "GET", "/nodes/"+name+"/log?from=0", nil, &page))
	for _, line := range page.Lines {
		if line.Message == "node started" {
			c := client.New("http://"+line.Attrs["addr"], n.Token)
			t.Cleanup(c.Close)
			return &running{Client: c}
		}
	}
	t.Fatalf("the log of %s does not say where its console is: %+v", name, page)
	return nil
}
