package peer

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convoy/fleet"
	"convoy/internal/dnstest"
	"convoy/internal/testkit"
)

func TestPollByName(t *testing.T) {
	t.Parallel()
	dns := dnstest.New(t)
	a := startNode(t, "a.convoy.internal", nil, polling(dns))
	b := startNode(t, "b.convoy.internal", nil, polling(dns))
	c := startNode(t, "c.convoy.internal", nil, polling(dns))
	announce(dns, a, b, c)
	for _, n := range []*testNode{a, b, c} {
		n.sees(t, fleet.MemberAlive, a, b, c)
		members := n.Members()
		if !members[0].Self || members[0].Name != n.self.Name || members[0].Instance != n.Instance() {
			t.Errorf("%s: first member is %+v, not self", n.self.Name, members[0])
		}
		if len(members) != 3 {
			t.Errorf("%s: %d members, want 3: %v", n.self.Name, len(members), states(members))
		}
	}
	for _, m := range a.Members()[1:] {
		if m.Version != "0.1.0" || m.Started.IsZero() || m.Seen.IsZero() || m.CallAddr.Port() == 0 || m.Self {
			t.Errorf("member lacks something: %+v", m)
		}
	}
}

func TestConnect(t *testing.T) {
	t.Parallel()
	dns := dnstest.New(t)
	a := startNode(t, "a.convoy.internal", nil, func(c *Config) { c.Resolver = dns.Resolver() })
	b := startNode(t, "b.convoy.internal", nil)
	c := startNode(t, "c.convoy.internal", nil)
	announce(dns, b)
	mustConnect(t, b, c)
	place := "convoy@b.convoy.internal:" + portOf(b.addr())
	if err := a.Connect(t.Context(), place); err != nil {
		t.Fatalf("Connect(%q): %v", place, err)
	}
	if got := stateOf(a.Members(), b.Instance()); got != fleet.MemberAlive {
		t.Errorf("after Connect the node is %q", got)
	}
	a.sees(t, fleet.MemberAlive, c) // known to b
	c.sees(t, fleet.MemberAlive, a)

	tests := []struct {
		place string
		want  error
	}{
		{"convoy@b.convoy.internal:0", nil},
		{"Convoy!@b", ErrBadName},
		{"", nil},
		{"[::1]:1", ErrUnreachable},
		{"convoy@nowhere.convoy.internal", nil},
		{"convoy2@b.convoy.internal:" + portOf(b.addr()), ErrUnknownNode},
	}
	for _, test := range tests {
		err := a.Connect(t.Context(), test.place)
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("Connect(%q) = %v, want an error, %v", test.place, err, test.want)
		}
	}
	if err := a.Connect(t.Context(), a.addr().String()); err != nil {
		t.Errorf("Connect to itself: %v", err)
	}
}

// TestLocalClusterByHand has a resolver in place of /etc/hosts, and no poll: nodes are connected by name and port.
func TestLocalClusterByHand(t *testing.T) {
	t.Parallel()
	hosts := dnstest.New(t)
	var nodes []*testNode
	for _, host := range []string{"one.local", "two.local", "three.local"} {
		hosts.Addr(host, netip.IPv6Loopback())
		nodes = append(nodes, startNode(t, host, nil, func(c *Config) { c.Resolver = hosts.Resolver() }))
	}
	for _, n := range nodes[1:] {
		place := nodes[0].self.Name + ":" + portOf(nodes[0].addr())
		if err := n.Connect(t.Context(), place); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		n.sees(t, fleet.MemberAlive, nodes...)
	}
}

// On one machine nodes differ by port, which is in the polled records.
func TestConnectFindsThePortInSRV(t *testing.T) {
	t.Parallel()
	dns := dnstest.New(t)
	a := startNode(t, "a.convoy.internal", nil, func(c *Config) {
		c.Resolver, c.Query, c.Poll = dns.Resolver(), testQuery, time.Hour
	})
	b := startNode(t, "b.convoy.internal", nil)
	announce(dns, b)
	if err := a.Connect(t.Context(), b.self.Name); err != nil {
		t.Fatal(err)
	}
	a.sees(t, fleet.MemberAlive, b)
}

func portOf(a netip.AddrPort) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

func TestDNSNeverKills(t *testing.T) {
	t.Parallel()
	dns := dnstest.New(t)
	a := startNode(t, "a.convoy.internal", nil, polling(dns))
	b := startNode(t, "b.convoy.internal", nil, polling(dns))
	announce(dns, a, b)
	a.sees(t, fleet.MemberAlive, b)
	b.sees(t, fleet.MemberAlive, a)

	changed := a.Changed()
	failures := []struct {
		begin func()
		polls int
	}{
		{dns.Clear, 3},                    // NXDOMAIN
		{func() { dns.Fail(2) }, 3},       // SERVFAIL
		{func() { dns.Silence(true) }, 1}, // no answer, until the resolver's timeout
	}
	for _, failure := range failures {
		failure.begin()
		for range failure.polls {
			arrived := dns.Arrived()
			a.poll.pollSoon()
			select {
			case <-arrived:
			case <-time.After(testkit.Patience):
				t.Fatal("dns is no longer polled")
			}
		}
	}
	select {
	case <-changed:
		t.Errorf("members changed with dns: %v", states(a.Members()))
	default:
	}
}

func TestKilledNodeIsUnreachable(t *testing.T) {
	t.Parallel()
	a := startNode(t, "a.example", nil)
	b := startNode(t, "b.example", nil)
	c := startNode(t, "c.example", nil)
	mustConnect(t, b, a)
	mustConnect(t, c, a)
	a.sees(t, fleet.MemberAlive, b, c)
	b.sees(t, fleet.MemberAlive, c)
	started := time.Now()
	if err := c.Close(); err != nil { // without Leave: as if killed
		t.Fatal(err)
	}
	a.sees(t, fleet.MemberUnreachable, c)
	b.sees(t, fleet.MemberUnreachable, c)
	t.Logf("noticed after %v", time.Since(started))
	for _, m := range a.Members() {
		if m.Instance == c.Instance() && (m.Seen.Before(started.Add(-5*time.Second)) || m.Seen.After(time.Now())) {
			t.Errorf("last seen at %v, killed at %v", m.Seen, started)
		}
	}
	if _, err := get(t, a, c.self.Name, "/"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("request to a dead node: %v, want ErrUnreachable", err)
	}
}

func TestLeaveShowsAtOnce(t *testing.T) {
	t.Parallel()
	a := startNode(t, "a.example", nil)
	b := startNode(t, "b.example", nil)
	c := startNode(t, "c.example", nil)
	mustConnect(t, b, a)
	mustConnect(t, c, a)
	a.sees(t, fleet.MemberAlive, b, c)
	b.sees(t, fleet.MemberAlive, c)
	started := time.Now()
	c.Leave(t.Context())
	a.sees(t, fleet.MemberLeft, c)
	b.sees(t, fleet.MemberLeft, c)
	t.Logf("left after %v", time.Since(started))
	c.Leave(t.Context())
	if err := c.Connect(t.Context(), a.addr().String()); !errors.Is(err, ErrClosed) {
		t.Errorf("Connect after Leave: %v, want ErrClosed", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for _, n := range []*testNode{a, b} {
		if got := stateOf(n.Members(), c.Instance()); got != fleet.MemberLeft {
			t.Errorf("%s: a node that left and closed is %q", n.self.Name, got)
		}
	}
}

// During a redeployment two instances share a name: the younger one owns it.
func TestRedeploy(t *testing.T) {
	t.Parallel()
	a := startNode(t, "a.example", nil)
	older := startNode(t, "web.example", sayName("older"))
	mustConnect(t, older, a)
	a.sees(t, fleet.MemberAlive, older)
	younger := newNode(t, "web.example")
	younger.started = older.started.Add(time.Second)
	younger.mustJoin(t, sayName("younger"))
	mustConnect(t, younger, a)
	a.sees(t, fleet.MemberAlive, older, younger)
	if got, err := get(t, a, "convoy@web.example", "/"); err != nil || !strings.Contains(got, "younger") {
		t.Errorf("in the overlap %q, %v answers, want the younger one", got, err)
	}
	older.Leave(t.Context())
	a.sees(t, fleet.MemberLeft, older)
	if got, err := get(t, a, "convoy@web.example", "/"); err != nil || !strings.Contains(got, "younger") {
		t.Errorf("after the overlap %q, %v answers, want the younger one", got, err)
	}
}

// After a crash the next process says that its predecessor has ended, before anybody suspects that: here it even lives.
func TestEarlierInstance(t *testing.T) {
	t.Parallel()
	a := startNode(t, "a.example", nil)
	b := startNode(t, "b.example", nil)
	earlier := startNode(t, "web.example", nil)
	mustConnect(t, b, a)
	mustConnect(t, earlier, a)
	b.sees(t, fleet.MemberAlive, a, earlier)
	next := startNode(t, "web.example", nil, func(c *Config) { c.Earlier = []string{"unknown", earlier.Instance()} })
	mustConnect(t, next, a)
	for _, n := range []*testNode{a, b, next} {
		n.sees(t, fleet.MemberLeft, earlier)
	}
	b.sees(t, fleet.MemberAlive, next)
}

func TestIPv6(t *testing.T) {
	t.Parallel()
	dns := dnstest.New(t)
	a := startNode(t, "a.example", nil, func(c *Config) {
		c.Query, c.Resolver, c.Poll = "nodes.example", dns.Resolver(), 100*time.Millisecond
	})
	if !a.Members()[0].Addr.Addr().Is6() || !a.Members()[0].CallAddr.Addr().Is6() {
		t.Errorf("addresses %v, %v: not IPv6", a.Members()[0].Addr, a.Members()[0].CallAddr)
	}
	const aaaa, a4 = 28, 1
	testkit.Eventually(t, "AAAA asked", func() bool { return dns.Asked("nodes.example", aaaa) > 1 })
	if n := dns.Asked("nodes.example", a4); n > 0 {
		t.Errorf("A was asked %d times: every node would be joined twice", n)
	}
	if DefaultPort != 4444 || DefaultCallPort != 4445 {
		t.Errorf("default ports %d, %d; want 4444, 4445", DefaultPort, DefaultCallPort)
	}
}

// In a network without IPv6 everything uses IPv4, and only A is queried.
func TestIPv4Only(t *testing.T) {
	t.Parallel()
	dns := dnstest.New(t)
	a := startNode(t, "a.convoy.internal", nil, withBind("127.0.0.1"), polling(dns))
	b := startNode(t, "b.convoy.internal", sayName("b"), withBind("127.0.0.1"), polling(dns))
	announce(dns, a, b)
	a.sees(t, fleet.MemberAlive, b)
	if n := dns.Asked("b.convoy.internal", 28); n > 0 {
		t.Errorf("AAAA was asked %d times", n)
	}
	if got, err := get(t, a, b.self.Name, "/x"); err != nil || !strings.HasSuffix(got, "b /x") {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestQueryAndIntervalAreConfigurable(t *testing.T) {
	t.Parallel()
	dns := dnstest.New(t)
	n := newNode(t, "some.host.example", func(c *Config) {
		c.Name = "fleet@some.host.example"
		c.Query, c.Resolver, c.Poll = "who.example", dns.Resolver(), 20*time.Millisecond
	})
	n.mustJoin(t, nil)
	if n.Members()[0].Name != "fleet@some.host.example" {
		t.Errorf("name is %q", n.Members()[0].Name)
	}
	const polls = 3 * int(testkit.Patience/DefaultPoll) // too many for the default interval
	testkit.Eventually(t, "many polls", func() bool { return dns.Asked("who.example", 28) >= polls })
	none := startNode(t, "none.example", nil, func(c *Config) { c.Resolver = dns.Resolver() })
	_ = none
	if n := dns.Asked("", 28); n > 0 {
		t.Errorf("no query is configured, %d were asked", n)
	}
}

func TestJoinRefusesWhatOthersCannotReach(t *testing.T) {
	t.Parallel()
	for _, bind := range []string{"::", "0.0.0.0", "ff02::1", "fe80::1%lo"} {
		_, err := New(Config{Name: "convoy@a", Cookie: cookieA, Bind: netip.MustParseAddr(bind)})
		if err == nil {
			t.Errorf("New with bind address %q: no error", bind)
		}
	}
	if _, err := New(Config{Name: "convoy@a", Cookie: cookieA}); err == nil {
		t.Error("New without bind address: no error")
	}
	if _, err := New(Config{Name: "convoy", Cookie: cookieA, Bind: netip.IPv6Loopback()}); !errors.Is(err, ErrBadName) {
		t.Errorf("New without host: %v", err)
	}
}

func TestJoinSaysThatAPortIsTaken(t *testing.T) {
	t.Parallel()
	a := startNode(t, "a.example", nil)
	for _, o := range []option{
		func(c *Config) { c.Port = a.GossipPort() },
		func(c *Config) { c.CallPort = a.CallPort() },
	} {
		b := newNode(t, "b.example", o)
		if err := b.Join(t.Context(), http.NotFoundHandler()); err == nil ||
			!strings.Contains(err.Error(), "address already in use") {
			t.Errorf("Join on a taken port: %v", err)
		}
		if err := b.Join(t.Context(), http.NotFoundHandler()); !errors.Is(err, ErrClosed) {
			t.Errorf("second Join: %v", err)
		}
	}
}

// Join, Leave, and Close leave no goroutine behind, in any order.
func TestNothingIsLeft(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("lives", func(t *testing.T) {
		dns := dnstest.New(t)
		never := newNode(t, "never.example")
		if err := never.Close(); err != nil {
			t.Error(err)
		}
		a := startNode(t, "a.example", sayName("a"), polling(dns))
		b := startNode(t, "b.example", nil, polling(dns))
		announce(dns, a, b)
		b.sees(t, fleet.MemberAlive, a)
		if _, err := get(t, b, a.self.Name, "/"); err != nil {
			t.Error(err)
		}
		b.Leave(t.Context())
		err := errors.Join(b.Close(), b.Close())
		b.Leave(t.Context())
		if err := errors.Join(err, a.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := leaks(before); err != nil {
		t.Error(err)
	}
}
