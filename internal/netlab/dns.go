//go:build linux

package netlab

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"convoy/internal/testkit"
)

// DNS is the lab's name server, on its own address, which all hosts query. Its
// methods may be called while it serves.
type DNS struct {
	mu      sync.Mutex
	addrs   map[string][]netip.Addr // by name
	failure Failure
	asked   map[string]int // questions by name and type
	since   map[netip.Addr]int
	arrived chan struct{} // closed and replaced at every question
	closed  chan struct{} // ends slow answers
	group   sync.WaitGroup
}

// Failure is a way in which a name server fails. The zero value is none.
type Failure struct {
	rcode  int           // answered to everything
	silent bool          // no answer at all
	late   time.Duration // each answer
	wrong  []netip.Addr  // answered instead
	flaps  bool          // answers are, in turn, right, NXDOMAIN, SERVFAIL, and all but the last address left out
}

// The ways in which a name server fails; Slow and Wrong make others.
var (
	Working  = Failure{}
	NXDOMAIN = Failure{rcode: dns.RcodeNameError}
	SERVFAIL = Failure{rcode: dns.RcodeServerFailure}
	Silence  = Failure{silent: true}
	Flapping = Failure{flaps: true}
)

// Slow answers each question rightly, but so much later.
func Slow(late time.Duration) Failure { return Failure{late: late} }

// Wrong answers with these addresses, whatever the name.
func Wrong(addrs ...netip.Addr) Failure { return Failure{wrong: addrs} }

// newDNS serves on the hub until the test ends.
func newDNS(t testing.TB, lab *Lab) *DNS {
	t.Helper()
	d := &DNS{
		addrs: map[string][]netip.Addr{}, asked: map[string]int{}, since: map[netip.Addr]int{},
		arrived: make(chan struct{}), closed: make(chan struct{}),
	}
	var tcp net.Listener
	var udp net.PacketConn
	testkit.Must(t, lab.hub.inside(func() (err error) {
		if tcp, err = net.Listen("tcp", net.JoinHostPort(DNSAddr, "53")); err == nil {
			udp, err = net.ListenPacket("udp", net.JoinHostPort(DNSAddr, "53"))
		}
		return err
	}))
	for _, server := range []*dns.Server{{Listener: tcp}, {PacketConn: udp}} {
		server.Handler = dns.HandlerFunc(d.serve)
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		d.group.Go(func() { server.ActivateAndServe() })
		<-started
		t.Cleanup(func() { server.Shutdown() })
	}
	t.Cleanup(func() { close(d.closed) })
	return d
}

// Set gives a name these addresses and no others; without any there is no such name.
func (d *DNS) Set(name string, addrs ...netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if name = dns.CanonicalName(name); len(addrs) == 0 {
		delete(d.addrs, name)
	} else {
		d.addrs[name] = slices.Clone(addrs)
	}
}

// Add gives a name one more address, of either family.
func (d *DNS) Add(name string, addr netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = dns.CanonicalName(name)
	if !slices.Contains(d.addrs[name], addr) {
		d.addrs[name] = append(d.addrs[name], addr)
	}
}

// Del takes one address from a name. A name without any is gone.
func (d *DNS) Del(name string, addr netip.Addr) {
	d.mu.Lock()
	rest := slices.DeleteFunc(slices.Clone(d.addrs[dns.CanonicalName(name)]), func(a netip.Addr) bool { return a == addr })
	d.mu.Unlock()
	d.Set(name, rest...)
}

// Fail makes the server fail in this way from now on, and resets the count of Since.
func (d *DNS) Fail(how Failure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failure = how
	clear(d.since)
}

// Asked counts the questions for a name and a type, such as dns.TypeAAAA.
func (d *DNS) Asked(name string, qtype uint16) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[dns.CanonicalName(name)+dns.TypeToString[qtype]]
}

// Since counts the questions that a host has asked since the last call of Fail.
func (d *DNS) Since(h *Host) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.since[h.addr]
}

// Arrived is closed at the next question.
func (d *DNS) Arrived() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.arrived
}

// serve answers one question, in a goroutine of its own.
func (d *DNS) serve(w dns.ResponseWriter, question *dns.Msg) {
	if len(question.Question) != 1 {
		return
	}
	answer := new(dns.Msg).SetReply(question)
	answer.Authoritative = true
	failure := d.answer(question.Question[0], addrOf(w.RemoteAddr()), answer)
	if failure.silent {
		return
	}
	if failure.late > 0 {
		select {
		case <-time.After(failure.late):
		case <-d.closed:
		}
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		size := dns.MinMsgSize
		if o := question.IsEdns0(); o != nil {
			size = int(o.UDPSize())
			answer.SetEdns0(o.UDPSize(), false)
		}
		answer.Truncate(size)
	}
	w.WriteMsg(answer)
}

// answer fills in the reply and counts the question. It returns what is wrong.
func (d *DNS) answer(q dns.Question, from netip.Addr, reply *dns.Msg) Failure {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := dns.CanonicalName(q.Name)
	d.asked[name+dns.TypeToString[q.Qtype]]++
	d.since[from]++
	close(d.arrived)
	d.arrived = make(chan struct{})
	addrs := d.addrs[name]
	switch f := d.failure; {
	case f.rcode != dns.RcodeSuccess:
		reply.Rcode = f.rcode
		return f
	case f.wrong != nil:
		addrs = f.wrong
	case f.flaps:
		reply.Rcode = []int{dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeServerFailure, dns.RcodeSuccess}[d.since[from]%4]
		if reply.Rcode != dns.RcodeSuccess {
			return f
		}
		if d.since[from]%4 == 3 && len(addrs) > 0 {
			addrs = addrs[len(addrs)-1:]
		}
	}
	if len(addrs) == 0 {
		reply.Rcode = dns.RcodeNameError
	}
	for _, a := range addrs {
		h := dns.RR_Header{Name: q.Name, Class: dns.ClassINET}
		if h.Rrtype = dns.TypeA; a.Is4() && q.Qtype == h.Rrtype {
			reply.Answer = append(reply.Answer, &dns.A{Hdr: h, A: a.AsSlice()})
		} else if h.Rrtype = dns.TypeAAAA; a.Is6() && q.Qtype == h.Rrtype {
			reply.Answer = append(reply.Answer, &dns.AAAA{Hdr: h, AAAA: a.AsSlice()})
		}
	}
	return d.failure
}

func addrOf(a net.Addr) netip.Addr {
	ap, _ := netip.ParseAddrPort(a.String())
	return ap.Addr().Unmap()
}
