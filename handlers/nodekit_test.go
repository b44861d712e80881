package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/goleak"

	"convoy/fleet"
	"convoy/internal/client"
	"convoy/internal/testkit"
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
	public http.Handler
	url    string
	log    *slog.Logger
}

// start runs a node whose shells run program; everything is ended with the test.
func start(t *testing.T, program ...string) *testNode {
	t.Helper()
	return startWith(t, 0, program...)
}

// startWith runs one that drops viewers that draw nothing for that long.
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
		t, self, cluster, pty.Config{Programs: []pty.Program{{Kind: "system", Args: program}}, Max: 8, Stall: stall},
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
	nodes.SetMembers([]fleet.Member{
		{Name: self, Instance: "instance", State: fleet.MemberAlive, Self: true, Started: time.Now(), Seen: time.Now()},
	})
	h, err := New(Config{
		Self:       self,
		Version:    "test",
		Fleet:      nodes,
		Shells:     shells,
		Logs:       ring,
		Cluster:    cluster,
		Token:      token,
		Keys:       [][]byte{keyOf('k')},
		Shares:     [][]byte{keyOf('s'), keyOf('o')},
		Assertions: [][]byte{keyOf('n')},
		Hosts:      []string{"console.test"},
		Metrics:    http.NotFoundHandler(),
		Recordings: recordings,
		MaxUpload:  testUpload,
		Home:       "/home/test",
		Log:        log,
	})
	if err != nil {
		t.Fatal(err)
	}
	public := h.Public()
	server := httptest.NewServer(public)
	t.Cleanup(func() {
		h.Close()
		server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		if err := shells.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := nodes.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &testNode{h, public, server.URL, log}
}

// reach replaces the cluster of a node.
func (n *testNode) reach(c Cluster) { n.Cluster, n.nodes.Cluster, n.sessions.Cluster = c, c, c }

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
	testkit.Must(t, err)
	term, err := c.Attach(t.Context(), s, -1)
	testkit.Must(t, err)
	t.Cleanup(term.Close)
	return s, term
}

// request makes a request with headers given as "Name: value".
func (n *testNode) request(t *testing.T, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	answer, err := n.try(t, method, path, body, headers...)
	testkit.Must(t, err)
	return answer
}

// try is request where the connection may be cut, as it is when a right is lost meanwhile.
func (n *testNode) try(t *testing.T, method, path, body string, headers ...string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, n.url+path, strings.NewReader(body))
	testkit.Must(t, err)
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

// everyRoute calls fn with the method and the pattern of each route.
func everyRoute(t *testing.T, routes http.Handler, fn func(method, route string)) {
	t.Helper()
	each := func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		fn(method, route)
		return nil
	}
	testkit.Must(t, chi.Walk(routes.(chi.Router), each))
}
