//go:build linux

package netlab_test

import (
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"convoy/internal/client"
	"convoy/internal/netlab"
	"convoy/internal/testkit"
)

// TestDiscoveryByAAAA starts the real program on three hosts, as a person
// would on three machines: each finds the others by the AAAA records of one name,
// at one port, 4444. The members are called by their own names.
func TestDiscoveryByAAAA(t *testing.T) {
	t.Parallel()
	s := newScene(t, 3)
	var otherPort atomic.Int64 // UDP packets between hosts that are not gossip on 4444
	s.lab.Capture(func(f netlab.Frame) {
		if p, ok := f.Parse(); ok && p.UDP && p.From.Port() != 53 && p.To.Port() != 53 &&
			(p.From.Port() != 4444 || p.To.Port() != 4444) {
			otherPort.Add(1)
		}
	})
	hosts := []string{"one.internal", "two.internal", "three.internal"}
	var all []*program
	for i, name := range hosts {
		addr := s.lab.Host(i).Addr()
		s.lab.DNS.Add(query, addr)
		s.lab.DNS.Add(name, addr)
		all = append(all, s.convoy(s.lab.Host(i), name))
	}
	for _, p := range all {
		p.started()
		took := p.nodes(deadline, "all three are alive", func(list []client.Node) bool {
			return alive(list, "convoy@one.internal", "convoy@two.internal", "convoy@three.internal")
		})
		t.Logf("%s shows all three %v after it started", p.name, took.Round(time.Millisecond))
	}
	for i, p := range all {
		p.nodes(deadline, "each at its address and port 4444", func(list []client.Node) bool {
			for _, n := range list {
				if n.Name == p.name && n.Address != netip.AddrPortFrom(s.lab.Host(i).Addr(), 4444).String() {
					return false
				}
			}
			return true
		})
	}
	if n := s.lab.DNS.Asked(query, dns.TypeAAAA); n < 3 {
		t.Errorf("DNS was asked for AAAA %d times by 3 nodes", n)
	}
	for _, other := range []uint16{dns.TypeA, dns.TypeSRV, dns.TypeANY} {
		if n := s.lab.DNS.Asked(query, other); n > 0 {
			t.Errorf("DNS was asked for %s %d times", dns.TypeToString[other], n)
		}
	}
	if n := otherPort.Load(); n > 0 {
		t.Errorf("%d packets of UDP from or to other ports than 4444", n)
	}
}

// TestDNSNeverKills fails DNS in every way while a cluster polls it. An
// address without a host keeps the nodes polling each interval.
func TestDNSNeverKills(t *testing.T) {
	t.Parallel()
	s := newScene(t, 4)
	dead, stranger := netip.MustParseAddr("fd12:1ab::dead"), s.lab.Host(3).Addr()
	var all []*process
	for _, h := range s.lab.Hosts()[:3] {
		s.lab.DNS.Add(query, h.Addr())
		all = append(all, s.begin(h, withPoll(200*time.Millisecond)))
	}
	s.lab.DNS.Add(query, dead)
	s.ready(all...)
	s.whole(deadline, all...)
	began := time.Now()
	for _, step := range []struct {
		name string
		how  netlab.Failure
		asks int // questions of each node under it; a look-up that gets no answer is two
	}{
		{"NXDOMAIN", netlab.NXDOMAIN, 5},
		{"SERVFAIL", netlab.SERVFAIL, 5},
		{"wrong addresses", netlab.Wrong(dead, stranger), 5},
		{"flapping", netlab.Flapping, 10},
		{"slow", netlab.Slow(700 * time.Millisecond), 3},
		{"too slow", netlab.Slow(5 * time.Second), 4},
		{"silent", netlab.Silence, 4},
	} {
		s.lab.DNS.Fail(step.how)
		took := s.until(deadline, step.name+": each node has asked some times", func() bool {
			for _, h := range s.lab.Hosts()[:3] {
				if s.lab.DNS.Since(h) < step.asks {
					return false
				}
			}
			return true
		})
		s.mu.Lock()
		wrong := lost(began, all, all)
		s.mu.Unlock()
		if wrong != "" {
			t.Fatalf("%s: %s\n%s", step.name, wrong, s.report())
		}
		t.Logf("%s: nobody lost in %v", step.name, took.Round(time.Millisecond))
	}
	s.lab.DNS.Fail(netlab.Working)
	s.lab.DNS.Set(query) // gone
	s.holds(3*time.Second, func() string { return lost(began, all, all) })
	s.lab.DNS.Set(query, stranger) // a node that comes later is found all the same
	late := s.node(s.lab.Host(3))
	took := s.whole(deadline, append(all, late)...)
	t.Logf("gone: nobody lost in 3s; a node that came afterwards joined in %v", took.Round(time.Millisecond))
}

// TestIPv6 runs two nodes of the real program where DNS has A records too.
// All their sockets and all their packets are IPv6, and nobody joins twice.
func TestIPv6(t *testing.T) {
	t.Parallel()
	s := newScene(t, 2)
	var four, six atomic.Int64
	s.lab.Capture(func(f netlab.Frame) {
		switch f.EtherType() {
		case 0x0800, 0x0806: // IPv4, ARP
			four.Add(1)
		case 0x86dd:
			six.Add(1)
		}
	})
	var all []*program
	for i, name := range []string{"one.internal", "two.internal"} {
		addr := s.lab.Host(i).Addr()
		s.lab.DNS.Add(query, addr)
		s.lab.DNS.Add(query, netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}))
		all = append(all, s.convoy(s.lab.Host(i), name))
	}
	for _, p := range all {
		p.started()
		p.nodes(deadline, "both are alive, once", func(list []client.Node) bool {
			return alive(list, "convoy@one.internal", "convoy@two.internal")
		})
	}
	if err := all[0].Do(t.Context(), "GET", "/nodes/convoy@two.internal/log", nil, nil); err != nil {
		t.Errorf("a call over IPv6: %v", err)
	}
	for i, p := range all {
		checkSockets(t, p, s.lab.Host(i).Addr())
	}
	if four.Load() > 0 || six.Load() == 0 {
		t.Errorf("%d frames of IPv4 and %d of IPv6 were seen", four.Load(), six.Load())
	}
	t.Logf("%d frames of IPv6, none of IPv4", six.Load())
}

// checkSockets reads what a process's namespace listens on (proc_net(5)): gossip and
// calls at the one address, nothing at all on IPv4.
func checkSockets(t *testing.T, p *program, addr netip.Addr) {
	t.Helper()
	for _, want := range []struct {
		table string
		port  uint16
		found bool
	}{
		{"udp6", 4444, true}, {"tcp6", 4444, true}, {"tcp6", 4445, true},
		{"udp", 0, false}, {"tcp", 0, false},
	} {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/net/" + want.table)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			listens := len(words) > 3 && (words[3] == "0A" || words[3] == "07") // TCP_LISTEN; an unconnected UDP socket
			found = found || listens && (want.port == 0 || words[1] == procAddr(addr, want.port))
		}
		if found != want.found {
			t.Errorf("%s: %s at port %d of %v: %v, want %v:\n%s", p.name, want.table, want.port, addr, found, want.found, text)
		}
	}
}

// procAddr writes an address as /proc/net does: words of 32 bits in the machine's order.
func procAddr(addr netip.Addr, port uint16) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	bytes := addr.As16()
	for i := range bytes {
		c := bytes[i/4*4+3-i%4]
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	b.WriteByte(':')
	for shift := 12; shift >= 0; shift -= 4 {
		b.WriteByte(digits[port>>shift&15])
	}
	return b.String()
}

// TestSilentNameServers starts two nodes whose resolv.conf lists two servers that never answer before the one that
// does. They find each other, and report the silent ones.
func TestSilentNameServers(t *testing.T) {
	t.Parallel()
	s := newScene(t, 2)
	var all []*program
	for i, name := range []string{"one.internal", "two.internal"} {
		h := s.lab.Host(i)
		testkit.Must(t, h.Resolve("nameserver fd12:1ab::dead", "nameserver fd12:1ab::beef", "nameserver "+netlab.DNSAddr))
		s.lab.DNS.Add(query, h.Addr())
		all = append(all, s.convoy(h, name))
	}
	for _, p := range all {
		p.started()
		p.nodes(deadline, "both are alive", func(list []client.Node) bool {
			return alive(list, "convoy@one.internal", "convoy@two.internal")
		})
		s.until(deadline, "it reports the silent servers", func() bool {
			return p.lines("WARN", "poll: a name server does not answer") > 0
		})
		var about struct{ Result string }
		source := []byte(`{"source": "node.info(node.self()).dns.outcome"}`)
		testkit.Must(t, p.Do(t.Context(), "POST", "/nodes/"+p.name+"/eval", source, &about))
		if want := "answered; silent: [fd12:1ab::beef]:53, [fd12:1ab::dead]:53"; !strings.Contains(about.Result, want) {
			t.Errorf("the outcome of the last lookup is %s, want %q", about.Result, want)
		}
	}
}
