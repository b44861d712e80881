package local

import (
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"
)

// Zone is the DNS zone of this machine's nodes.
const Zone = "convoy.internal"

const (
	service    = "_convoy._tcp." + Zone // the name that nodes poll
	ttlSeconds = 0                      // nodes come and go, so answers must not be cached
)

// zone is the content of the DNS server: hosts, all at one address, each with its gossip port. It is safe for
// concurrent use.
type zone struct {
	addr netip.Addr

	mu    sync.Mutex
	ports map[string]uint16 // by host, in lower case and with the final dot
}

func newZone(addr netip.Addr) *zone { return &zone{addr: addr, ports: make(map[string]uint16)} }

func (z *zone) set(host string, gossip uint16) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.ports[dns.CanonicalName(host)] = gossip
}

func (z *zone) remove(host string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	delete(z.ports, dns.CanonicalName(host))
}

// answer answers a question: NXDOMAIN for unknown names, no records for types that a name does not have, REFUSED for
// other zones (RFC 1035, 2308).
func (z *zone) answer(q dns.Question, reply *dns.Msg) {
	if q.Qclass != dns.ClassINET || !dns.IsSubDomain(dns.Fqdn(Zone), dns.CanonicalName(q.Name)) {
		reply.Rcode = dns.RcodeRefused
		return
	}
	reply.Authoritative = true
	z.mu.Lock()
	defer z.mu.Unlock()
	name := dns.CanonicalName(q.Name)
	switch _, host := z.ports[name]; {
	case name == dns.Fqdn(service):
		z.answerService(q, reply)
	case host && wants(q, z.addressType()):
		reply.Answer = append(reply.Answer, z.address(q.Name))
	case name == dns.Fqdn(Zone) && wants(q, dns.TypeSOA):
		reply.Answer = append(reply.Answer, authority(q.Name))
	case !z.exists(name):
		reply.Rcode = dns.RcodeNameError
	}
	if len(reply.Answer) == 0 {
		reply.Ns = append(reply.Ns, authority(dns.Fqdn(Zone)))
	}
}

// answerService lists all hosts with their ports and addresses.
func (z *zone) answerService(q dns.Question, reply *dns.Msg) {
	if !wants(q, dns.TypeSRV) {
		return
	}
	for _, host := range slices.Sorted(maps.Keys(z.ports)) {
		reply.Answer = append(reply.Answer, &dns.SRV{
			Hdr:    header(q.Name, dns.TypeSRV),
			Port:   z.ports[host],
			Target: host,
		})
		reply.Extra = append(reply.Extra, z.address(host))
	}
}

// exists reports whether there is a name, or one below it: a name between zone and host exists without records (RFC
// 8020).
func (z *zone) exists(name string) bool {
	if dns.IsSubDomain(name, dns.Fqdn(service)) {
		return true
	}
	for host := range z.ports {
		if dns.IsSubDomain(name, host) {
			return true
		}
	}
	return false
}

func (z *zone) addressType() uint16 {
	if z.addr.Is4() {
		return dns.TypeA
	}
	return dns.TypeAAAA
}

func (z *zone) address(name string) dns.RR {
	if z.addr.Is4() {
		return &dns.A{Hdr: header(name, dns.TypeA), A: net.IP(z.addr.AsSlice())}
	}
	return &dns.AAAA{Hdr: header(name, dns.TypeAAAA), AAAA: net.IP(z.addr.AsSlice())}
}

func wants(q dns.Question, rrtype uint16) bool { return q.Qtype == rrtype || q.Qtype == dns.TypeANY }

func header(name string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttlSeconds}
}

// authority returns the SOA record, which tells resolvers not to cache negative answers.
func authority(name string) dns.RR {
	return &dns.SOA{
		Hdr: header(name, dns.TypeSOA), Ns: dns.Fqdn(Zone), Mbox: "hostmaster." + dns.Fqdn(Zone),
		Serial: 1, Refresh: 60, Retry: 60, Expire: 60, Minttl: ttlSeconds, // seconds
	}
}
