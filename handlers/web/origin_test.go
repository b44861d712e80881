package web

import (
	"crypto/tls"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// behind are proxies as -trusted-proxies names them.
func behind(t *testing.T, list ...string) Proxies {
	t.Helper()
	networks, err := ParseProxies(list)
	if err != nil {
		t.Fatal(err)
	}
	return Proxies{Networks: networks}
}

type originTest struct {
	name    string
	proxies Proxies
	peer    string
	headers []string
	addr    string
	scheme  string
	host    string
}

func origins(t *testing.T) []originTest {
	const proxy, stranger = "10.1.0.9:4711", "203.0.113.66:4711"
	ours, railway := behind(t, "10.1.0.0/16", "fd00::/8"), Proxies{Networks: EveryPeer(), RealIP: true}
	return []originTest{
		{"no proxy", Proxies{}, stranger, nil, stranger, "http", "localhost"},
		{"no proxy, all headers forged", Proxies{}, stranger, []string{"X-Forwarded-For: 192.0.2.7",
			"X-Forwarded-Proto: https", "X-Forwarded-Host: console.test", "X-Real-IP: 192.0.2.7", "Forwarded: " +
				"for=192.0.2.7;proto=https"}, stranger, "http", "localhost"},
		{"a stranger beside the proxy", ours, stranger, []string{"X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https",
			"X-Forwarded-Host: console.test"}, stranger, "http", "localhost"},
		{"a proxy that tells nothing", ours, proxy, nil, proxy, "http", "localhost"},
		{"all told", ours, proxy, []string{"X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https",
			"X-Forwarded-Host: console.test"}, "192.0.2.7", "https", "console.test"},
		{"what the client made up stands in front", ours, proxy, []string{"X-Forwarded-For: 127.0.0.1, 10.1.0.1, 192.0.2.7"},
			"192.0.2.7", "http", "localhost"},
		{"two proxies", ours, proxy, []string{"X-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.1.0.8"}, "192.0.2.7", "http",
			"localhost"},
		{"several lines", ours, proxy, []string{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 192.0.2.7",
			"X-Forwarded-For: 10.1.0.8"}, "192.0.2.7", "http", "localhost"},
		{"proxies alone", ours, proxy, []string{"X-Forwarded-For: 10.1.0.7, 10.1.0.8"}, "10.1.0.7", "http", "localhost"},
		{"garbage at the end", ours, proxy, []string{"X-Forwarded-For: 192.0.2.7, unknown"}, proxy, "http", "localhost"},
		{"garbage before a proxy", ours, proxy, []string{"X-Forwarded-For: 192.0.2.7, <script>, 10.1.0.8"}, "10.1.0.8",
			"http", "localhost"},
		{"garbage in front", ours, proxy, []string{"X-Forwarded-For: '; drop, 192.0.2.7"}, "192.0.2.7", "http", "localhost"},
		{"empty", ours, proxy, []string{"X-Forwarded-For: ", "X-Forwarded-Proto: ", "X-Forwarded-Host: "}, proxy, "http",
			"localhost"},
		{"an empty element at the end", ours, proxy, []string{"X-Forwarded-For: 192.0.2.7,"}, proxy, "http", "localhost"},
		{"with a port", ours, proxy, []string{"X-Forwarded-For: 192.0.2.7:65000"}, "192.0.2.7", "http", "localhost"},
		{"IPv6", ours, proxy, []string{"X-Forwarded-For: 2001:db8::7"}, "2001:db8::7", "http", "localhost"},
		{"IPv6 in brackets", ours, proxy, []string{"X-Forwarded-For: [2001:db8::7]"}, "2001:db8::7", "http", "localhost"},
		{"IPv6 with a port", ours, proxy, []string{"X-Forwarded-For: [2001:db8::7]:65000"}, "2001:db8::7", "http",
			"localhost"},
		{"IPv6 with a zone", ours, proxy, []string{"X-Forwarded-For: fe80::1%eth0"}, "fe80::1", "http", "localhost"},
		{"IPv4 in IPv6", ours, proxy, []string{"X-Forwarded-For: 192.0.2.7, ::ffff:10.1.0.8"}, "192.0.2.7", "http",
			"localhost"},
		{"the proxy as IPv4 in IPv6", ours, "[::ffff:10.1.0.9]:4711", []string{"X-Forwarded-For: 192.0.2.7"}, "192.0.2.7",
			"http", "localhost"},
		{"the proxy by IPv6", ours, "[fd00::9]:4711", []string{"X-Forwarded-For: 192.0.2.7"}, "192.0.2.7", "http",
			"localhost"},
		{"a proto of several proxies", ours, proxy, []string{"X-Forwarded-Proto: http, HTTPS"}, proxy, "https", "localhost"},
		{"a proto that the client put in front", ours, proxy, []string{"X-Forwarded-Proto: https", "X-Forwarded-Proto: http"},
			proxy, "http", "localhost"},
		{"no proto", ours, proxy, []string{"X-Forwarded-Proto: javascript"}, proxy, "http", "localhost"},
		{"X-Real-IP is not read", ours, proxy, []string{"X-Real-IP: 192.0.2.7"}, proxy, "http", "localhost"},
		{"Forwarded is not read", ours, proxy, []string{"Forwarded: for=192.0.2.7;proto=https;host=console.test"}, proxy,
			"http", "localhost"},
		{"Railway", railway, "100.64.0.2:4711", []string{"X-Real-IP: 192.0.2.7", "X-Forwarded-For: 6.6.6.6",
			"X-Forwarded-Proto: https"}, "192.0.2.7", "https", "localhost"},
		{"Railway without an address", railway, "100.64.0.2:4711", []string{"X-Real-IP: me", "X-Forwarded-For: 6.6.6.6"},
			"100.64.0.2:4711", "http", "localhost"},
		{"no address at all", ours, "@", []string{"X-Forwarded-For: 192.0.2.7"}, "@", "http", "localhost"},
	}
}

// Where a request comes from, for each combination of headers that proxies and forgers send.
func TestOrigin(t *testing.T) {
	t.Parallel()
	for _, test := range origins(t) {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.RemoteAddr = test.peer
		for _, header := range test.headers {
			name, value, _ := strings.Cut(header, ": ")
			r.Header.Add(name, value)
		}
		if o := test.proxies.origin(r); o.Addr != test.addr || o.Scheme != test.scheme || o.Host != test.host {
			t.Errorf("%s: %+v, want %s, %s and %s", test.name, o, test.addr, test.scheme, test.host)
		}
	}
	direct := httptest.NewRequest("GET", "https://localhost/", nil)
	direct.TLS = &tls.ConnectionState{}
	if o := behind(t, "10.1.0.0/16").origin(direct); o.Scheme != "https" {
		t.Errorf("by TLS: %+v", o)
	}
}

func TestParseProxies(t *testing.T) {
	t.Parallel()
	p := behind(t, "private", "192.0.2.1", "2001:db8::/32")
	for addr, want := range map[string]bool{
		"127.0.0.1": true, "::1": true, "10.9.8.7": true, "172.31.0.1": true, "192.168.1.1": true, "fd12::1": true,
		"::ffff:10.0.0.1": true,
		"192.0.2.1":       true, "192.0.2.2": false, "2001:db8::9": true, "2001:db9::9": false, "100.64.0.1": false,
		"172.32.0.1": false,
	} {
		if got := p.Trusts(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is trusted: %v, want %v", addr, got, want)
		}
	}
	for _, bad := range []string{"everybody", "10.0.0.0/33", "::ffff:10.0.0.0/104", "10.0.0.1:80"} {
		if _, err := ParseProxies([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
