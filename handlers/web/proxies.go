package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the trusted reverse proxies in front of the console. The zero value is none. Their headers are ignored in
// requests from any other address: anyone can send them.
type Proxies struct {
	// Networks hold the proxies' addresses.
	Networks []netip.Prefix
	// RealIP: the proxy overwrites X-Real-IP with the client's address, and X-Forwarded-For is not read. Railway's edge
	// does so.
	RealIP bool
}

// EveryPeer trusts every address: for a port that only the proxy can reach.
func EveryPeer() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
}

// proxyKeywords name networks in a list of proxies.
var proxyKeywords = map[string][]string{
	"loopback": {"127.0.0.0/8", "::1/128"},
	"private":  {"127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"},
}

// ParseProxies reads networks such as 10.1.0.0/16, addresses, and the words loopback and private.
func ParseProxies(list []string) (networks []netip.Prefix, err error) {
	for _, one := range list {
		words, known := proxyKeywords[one]
		if !known {
			words = []string{one}
		}
		for _, word := range words {
			network, err := parseNetwork(word)
			if err != nil {
				return nil, err
			}
			networks = append(networks, network)
		}
	}
	return networks, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil || network.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a network", text)
	}
	return network.Masked(), nil
}

// Trusts reports whether a proxy has that address.
func (p Proxies) Trusts(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(p.Networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// origin finds where a request comes from.
func (p Proxies) origin(r *http.Request) Origin {
	o := direct(r)
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !p.Trusts(peer.Addr()) {
		return o
	}
	o.proxied = true
	if client := p.client(r.Header); client.IsValid() {
		o.Addr = client.String()
	}
	if proto := strings.ToLower(lastOf(r.Header, "X-Forwarded-Proto")); proto == "http" || proto == "https" {
		o.Scheme = proto
	}
	if host := lastOf(r.Header, "X-Forwarded-Host"); host != "" {
		o.Host = host
	}
	return o
}

// client is the client's address according to the proxies, or the zero one. Each proxy appends the address that it got
// the request from, so the list is read from its end: the first address that is not a trusted proxy is the client's.
// The client controls everything before it, and everything before a value that is not an address.
func (p Proxies) client(head http.Header) (found netip.Addr) {
	if p.RealIP {
		found, _ = parseHop(lastOf(head, "X-Real-IP"))
		return found
	}
	for _, hop := range slices.Backward(valuesOf(head, "X-Forwarded-For")) {
		addr, ok := parseHop(hop)
		if !ok {
			break
		}
		found = addr
		if !p.Trusts(addr) {
			break
		}
	}
	return found
}

// parseHop reads an address as proxies write it: 192.0.2.7, 192.0.2.7:4711, 2001:db8::7, [2001:db8::7] or
// [2001:db8::7]:4711.
func parseHop(text string) (netip.Addr, bool) {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap().WithZone(""), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(text)
	return addr.Unmap().WithZone(""), err == nil
}

// valuesOf are the elements of a list, which may have several header lines.
func valuesOf(head http.Header, name string) (list []string) {
	for _, line := range head.Values(name) {
		for value := range strings.SplitSeq(line, ",") {
			list = append(list, strings.TrimSpace(value))
		}
	}
	return list
}

// lastOf is the last element of a list: the one from the nearest proxy.
func lastOf(head http.Header, name string) string {
	values := valuesOf(head, name)
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}
