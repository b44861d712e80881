// Package dnstest is a DNS server for tests: a zone in memory, served by
// miekg/dns over UDP and TCP on the loopback, that counts what it is asked and
// can fail in the ways in which name servers fail.
package dnstest

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Server answers from its zone. Its methods may be called while it serves.
type Server struct {
	addr netip.AddrPort

	mu      sync.Mutex
	records map[string][]dns.RR // by name and type
	names   map[string]bool
	rcode   int
	silent  bool
	asked   map[string]int
	arrived chan struct{} // closed and replaced at every question
}

// New starts a server on ::1 that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{
		records: map[string][]dns.RR{}, names: map[string]bool{},
		asked: map[string]int{}, arrived: make(chan struct{}),
	}
	tcp, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatalf("dnstest: %v", err)
	}
	s.addr = tcp.Addr().(*net.TCPAddr).AddrPort()
	udp, err := net.ListenPacket("udp", s.addr.String())
	if err != nil {
		t.Fatalf("dnstest: %v", err)
	}
	handler := dns.HandlerFunc(s.serve)
	for _, server := range []*dns.Server{{Listener: tcp, Handler: handler}, {PacketConn: udp, Handler: handler}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		done := make(chan struct{})
		go func() {
			defer close(done)
			server.ActivateAndServe()
		}()
		<-started
		t.Cleanup(func() {
			server.Shutdown()
			<-done
		})
	}
	return s
}

// Resolver asks only this server.
func (s *Server) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, s.addr.String())
	}}
}

// SRV adds a record under a service's name.
func (s *Server) SRV(name, target string, port uint16) {
	s.add(&dns.SRV{Hdr: header(name, dns.TypeSRV), Target: dns.Fqdn(target), Port: port})
}

// Addr adds an AAAA record, or an A record if the address is one of IPv4.
func (s *Server) Addr(host string, addr netip.Addr) {
	if addr.Is4() {
		s.add(&dns.A{Hdr: header(host, dns.TypeA), A: addr.AsSlice()})
		return
	}
	s.add(&dns.AAAA{Hdr: header(host, dns.TypeAAAA), AAAA: addr.AsSlice()})
}

// Clear takes all records away: every name is NXDOMAIN.
func (s *Server) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.records)
	clear(s.names)
}

// Fail answers everything with a code such as dns.RcodeServerFailure;
// dns.RcodeSuccess ends it.
func (s *Server) Fail(rcode int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcode = rcode
}

// Silence leaves questions without an answer.
func (s *Server) Silence(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = silent
}

// Asked counts the questions for a name and type, such as dns.TypeAAAA.
func (s *Server) Asked(name string, qtype uint16) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[key(name, qtype)]
}

// Arrived is closed at the next question.
func (s *Server) Arrived() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived
}

func header(name string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: dns.Fqdn(name), Rrtype: rrtype, Class: dns.ClassINET, Ttl: 0}
}

func key(name string, qtype uint16) string {
	return strings.ToLower(dns.Fqdn(name)) + dns.TypeToString[qtype]
}

func (s *Server) add(rr dns.RR) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := key(rr.Header().Name, rr.Header().Rrtype)
	s.records[k] = append(s.records[k], rr)
	s.names[strings.ToLower(rr.Header().Name)] = true
}

func (s *Server) serve(w dns.ResponseWriter, question *dns.Msg) {
	s.mu.Lock()
	q := question.Question[0]
	s.asked[key(q.Name, q.Qtype)]++
	close(s.arrived)
	s.arrived = make(chan struct{})
	answer := new(dns.Msg).SetReply(question)
	answer.Answer = append(answer.Answer, s.records[key(q.Name, q.Qtype)]...)
	if !s.names[strings.ToLower(q.Name)] {
		answer.Rcode = dns.RcodeNameError
	}
	if s.rcode != dns.RcodeSuccess {
		answer.Answer, answer.Rcode = nil, s.rcode
	}
	silent := s.silent
	s.mu.Unlock()
	if silent {
		return
	}
	if _, ok := w.LocalAddr().(*net.UDPAddr); ok {
		answer.Truncate(512)
	}
	w.WriteMsg(answer)
}
