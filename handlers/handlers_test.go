package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convoy/fleet"
	"convoy/internal/client"
	"convoy/logs"
	"convoy/pty"
	"convoy/pty/cast"
)

func TestMain(m *testing.M) {
	// The highlighter's clock stops by itself, a second after its last use.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

const (
	self  = "convoy@convoy.test"
	token = "token-of-the-handlers-tests"
)

// alone is a cluster without other nodes.
type alone struct{}

func (alone) Do(node string, _ *http.Request) (*http.Response, error) {
	return nil, errors.New("no route to " + node)
}

func (alone) Call(_ context.Context, node, fn string, _ ...any) (json.RawMessage, error) {
	return nil, errors.New("no route to " + node)
}

func (alone) Connect(_ context.Context, target string) error {
	return errors.New("no route to " + target)
}

// testNode is a node's HTTP side with real shells, on a real port.
type testNode struct {
	*Handlers
	url string
	log *slog.Logger
}

// start runs a node whose shells run program; everything is ended with the test.
func start(t *testing.T, program ...string) *testNode {
	t.Helper()
	return startWith(t, 0, program...)
}

// startWith runs one that lets go of viewers that draw nothing for so long.
func startWith(t *testing.T, stall time.Duration, program ...string) *testNode {
	t.Helper()
	return startNamed(t, self, alone{}, stall, program...)
}

// startNamed runs one of another name, in a cluster.
func startNamed(t *testing.T, self string, cluster Cluster, stall time.Duration, program ...string) *testNode {
	t.Helper()
	if len(program) == 0 {
		program = []string{"/bin/sh"}
	}
	return startTable(
		t,
		self,
		cluster,
		pty.Config{Programs: []pty.Program{{Kind: "system", Args: program}}, Max: 8, Stall: stall},
	)
}

// startTable runs one with such shells.
func startTable(t *testing.T, self string, cluster Cluster, table pty.Config) *testNode {
	t.Helper()
	ring := logs.New(2000)
	log := slog.New(ring.Handler(slog.NewTextHandler(io.Discard, nil)))
	recordings := cast.Dir{Path: t.TempDir() + "/recordings", MaxBytes: 1 << 30}
	table.Recordings, table.Node, table.Dir = recordings, self, t.TempDir()
	for i := range table.Programs {
		table.Programs[i].Env = []string{"PATH=/usr/bin:/bin", "PS1=$ ", "TERM=xterm"}
	}
	shells := pty.NewTable(table)
	nodes := fleet.New(fleet.Config{Self: self, Log: log})
	nodes.SetMembers(
		[]fleet.Member{
			{Name: self, Instance: "instance", State: fleet.MemberAlive, Self: true, Started: time.Now(), Seen: time.Now()},
		},
	)
	h, err := New(
		Config{
			Self:    self,
			Version: "test",
			Fleet:   nodes,
			Shells:  shells,
			Logs:    ring,
			Cluster: cluster,
			Token:   token,
			Keys: [][]byte{
				keyOf('k'),
			},
			Shares:     [][]byte{keyOf('s'), keyOf('o')},
			Statements: [][]byte{keyOf('n')},
			Hosts:      []string{"console.test"},
			Metrics:    http.NotFoundHandler(),
			Recordings: recordings,
			MaxUpload:  testUpload,
			Log:        log,
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h.Public())
	t.Cleanup(func() {
		h.Close()
		server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := shells.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := nodes.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &testNode{h, server.URL, log}
}

func (n *testNode) client(t *testing.T) *client.Client {
	t.Helper()
	c := client.New(n.url, token)
	t.Cleanup(c.Close)
	return c
}

// open opens a shell and a terminal on it.
func (n *testNode) open(t *testing.T, c *client.Client) (client.Shell, *client.Terminal) {
	t.Helper()
	s, err := c.Open(t.Context(), self)
	must(t, err)
	term, err := c.Attach(t.Context(), s, -1)
	must(t, err)
	t.Cleanup(term.Close)
	return s, term
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// deadline bounds each wait of these tests. A busy machine may need much of it; none takes it unless it fails.
const deadline = 2 * time.Minute

// soon is a context that ends before the test's patience does.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// request makes a request with headers given as "Name: value".
func (n *testNode) request(t *testing.T, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	answer, err := n.try(t, method, path, body, headers...)
	must(t, err)
	return answer
}

// try is request where the connection may be cut, as it is when a right is lost meanwhile.
func (n *testNode) try(t *testing.T, method, path, body string, headers ...string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, n.url+path, strings.NewReader(body))
	must(t, err)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	plain := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := plain.Do(r)
	if err == nil {
		t.Cleanup(func() { answer.Body.Close() })
	}
	return answer, err
}

const bearer = "Authorization: Bearer " + token

func TestBadInput(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	s, err := c.Open(t.Context(), self)
	must(t, err)
	shell := "/nodes/" + self + "/shells/" + s.ID
	const viewer = "viewer=bad-input-viewer-1"
	for _, test := range []struct {
		name, method, path, body string
		want                     int
		says                     string
	}{
		{"no such page", "GET", "/nowhere", "", 404, "nothing here"},
		{"wrong method", "PUT", "/nodes", "", 405, "not allowed"},
		{"unknown node", "GET", "/nodes/convoy-zzzz", "", 404, "no such node"},
		{"unknown node's shells", "GET", "/nodes/convoy-zzzz/shells", "", 404, "no such node"},
		{"unknown node, encoded", "GET", "/nodes/%2e%2e%2fetc", "", 404, "no such node"},
		{"unknown shell", "GET", "/nodes/" + self + "/shells/nosuchone1", "", 404, "no such shell"},
		{"close unknown shell", "DELETE", "/nodes/" + self + "/shells/nosuchone1", "", 404, "no such shell"},
		{"input for unknown shell", "POST", "/nodes/" + self + "/shells/nosuchone1/input", "x", 404, "no such shell"},
		{"spawn without provider", "POST", "/nodes", "", 503, "no provider"},
		{"retire without provider", "DELETE", "/nodes/" + self, "", 503, "no provider"},
		{"size of zero", "POST", shell + "/size?rows=0&cols=80", "", 400, "rows"},
		{"size too large", "POST", shell + "/size?rows=24&cols=100000", "", 400, "size"},
		{"size of nothing", "POST", shell + "/size", "", 400, "rows"},
		{"shell of bad size", "POST", "/nodes/" + self + "/shells", `{"rows":-1,"cols":3}`, 400, "rows"},
		{"shell of broken JSON", "POST", "/nodes/" + self + "/shells", `{"rows":`, 400, "JSON"},
		{"shell with a huge body", "POST", "/nodes/" + self + "/shells",
			`{"rows":24,"x":"` + strings.Repeat("x", 5000) + `"}`, 413, "4096"},
		{"input too large", "POST", shell + "/input", strings.Repeat("x", maxInput+1), 413, "65536"},
		{"input of a bad viewer", "POST", shell + "/input?viewer=x&n=0", "x", 400, "viewer"},
		{"input without number", "POST", shell + "/input?" + viewer, "x", 400, "n must"},
		{"input of a negative number", "POST", shell + "/input?n=-1&" + viewer, "x", 400, "n must"},
		{"input with an odd ack", "POST", shell + "/input?n=0&ack=many&" + viewer, "x", 400, "ack"},
		{"ack without offset", "POST", shell + "/ack?" + viewer, "", 400, "off"},
		{"ack of what never was", "POST", shell + "/ack?off=99999999&" + viewer, "", 400, "offset"},
		{"log from nowhere", "GET", "/nodes/" + self + "/log?from=x", "", 400, "from"},
		{"stream without viewer", "GET", "/stream", "", 400, "viewer"},
		{"stream of an odd shell", "GET", "/stream?shell=x&" + viewer, "", 400, "NODE/SHELL"},
		{"stream of a far shell", "GET", "/stream?shell=x/y/z@1&" + viewer, "", 400, "NODE/SHELL"},
		{"stream of an odd offset", "GET", "/stream?shell=x/y@-7&" + viewer, "", 400, "NODE/SHELL"},
		{"stream of an odd log", "GET", "/stream?log=x&" + viewer, "", 400, "NODE@BOOT"},
		{"stream of odd wishes", "GET", "/stream?want=all&" + viewer, "", 400, "want"},
		{"follow on a stream that is not", "POST", "/streams/nosuch/shells/" + self + "/" + s.ID, "", 404, "no such stream"},
		{"connect to nothing", "POST", "/peers", `{"target":" "}`, 400, "target"},
		{"connect with a broken body", "POST", "/peers", `{`, 400, "JSON"},
		{"connect to who is not there", "POST", "/peers", `{"target":"convoy@nowhere"}`, 200, `"connected":false`},
		{"guide page that is not", "GET", "/guide/nosuch", "", 404, "no such page"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := n.request(t, test.method, test.path, test.body, bearer)
			body, err := io.ReadAll(answer.Body)
			must(t, err)
			if answer.StatusCode != test.want || !strings.Contains(string(body), test.says) {
				t.Errorf("got %d %s, want %d and %q", answer.StatusCode, body, test.want, test.says)
			}
			if kind := answer.Header.Get("Content-Type"); kind != "application/json" {
				t.Errorf("Content-Type %q: a script wants JSON", kind)
			}
		})
	}
}

func TestInputNumbers(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	c := n.client(t)
	s, term := n.open(t, c)
	ctx := soon(t)
	must(t, c.Input(ctx, s, 0, -1, []byte("one\r")))
	must(t, term.WaitFor(ctx, "one\r\none\r\n"))     // the echo, and cat
	must(t, c.Input(ctx, s, 0, -1, []byte("one\r"))) // a repeat types nothing
	must(t, c.Input(ctx, s, 1, -1, []byte("two\r")))
	must(t, term.WaitFor(ctx, "two\r\ntwo"))
	if got := strings.Count(string(term.Bytes()), "one"); got != 2 {
		t.Errorf("%d times one in %q, want 2", got, term.Bytes())
	}
	var p *client.Problem
	if err := c.Input(
		ctx,
		s,
		5,
		-1,
		[]byte("six"),
	); !errors.As(err, &p) || p.Status != 409 || p.Expected == nil ||
		*p.Expected != 2 {
		t.Errorf("input with a gap: %v, want 409 and 2", err)
	}
}

func TestRow13_ManyViewersSameBytes(t *testing.T) {
	t.Parallel()
	n := start(t)
	a, b := n.client(t), n.client(t)
	s, first := n.open(t, a)
	second, err := b.Attach(t.Context(), s, -1)
	must(t, err)
	defer second.Close()
	ctx := soon(t)
	must(t, first.Type(ctx, "echo from-$((40+2)); exit 3\r"))
	for _, term := range []*client.Terminal{first, second} {
		must(t, term.WaitFor(ctx, "from-42"))
		how, err := term.WaitExit(ctx)
		if err != nil || how != "3" {
			t.Errorf("exit %q, %v, want 3", how, err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("two viewers saw %q and %q", first.Bytes(), second.Bytes())
	}
}

func TestResumeAtTheByte(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	s, term := n.open(t, c)
	ctx := soon(t)
	must(t, term.Type(ctx, "echo before-$((1+1))\r"))
	must(t, term.WaitFor(ctx, "before-2"))
	have := term.Bytes()
	off := term.Offset()
	term.Close()

	must(t, c.Do(ctx, "POST", s.Path()+"/input", []byte("echo after-$((2+2))\r"), nil))
	again, err := c.Attach(t.Context(), s, off)
	must(t, err)
	defer again.Close()
	must(t, again.WaitFor(ctx, "after-4"))
	whole, err := c.Attach(t.Context(), s, 0)
	must(t, err)
	defer whole.Close()
	must(t, whole.WaitFor(ctx, "after-4"))
	joined := append(have, again.Bytes()...)
	if n := min(len(joined), len(whole.Bytes())); !bytes.Equal(joined[:n], whole.Bytes()[:n]) {
		t.Errorf("resumed %q, whole %q", joined, whole.Bytes())
	}
}

func TestSizeTravelsInTheStream(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	s, term := n.open(t, c)
	ctx := soon(t)
	must(t, c.Do(ctx, "POST", s.Path()+"/size?rows=30&cols=100", nil, nil))
	must(t, term.Type(ctx, "stty size\r"))
	must(t, term.WaitFor(ctx, "30 100"))
	sizes := term.Sizes()
	if len(sizes) < 2 || !strings.HasPrefix(sizes[0], "24x80@0") || !strings.HasPrefix(sizes[len(sizes)-1], "30x100@") {
		t.Errorf("sizes %v, want 24x80, then 30x100", sizes)
	}
}

func TestShellThatCannotStart(t *testing.T) {
	t.Parallel()
	n := start(t, "/no/such/program")
	_, term := n.open(t, n.client(t))
	ctx := soon(t)
	must(t, term.WaitFor(ctx, "/no/such/program"))
	if how, err := term.WaitExit(ctx); err != nil || how != "127" {
		t.Errorf("exit %q, %v, want 127", how, err)
	}
}

func TestFollowLaterAndStop(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	s, err := c.Open(t.Context(), self)
	must(t, err)
	stream, err := c.Stream(t.Context(), url.Values{"want": {"none"}})
	must(t, err)
	defer stream.Close()
	path := "/streams/" + stream.ID + "/shells/" + self + "/" + s.ID
	must(t, c.Do(t.Context(), "POST", path+"?from=0", nil, nil))
	for seen := false; !seen; {
		e, err := stream.Next()
		must(t, err)
		seen = e.Name == "output"
	}
	must(t, c.Do(t.Context(), "DELETE", path, nil, nil))

	r := n.request(t, "POST", path, "", bearer, "Cookie: ")
	if r.StatusCode != http.StatusNoContent {
		t.Errorf("following again: %s", r.Status)
	}
}

func TestGoneShell(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	stream, err := c.Stream(t.Context(), url.Values{"want": {"none"}, "shell": {self + "/nosuchone1@0"}})
	must(t, err)
	defer stream.Close()
	e, err := stream.Next()
	if err != nil || e.Name != "gone" || !strings.Contains(string(e.Data), "nosuchone1") {
		t.Errorf("event %s %s, %v, want gone", e.Name, e.Data, err)
	}
}

func TestStreamOfNodesAndLog(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	stream, err := c.Stream(t.Context(), nil)
	must(t, err)
	defer stream.Close()
	n.log.Warn("a line\r\nevent: forged", "key", "value\r\rdata: forged")
	var fleetSeen, lineSeen bool
	for !fleetSeen || !lineSeen {
		e, err := stream.Next()
		must(t, err)
		switch e.Name {
		case "fleet":
			fleetSeen = fleetSeen || strings.Contains(string(e.Data), self)
		case "log":
			lineSeen = lineSeen || strings.Contains(string(e.Data), "a line")
		case "hb":
		default:
			t.Fatalf("event %q %s", e.Name, e.Data)
		}
	}
}

func TestNodesEventIsThePagesElement(t *testing.T) {
	t.Parallel()
	n := start(t)
	answer := n.request(t, "GET", "/stream?viewer=nodes-event-viewer&want=nodes", "", bearer, "Accept: text/event-stream")
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("Content-Type %q", kind)
	}
	buf := make([]byte, 64<<10)
	var got strings.Builder
	for !strings.Contains(got.String(), "event: nodes") {
		k, err := answer.Body.Read(buf)
		got.Write(buf[:k])
		must(t, err)
	}
	if !strings.Contains(got.String(), `id="nodes"`) || !strings.Contains(got.String(), self) {
		t.Errorf("nodes event: %s", got.String())
	}
}

// A thousand viewers come and go; nothing of them stays. TestMain counts the goroutines.
func TestThousandConnectsLeaveNothing(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	c := n.client(t)
	s, err := c.Open(t.Context(), self)
	must(t, err)
	for range 1000 {
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := c.Stream(ctx, url.Values{"shell": {s.Key()}})
		must(t, err)
		cancel()
		stream.Close()
	}
	n.Close()
	if open := n.streams.open(); open != 0 {
		t.Errorf("%d streams are left", open)
	}
}
