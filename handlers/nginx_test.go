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

// Behind a real nginx with the documented settings, clients are told apart whatever they claim, the cookie is secure,
// HSTS is set, other sites are refused, streams are not delayed, and files pass.
func TestNginx(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.site.Proxies, n.site.Hosts = behind(t, "loopback"), []string{"console.example.com"}
	s, dir := n.inDir(t)
	front := *n
	front.url = testkit.Nginx(t, strings.ReplaceAll(testkit.Block(t, "../docs/operations.md", "server_name"),
		"$scheme", "https"), n.url)
	const host = "Host: console.example.com"
	answer := front.request(
		t, "GET", "/?token="+token, "", host, "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: http",
		"X-Forwarded-Host: evil.example", "X-Real-IP: 6.6.6.6", "Forwarded: for=6.6.6.6",
	)
	if answer.StatusCode != http.StatusSeeOther || !answer.Cookies()[0].Secure ||
		answer.Header.Get("Strict-Transport-Security") == "" {
		t.Fatalf("%s, cookies %v, HSTS %q", answer.Status, answer.Cookies(), answer.Header.Get("Strict-Transport-Security"))
	}
	if addr := n.Authority.Grants.List(access.Login, now())[0].Addr; addr != "127.0.0.1" { // whom nginx has heard
		t.Errorf("the login came from %s", addr)
	}
	for _, test := range []struct {
		headers []string
		want    int
	}{
		{[]string{host, "Origin: https://console.example.com"}, 503}, // nothing makes nodes here
		{[]string{host, "Origin: https://evil.example"}, 403},
		{[]string{host, "Origin: https://evil.example", "X-Forwarded-Host: evil.example"}, 403},
		{[]string{"Host: evil.example"}, 421},
	} {
		if answer := front.request(t, "POST", "/nodes", "", append(test.headers, bearer)...); answer.StatusCode != test.want {
			t.Errorf("%v: %s, want %d", test.headers, answer.Status, test.want)
		}
	}
	stream := front.request(t, "GET", "/stream?viewer=viewer-behind-nginx&want=none", "", host, bearer)
	if line, err := bufio.NewReader(stream.Body).ReadString('\n'); err != nil || line == "" {
		t.Errorf("a stream begins with %q, %v", line, err)
	}
	put := front.request(t, "POST", filesPath(s, "name", "x"), strings.Repeat("x", testUpload), host, bearer)
	if put.StatusCode != http.StatusCreated || len(names(t, dir)) != 1 {
		text, _ := io.ReadAll(put.Body)
		t.Errorf("a file: %s %s", put.Status, text)
	}
}
