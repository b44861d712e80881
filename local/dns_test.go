package local

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"convoy/internal/testkit"
)

var loopbacks = []netip.Addr{netip.IPv6Loopback(), netip.MustParseAddr("127.0.0.1")}

// serve returns a running server with that many hosts, n0 to n….
func serve(t *testing.T, addr netip.Addr, hosts int) *dnsServer {
	t.Helper()
	z := newZone(addr)
	for i := range hosts {
		z.set(fmt.Sprintf("convoy-n%02d.convoy.internal", i), uint16(40000+i))
	}
	packets, listener, err := listenBoth(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	s := startDNS(packets, listener, z, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := s.close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Errorf("close() = %v", err)
		}
		s.group.Wait()
	})
	return s
}

// ask sends one question over "udp" or "tcp". A size of 0 means no EDNS.
func ask(t *testing.T, s *dnsServer, network, name string, rrtype uint16, size uint16) *dns.Msg {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, rrtype)
	if size > 0 {
		m.SetEdns0(size, false)
	}
	c := dns.Client{Net: network, Timeout: testkit.Patience, UDPSize: dns.MaxMsgSize}
	reply, _, err := c.Exchange(m, s.addr.String())
	if err != nil {
		t.Fatalf("%s %s over %s: %v", dns.TypeToString[rrtype], name, network, err)
	}
	return reply
}

// dnsTest is a question, and what its answer must have.
type dnsTest struct {
	name    string
	rrtype  uint16
	rcode   int
	answers int
}

// dnsTests returns the tests for a zone whose addresses are of type mine, not other.
func dnsTests(mine, other uint16) []dnsTest {
	const host = "convoy-n00.convoy.internal."
	return []dnsTest{
		{host, mine, dns.RcodeSuccess, 1},
		{"CONVOY-n00.Convoy.INTERNAL.", mine, dns.RcodeSuccess, 1},
		{host, dns.TypeANY, dns.RcodeSuccess, 1},
		{host, other, dns.RcodeSuccess, 0},
		{host, dns.TypeSRV, dns.RcodeSuccess, 0},
		{host, dns.TypeTXT, dns.RcodeSuccess, 0},
		{service + ".", dns.TypeSRV, dns.RcodeSuccess, 2},
		{service + ".", dns.TypeANY, dns.RcodeSuccess, 2},
		{service + ".", mine, dns.RcodeSuccess, 0},
		{"_tcp.convoy.internal.", dns.TypeSRV, dns.RcodeSuccess, 0}, // there is a name below it
		{"convoy.internal.", dns.TypeSOA, dns.RcodeSuccess, 1},
		{"convoy.internal.", mine, dns.RcodeSuccess, 0},
		{"convoy-zzzz.convoy.internal.", mine, dns.RcodeNameError, 0},
		{"below." + host, mine, dns.RcodeNameError, 0},
		{"_udp.convoy.internal.", dns.TypeSRV, dns.RcodeNameError, 0},
		{"example.org.", mine, dns.RcodeRefused, 0},
		{"internal.", mine, dns.RcodeRefused, 0},
		{"notconvoy.internal.", mine, dns.RcodeRefused, 0},
		{".", dns.TypeNS, dns.RcodeRefused, 0},
	}
}

func TestDNS_Answers(t *testing.T) {
	t.Parallel()
	for _, addr := range loopbacks {
		s := serve(t, addr, 2)
		mine, other := dns.TypeAAAA, dns.TypeA
		if addr.Is4() {
			mine, other = other, mine
		}
		for _, network := range []string{"udp", "tcp"} {
			for _, test := range dnsTests(mine, other) {
				what := fmt.Sprintf("%s %s over %s at %s", dns.TypeToString[test.rrtype], test.name, network, addr)
				test.check(t, what, ask(t, s, network, test.name, test.rrtype, 0))
			}
		}
	}
}

func (test dnsTest) check(t *testing.T, what string, r *dns.Msg) {
	t.Helper()
	if r.Rcode != test.rcode || len(r.Answer) != test.answers || r.Truncated {
		t.Errorf("%s: %s, %d answers, want %s, %d", what, dns.RcodeToString[r.Rcode], len(r.Answer),
			dns.RcodeToString[test.rcode], test.answers)
	}
	refused := test.rcode == dns.RcodeRefused
	if r.Authoritative == refused || r.RecursionAvailable {
		t.Errorf("%s: authoritative %t", what, r.Authoritative)
	}
	if negative := test.answers == 0 && !refused; negative != (len(r.Ns) == 1) {
		t.Errorf("%s: %d authorities, want one only for a negative answer", what, len(r.Ns))
	}
	for _, rr := range slices.Concat(r.Answer, r.Ns, r.Extra) {
		if rr.Header().Ttl > 1 {
			t.Errorf("%s: TTL %d s, want at most 1 s", what, rr.Header().Ttl)
		}
	}
}

func TestDNS_OtherQuestions(t *testing.T) {
	t.Parallel()
	s := serve(t, netip.IPv6Loopback(), 1)
	query := func(change func(*dns.Msg)) *dns.Msg {
		m := new(dns.Msg).SetQuestion("convoy-n00.convoy.internal.", dns.TypeAAAA)
		change(m)
		return m
	}
	tests := []struct {
		name  string
		m     *dns.Msg
		rcode int
	}{
		{"other class", query(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }), dns.RcodeRefused},
		{"notify", query(func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }), dns.RcodeNotImplemented},
		{"update", query(func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }), dns.RcodeNotImplemented},
		{"two questions", query(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }), dns.RcodeFormatError},
		{
			"EDNS of the future",
			query(func(m *dns.Msg) { m.SetEdns0(1232, false); m.IsEdns0().SetVersion(7) }),
			dns.RcodeBadVers,
		},
	}
	for _, test := range tests {
		c := dns.Client{Timeout: testkit.Patience}
		r, _, err := c.Exchange(test.m, s.addr.String())
		if err != nil || r.Rcode != test.rcode {
			t.Errorf("%s: %v, %v, want %s", test.name, r, err, dns.RcodeToString[test.rcode])
		}
	}
}

func TestDNS_Truncation(t *testing.T) {
	t.Parallel()
	const hosts = 60
	s := serve(t, netip.IPv6Loopback(), hosts)
	tests := []struct {
		network   string
		size      uint16 // EDNS; 0: none
		limit     int
		truncated bool
		extra     bool // with all addresses
	}{
		{"udp", 0, dns.MinMsgSize, true, false},
		{"udp", 100, dns.MinMsgSize, true, false}, // a smaller size is not allowed
		{"udp", 1232, 1232, true, false},
		{"udp", 4096, 4096, false, false},
		{"udp", 65535, udpBytes, false, false},
		{"tcp", 0, dns.MaxMsgSize, false, true},
		{"tcp", 1232, dns.MaxMsgSize, false, true},
	}
	for _, test := range tests {
		r := ask(t, s, test.network, service+".", dns.TypeSRV, test.size)
		what := fmt.Sprintf("%s with EDNS %d", test.network, test.size)
		r.Compress = true // as it came
		packed, err := r.Pack()
		if err != nil || len(packed) > test.limit {
			t.Errorf("%s: %d bytes, %v, at most %d may come", what, len(packed), err, test.limit)
		}
		if r.Truncated != test.truncated || (len(r.Answer) == hosts) == test.truncated || len(r.Answer) == 0 {
			t.Errorf("%s: truncated %t with %d answers, want %t", what, r.Truncated, len(r.Answer), test.truncated)
		}
		if (r.IsEdns0() != nil) != (test.size > 0) {
			t.Errorf("%s: EDNS in the answer: %v", what, r.IsEdns0())
		}
		if all := len(r.Extra) >= hosts; all != test.extra {
			t.Errorf("%s: %d additional records", what, len(r.Extra))
		}
	}
}

// TestDNS_ResolverFindsAllNodes resolves like the poll: over UDP, and then over TCP because there are too many nodes.
func TestDNS_ResolverFindsAllNodes(t *testing.T) {
	t.Parallel()
	for _, addr := range loopbacks {
		for _, hosts := range []int{1, 3, 60} {
			s := serve(t, addr, hosts)
			r := Resolver(s.addr)
			_, records, err := r.LookupSRV(t.Context(), "", "", service+".")
			if err != nil || len(records) != hosts {
				t.Errorf("%d records at %s, %v, want %d", len(records), addr, err, hosts)
				continue
			}
			for _, record := range records {
				n, err := strconv.Atoi(record.Target[len("convoy-n"):][:2])
				if err != nil || int(record.Port) != 40000+n {
					t.Errorf("record %+v has the wrong port", record)
				}
				if !strings.HasSuffix(record.Target, ".convoy.internal.") {
					t.Errorf("record %+v is outside the zone", record)
				}
			}
			found, err := r.LookupNetIP(t.Context(), "ip", records[0].Target)
			if err != nil || len(found) != 1 || found[0].Unmap() != addr {
				t.Errorf("%s is at %v, %v, want %s", records[0].Target, found, err, addr)
			}
		}
	}
}

func TestDNS_AnnounceAndForget(t *testing.T) {
	t.Parallel()
	p := start(t, "node")
	found := func() int {
		_, records, err := p.Resolver().LookupSRV(t.Context(), "", "", p.Query()+".")
		var none *net.DNSError
		if err != nil && (!errors.As(err, &none) || !none.IsNotFound) {
			t.Fatal(err)
		}
		return len(records)
	}
	if n := found(); n != 0 {
		t.Errorf("%d nodes before any was announced", n)
	}
	p.Publish("Convoy.convoy.internal", 4444)
	p.Publish("convoy.convoy.internal.", 4445) // the same one
	if n := found(); n != 1 {
		t.Errorf("%d nodes, want this one", n)
	}
	name, _ := spawn(t, p, "one")
	if n := found(); n != 2 {
		t.Errorf("%d nodes, want this one and its child", n)
	}
	if err := p.Retire(t.Context(), name, noStep); err != nil {
		t.Fatal(err)
	}
	if n := found(); n != 1 {
		t.Errorf("%d nodes after one was retired, want 1", n)
	}
}

// TestDNS_Garbage: garbage does not affect the next question.
func TestDNS_Garbage(t *testing.T) {
	t.Parallel()
	s := serve(t, netip.IPv6Loopback(), 1)
	question, err := new(dns.Msg).SetQuestion("convoy-n00.convoy.internal.", dns.TypeAAAA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	packets := [][]byte{
		{}, {0}, []byte("GET / HTTP/1.1\r\n\r\n"), make([]byte, 12), make([]byte, 4000),
		question[:12], // a header that announces a question
		question[:20], // half a name
		append(question[:12:12], 0xc0, 0x0c, 0, 1, 0, 1), // a name that points to itself
		slices.Concat(question, make([]byte, 300)),
	}
	for i, packet := range packets {
		for _, network := range []string{"udp", "tcp"} {
			conn, err := net.Dial(network, s.addr.String())
			if err != nil {
				t.Fatal(err)
			}
			if network == "tcp" {
				packet = append([]byte{byte(len(packet) >> 8), byte(len(packet))}, packet...)
			}
			if _, err := conn.Write(packet); err != nil {
				t.Fatal(err)
			}
			conn.Close()
			if r := ask(t, s, network, "convoy-n00.convoy.internal.", dns.TypeAAAA, 0); len(r.Answer) != 1 {
				t.Errorf("after packet %d over %s: %v", i, network, r)
			}
		}
	}
}

func TestDNS_CloseEndsIdleConnections(t *testing.T) {
	t.Parallel()
	s := serve(t, netip.IPv6Loopback(), 0)
	conn, err := net.Dial("tcp", s.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := s.close(t.Context()); err != nil {
		t.Errorf("close() = %v", err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(testkit.Patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("an idle connection after close: %v, want its end", err)
	}
}

// FuzzZone: every question that can be parsed gets a reply that can be sent.
func FuzzZone(f *testing.F) {
	for _, name := range []string{service + ".", "convoy-n00.convoy.internal.", "example.org."} {
		b, err := new(dns.Msg).SetQuestion(name, dns.TypeANY).Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	z := newZone(netip.IPv6Loopback())
	z.set("convoy-n00.convoy.internal", 4444)
	f.Fuzz(func(t *testing.T, b []byte) {
		var request dns.Msg
		if request.Unpack(b) != nil || len(request.Question) != 1 {
			return
		}
		reply := new(dns.Msg).SetReply(&request)
		z.answer(request.Question[0], reply)
		truncateReply(reply, dns.MinMsgSize)
		if _, err := reply.Pack(); err != nil {
			t.Errorf("answer to %v: %v", request.Question, err)
		}
	})
}
