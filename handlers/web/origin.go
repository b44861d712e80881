package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Origin is where a request comes from: one answer for everything that depends on it, from the throttle to the cookies.
type Origin struct {
	Addr    string // of the client, with its port if it is connected directly
	Scheme  string // http or https, as the browser sees it
	Host    string // as the browser names this console, with its port if it named one
	proxied bool   // through a trusted proxy
}

// direct is the origin of a request without a proxy.
func direct(r *http.Request) Origin {
	o := Origin{Addr: r.RemoteAddr, Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		o.Scheme = "https"
	}
	return o
}

// FindOrigin finds the origin of a request, and sets its Host to the one that the browser asked for:
// CrossOriginProtection compares that with the header Origin.
func (s *Site) FindOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := s.Proxies.origin(r)
		if o.Host != r.Host && !s.hasName(r) {
			s.failHost(w, r)
			return
		}
		r, found := noted(r)
		found.origin, r.Host = o, o.Host
		next.ServeHTTP(w, r)
	})
}

// OriginOf is the origin that [Site.FindOrigin] found; without it, that of the connection.
func OriginOf(r *http.Request) Origin {
	if found := notesOf(r); found != nil && found.origin.Scheme != "" {
		return found.origin
	}
	return direct(r)
}

// Addr is the address that a request comes from.
func Addr(r *http.Request) string { return OriginOf(r).Addr }

// UsesTLS reports whether the browser uses TLS.
func UsesTLS(r *http.Request) bool { return OriginOf(r).Scheme == "https" }

// wantsHSTS reports whether a browser must use TLS from now on.
func (s *Site) wantsHSTS(r *http.Request) bool {
	o := OriginOf(r)
	return o.Scheme == "https" && (s.HSTS || o.proxied)
}

// CheckHost refuses requests for other host names, so that a page of another site cannot reach the console by pointing
// its own name at this address (DNS rebinding).
func (s *Site) CheckHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.hasName(r) {
			s.failHost(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hasName reports whether Host names this console. Addresses always do: DNS rebinding needs a name.
func (s *Site) hasName(r *http.Request) bool {
	host := hostName(r)
	_, err := netip.ParseAddr(host)
	return err == nil || host == "localhost" || slices.Contains(s.Hosts, host) || r.URL.Path == "/healthz"
}

// hostName is Host without its port.
func hostName(r *http.Request) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

func (s *Site) failHost(w http.ResponseWriter, r *http.Request) {
	host := hostName(r)
	s.Fail(w, r, NewError(http.StatusMisdirectedRequest,
		fmt.Sprintf("this console is not called %q", host), "start Convoy with -hosts "+host+" if it should be"))
}
