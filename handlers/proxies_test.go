package handlers

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"convoy/access"
	"convoy/internal/testkit"
)

// proxies are the reverse proxies of docs/operations.md that are programs of their own, by a line of their block there.
// The test adds TLS to nginx, by its word.
var proxies = map[string]struct{ block, scheme string }{
	"nginx": {"server_name", "https"},
	"caddy": {"console.example.com {", "http"},
}

// Behind real proxies with the documented settings, clients are told apart whatever they claim, the cookie is secure
// and HSTS is set with TLS, other sites are refused, streams are not delayed, and files pass.
func TestProxies(t *testing.T) {
	t.Parallel()
	for program, proxy := range proxies {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			n := start(t)
			n.site.Proxies, n.site.Hosts = behind(t, "loopback"), []string{"console.example.com"}
			block := testkit.Block(t, "../docs/operations.md", proxy.block)
			front := *n
			front.url = testkit.Proxy(t, program, strings.ReplaceAll(block, "$scheme", "https"), n.url)
			checkOrigin(t, n, &front, proxy.scheme)
			checkStreams(t, n, &front)
		})
	}
}

const proxiedHost = "Host: console.example.com"

// checkOrigin logs in through a proxy, and asks as other sites.
func checkOrigin(t *testing.T, n, front *testNode, scheme string) {
	t.Helper()
	answer := front.request(
		t, "GET", "/?token="+token, "", proxiedHost, "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: ftp",
		"X-Forwarded-Host: evil.example", "X-Real-IP: 6.6.6.6", "Forwarded: for=6.6.6.6",
	)
	hsts, secure := answer.Header.Get("Strict-Transport-Security"), scheme == "https"
	if answer.StatusCode != http.StatusSeeOther || answer.Cookies()[0].Secure != secure || (hsts != "") != secure {
		t.Fatalf("%s, cookies %v, HSTS %q", answer.Status, answer.Cookies(), hsts)
	}
	if addr := n.Authority.Grants.List(access.Login, now())[0].Addr; addr != "127.0.0.1" { // whom the proxy has heard
		t.Errorf("the login came from %s", addr)
	}
	for _, test := range []struct {
		headers []string
		want    int
	}{
		{[]string{proxiedHost, "Origin: " + scheme + "://console.example.com"}, 503}, // nothing makes nodes here
		{[]string{proxiedHost, "Origin: https://evil.example"}, 403},
		{[]string{proxiedHost, "Origin: https://evil.example", "X-Forwarded-Host: evil.example"}, 403},
		{[]string{"Host: evil.example"}, 421},
	} {
		if answer := front.request(t, "POST", "/nodes", "", append(test.headers, bearer)...); answer.StatusCode != test.want {
			t.Errorf("%v: %s, want %d", test.headers, answer.Status, test.want)
		}
	}
}

// checkStreams reads the beginning of a stream and of a run through a proxy, and sends a file.
func checkStreams(t *testing.T, n, front *testNode) {
	t.Helper()
	stream := front.request(t, "GET", "/stream?viewer=viewer-behind-a-proxy&want=none", "", proxiedHost, bearer)
	if line, err := bufio.NewReader(stream.Body).ReadString('\n'); err != nil || line == "" {
		t.Errorf("a stream begins with %q, %v", line, err)
	}
	s, dir := n.inDir(t)
	put := front.request(t, "POST", filesPath(s, "name", "x"), strings.Repeat("x", testUpload), proxiedHost, bearer)
	if put.StatusCode != http.StatusCreated || len(names(t, dir)) != 1 {
		text, _ := io.ReadAll(put.Body)
		t.Errorf("a file: %s %s", put.Status, text)
	}
}
