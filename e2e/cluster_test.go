package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/peer"
)

const (
	testCookie = "kD93jfLq02mXv81zRtY6uWcB47nHsPaE"
	testToken  = "a-token-of-the-tests"
)

// loopback is the address that nodes meet at: ::1, or 127.0.0.1 where the machine has no IPv6.
var loopback = func() string {
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return "127.0.0.1"
	}
	probe.Close()
	return "::1"
}()

// byHand is a node that makes no others and polls nothing, as in three terminals by hand.
type byHand struct {
	*client.Client
	name string
	at   string // where it gossips, as host:port
	out  *output
}

func startByHand(t *testing.T, host string, args ...string) byHand {
	t.Helper()
	env := map[string]string{"CONVOY_COOKIE": testCookie, "CONVOY_TOKEN": testToken}
	n := launch(t, env, append(aloneArgs(host), args...)...)
	link := strings.Fields(n.out.line(testkit.Context(t), t, "log in at http"))[3]
	c := client.New(strings.TrimSuffix(link, "/"), testToken)
	t.Cleanup(c.Close)
	gossip := net.JoinHostPort(loopback, strconv.Itoa(n.out.gossip(testkit.Context(t))))
	return byHand{c, "convoy@" + host, gossip, n.out}
}

// connect asks a's console to connect to b.
func (a byHand) connect(t *testing.T, target string) (answer struct {
	Connected bool
	Reason    string
}) {
	t.Helper()
	testkit.Must(
		t, a.Client.Do(testkit.Context(t), http.MethodPost, "/peers", fmt.Appendf(nil, `{"target":%q}`, target), &answer),
	)
	return answer
}

// joins connects a to another node, which is there. A node tries for some seconds, which may not do on a busy machine.
func (a byHand) joins(t *testing.T, target string) {
	t.Helper()
	reason := ""
	defer func() {
		if t.Failed() {
			t.Log(reason)
		}
	}()
	testkit.Eventually(t, a.name+" is connected to "+target, func() bool {
		answer := a.connect(t, target)
		reason = answer.Reason
		return answer.Connected
	})
}

// evaluates evaluates source in a Convoy shell of a's, and returns what it printed.
func (a byHand) evaluates(t *testing.T, source string) string {
	t.Helper()
	out, problem := a.said(t, source)
	if problem != "" {
		t.Fatalf("%s: %s", source, problem)
	}
	return out
}

func TestConnectByHand(t *testing.T) {
	t.Parallel()
	a, b := startByHand(t, "a.test"), startByHand(t, "b.test")
	a.joins(t, b.at)
	for _, n := range []byHand{a, b} {
		running := &running{Client: n.Client}
		running.until(t, "both see both", func(list []client.Node) bool {
			return has("convoy@a.test", "alive")(list) && has("convoy@b.test", "alive")(list)
		})
	}
	if answer := a.connect(t, "convoy@nowhere.invalid"); answer.Connected || answer.Reason == "" {
		t.Errorf("connect to nobody: %+v, want false and the reason", answer)
	}
}

func TestThreeNodesByHand(t *testing.T) {
	t.Parallel()
	a, b, c := startByHand(t, "a.test"), startByHand(t, "b.test"), startByHand(t, "c.test")
	for _, other := range []byHand{b, c} {
		other.joins(t, a.at)
	}
	s, err := c.Open(testkit.Context(t), "convoy@c.test")
	testkit.Must(t, err)
	r := &running{Client: b.Client}
	r.until(t, "b knows c, and its shell", func(list []client.Node) bool {
		for _, one := range list {
			if one.Name == "convoy@c.test" && len(one.Shells) == 1 {
				return one.Shells[0].ID == s.ID
			}
		}
		return false
	})
}

func TestPingShowsInTheLog(t *testing.T) {
	t.Parallel()
	a, b := startByHand(t, "a.test"), startByHand(t, "b.test")
	a.joins(t, b.at)
	a.evaluates(t, `send("worker", "convoy@b.test", "ping")`)
	stream, err := a.Stream(testkit.Context(t), nil)
	testkit.Must(t, err)
	defer stream.Close()
	want := "Received ping on node convoy@b.test from convoy@a.test"
	for {
		e, err := stream.Next()
		testkit.Must(t, err)
		if e.Name == "log" && strings.Contains(string(e.Data), want) {
			break
		}
	}
	if state := a.evaluates(
		t, `rpc.call("convoy@b.test", "worker.state")`,
	); strings.Join(strings.Fields(state), " ") != "pings 1" {
		t.Errorf("worker.state: %s", state)
	}
}

func TestCallAcrossNodes(t *testing.T) {
	t.Parallel()
	a, b := startByHand(t, "a.test"), startByHand(t, "b.test")
	a.joins(t, b.at)
	want := "[(\"convoy@a.test\", \"convoy@a.test\"), (\"convoy@b.test\", \"convoy@b.test\")]"
	if got := a.evaluates(t, `[(r.node, r.value) for r in rpc.multicall("node.self")]`); !strings.Contains(got, want) {
		t.Errorf("node.self of all nodes: %s, want %s", got, want)
	}
}

func TestAnotherCookieStaysOut(t *testing.T) {
	t.Parallel()
	a := startByHand(t, "a.test")
	stranger, err := peer.New(
		peer.Config{Name: "convoy@b.test", Cookie: peer.NewCookie(), Bind: netip.MustParseAddr(loopback)},
	)
	testkit.Must(t, err)
	testkit.Must(t, stranger.Join(testkit.Context(t), http.NotFoundHandler()))
	defer stranger.Close()
	target := net.JoinHostPort(loopback, strconv.Itoa(int(stranger.GossipPort())))
	if answer := a.connect(t, target); answer.Connected || !strings.Contains(answer.Reason, "cookie") {
		t.Errorf("connect to a node with another cookie: %+v, want false because of the cookie", answer)
	}
}

func TestNodeDetailsAndMetrics(t *testing.T) {
	t.Parallel()
	a, b := startByHand(t, "a.test"), startByHand(t, "b.test")
	a.joins(t, b.at)
	// The page waits for a node's answers for three seconds, and says so where one is missing.
	testkit.Eventually(t, "the details of b say all of it", func() bool {
		page := get(t, a.Client, "/nodes/convoy@b.test", "text/html")
		for _, want := range []string{
			"convoy@a.test",
			"Goroutines",
			"Memory",
			"polls no name",
			"Convoy shells: isolation from the machine",
			"seccomp",
		} {
			if !strings.Contains(page, want) {
				return false
			}
		}
		return true
	})
	figures := get(t, a.Client, "/metrics", "*/*")
	for _, want := range []string{`convoy_members{state="alive"} 2`, `convoy_nodes{status="alive"} 2`,
		"process_resident_memory_bytes"} {
		if !strings.Contains(figures, want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
}

func get(t *testing.T, c *client.Client, path, accept string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(testkit.Context(t), http.MethodGet, c.Base+path, nil)
	testkit.Must(t, err)
	r.Header.Set("Authorization", "Bearer "+c.Token)
	r.Header.Set("Accept", accept)
	answer, err := c.HTTP.Do(r)
	testkit.Must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	testkit.Must(t, err)
	return string(text)
}
