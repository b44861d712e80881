package peer

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convoy/fleet"
	"convoy/internal/dnstest"
	"convoy/internal/testkit"
)

const (
	cookieA   = "R7fGq2LxVb9TzKd4WmYc8HsNp3JtXe6Q"
	cookieB   = "uB5kZw1oEr7PiMn0Dv3QgAx9ShLy4FjC"
	testQuery = "_convoy._tcp.convoy.internal"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := leaks(); code == 0 && err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

// leaks waits for goroutines to end. memberlist's last probe may take a while.
func leaks(options ...goleak.Option) error {
	return testkit.Retry(func() error { return goleak.Find(options...) })
}

// syncBuffer collects log lines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// testNode is a member with its log.
type testNode struct {
	*Cluster
	log *syncBuffer
}

type option func(*Config)

func withCookie(cookie string) option { return func(c *Config) { c.Cookie = cookie } }
func withBind(addr string) option {
	return func(c *Config) { c.Bind = netip.MustParseAddr(addr) }
}

// polling makes a node find others by SRV records of a test server.
func polling(dns *dnstest.Server) option {
	return func(c *Config) {
		c.Query, c.Resolver, c.Poll = testQuery, dns.Resolver(), 200*time.Millisecond
	}
}

// newNode returns a member that has not joined yet, and ends with the test.
func newNode(t *testing.T, host string, options ...option) *testNode {
	t.Helper()
	n := &testNode{log: &syncBuffer{}}
	cfg := Config{
		Name: "convoy@" + host, Cookie: cookieA, Bind: netip.IPv6Loopback(), Version: "0.1.0",
		Log: slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	for _, o := range options {
		o(&cfg)
	}
	var err error
	if n.Cluster, err = New(cfg); err != nil {
		t.Fatalf("New(%q): %v", cfg.Name, err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("Close of %s: %v", n.self.Name, err)
		}
	})
	return n
}

// startNode starts a member that serves h.
func startNode(t *testing.T, host string, h http.Handler, options ...option) *testNode {
	t.Helper()
	n := newNode(t, host, options...)
	n.mustJoin(t, h)
	return n
}

func (n *testNode) mustJoin(t *testing.T, h http.Handler) {
	t.Helper()
	if h == nil {
		h = http.NotFoundHandler()
	}
	if err := n.Join(t.Context(), h); err != nil {
		t.Fatalf("Join of %s: %v", n.self.Name, err)
	}
}

func (n *testNode) addr() netip.AddrPort { return netip.AddrPortFrom(n.cfg.Bind, n.GossipPort()) }

// announce adds nodes to a test server's zone.
func announce(dns *dnstest.Server, nodes ...*testNode) {
	for _, n := range nodes {
		_, host, _ := ParseName(n.self.Name)
		dns.Addr(host, n.cfg.Bind)
		dns.SRV(testQuery, host, n.GossipPort())
	}
}

func mustConnect(t *testing.T, from, to *testNode) {
	t.Helper()
	var err error
	defer func() {
		if err != nil {
			t.Logf("the last attempt: %v", err)
		}
	}()
	testkit.Eventually(t, from.self.Name+" connects", func() bool { // within streamTimeout, if the machine is not busy
		err = from.Connect(t.Context(), to.addr().String())
		return err == nil
	})
}

// until waits for a condition on a node's members.
func (n *testNode) until(t *testing.T, what string, ok func([]fleet.Member) bool) {
	t.Helper()
	deadline := time.NewTimer(testkit.Patience)
	defer deadline.Stop()
	for {
		changed := n.Changed()
		members := n.Members()
		if ok(members) {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("%s: not %s within %v; members: %v\nlog:\n%s", n.self.Name, what, testkit.Patience, states(members), n.log)
		}
	}
}

func states(members []fleet.Member) []string {
	var s []string
	for _, m := range members {
		s = append(s, m.Name+" "+m.Instance+" "+string(m.State))
	}
	return s
}

// sees waits until a node reports each of the others in a state.
func (n *testNode) sees(t *testing.T, state fleet.MemberState, others ...*testNode) {
	t.Helper()
	for _, o := range others {
		n.until(t, "seeing "+o.self.Name+" "+string(state), func(members []fleet.Member) bool {
			return stateOf(members, o.Instance()) == state
		})
	}
}

func stateOf(members []fleet.Member, instance string) fleet.MemberState {
	for _, m := range members {
		if m.Instance == instance {
			return m.State
		}
	}
	return ""
}

func get(t *testing.T, from *testNode, node, path string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := from.Do(node, r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return string(b), err
}

// sayName answers every request with the caller and the serving node.
func sayName(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := CallerOf(r.Context())
		io.WriteString(w, strings.Join([]string{caller.Name, caller.Instance, name, r.URL.Path}, " "))
	})
}

// listenSilently accepts connections and never sends anything.
func listenSilently(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) // the kernel accepts; no one reads
	return l.Addr().(*net.TCPAddr).AddrPort()
}
