package handlers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the reverse proxies in front of the console whose headers are believed. The zero value is none. A header
// from any other address means nothing: anybody can write one.
type Proxies struct {
	// Networks hold the proxies' addresses.
	Networks []netip.Prefix
	// RealIP: the proxy overwrites X-Real-IP with the client's address, and X-Forwarded-For is not read. Railway's edge
	// does so.
	RealIP bool
}

// EveryPeer are proxies at any address: for a port that nobody but the proxy can reach.
func EveryPeer() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
}

// proxyKeywords stand for networks in a list of proxies.
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

// Trusts reports whether a proxy may have that address.
func (p Proxies) Trusts(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(p.Networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// origin is where a request comes from: the one answer that everything uses, from the throttle to the cookies.
type origin struct {
	addr    string // of the client; with its port if it is connected to us itself
	scheme  string // http or https, as the browser sees it
	host    string // as the browser calls us, with its port if it named one
	proxied bool   // a trusted proxy is in between
}

// origin reads a request as it came in.
func (p Proxies) origin(r *http.Request) origin {
	o := origin{addr: r.RemoteAddr, scheme: "http", host: r.Host}
	if r.TLS != nil {
		o.scheme = "https"
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !p.Trusts(peer.Addr()) {
		return o
	}
	o.proxied = true
	if client := p.client(r.Header); client.IsValid() {
		o.addr = client.String()
	}
	if proto := strings.ToLower(lastOf(r.Header, "X-Forwarded-Proto")); proto == "http" || proto == "https" {
		o.scheme = proto
	}
	if host := lastOf(r.Header, "X-Forwarded-Host"); host != "" {
		o.host = host
	}
	return o
}

// client is the address that the proxies tell; the zero one if they tell none. Each proxy appends whom it heard from,
// so the list is read from its end: the first address that is no proxy of ours is the last that one of ours has seen,
// and what stands before it is the client's own invention. So is everything before something that is no address.
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

// valuesOf are the elements of a list that may stand on several lines.
func valuesOf(head http.Header, name string) (list []string) {
	for _, line := range head.Values(name) {
		for value := range strings.SplitSeq(line, ",") {
			list = append(list, strings.TrimSpace(value))
		}
	}
	return list
}

// lastOf is the last element of a list: what the nearest proxy has written.
func lastOf(head http.Header, name string) string {
	values := valuesOf(head, name)
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

type originKey struct{}

// findOrigin finds out where a request comes from, and gives it the Host that the browser asked for:
// CrossOriginProtection compares that with Origin.
func (h *Handlers) findOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := h.Proxies.origin(r)
		if o.host != r.Host && !h.isOurs(r) {
			h.failHost(w, r)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), originKey{}, o))
		r.Host = o.host
		next.ServeHTTP(w, r)
	})
}

// originOf is where a request comes from.
func (h *Handlers) originOf(r *http.Request) origin {
	if o, ok := r.Context().Value(originKey{}).(origin); ok {
		return o
	}
	return h.Proxies.origin(r)
}

// addrOf is the address that a request comes from.
func (h *Handlers) addrOf(r *http.Request) string { return h.originOf(r).addr }

// byTLS reports whether the browser came by TLS.
func (h *Handlers) byTLS(r *http.Request) bool { return h.originOf(r).scheme == "https" }

// wantsHSTS reports whether a browser shall come by TLS alone from now on (RFC 6797).
func (h *Handlers) wantsHSTS(r *http.Request) bool {
	o := h.originOf(r)
	return o.scheme == "https" && (h.HSTS || o.proxied)
}

// isOurs reports whether Host names this console. Addresses always do: DNS rebinding needs a name.
func (h *Handlers) isOurs(r *http.Request) bool {
	host := hostName(r)
	_, err := netip.ParseAddr(host)
	return err == nil || host == "localhost" || slices.Contains(h.Hosts, host) || r.URL.Path == "/healthz"
}

// hostName is Host without its port.
func hostName(r *http.Request) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// failHost answers a request for a name that is not ours.
func (h *Handlers) failHost(w http.ResponseWriter, r *http.Request) {
	host := hostName(r)
	h.fail(w, r, &problem{Status: http.StatusMisdirectedRequest, Text: fmt.Sprintf("this console is not called %q", host),
		Hint: "start Convoy with -hosts " + host + " if it should be"})
}
