package handlers

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	n := start(t)
	for _, test := range []struct {
		method, path string
		headers      []string
		want         int
	}{
		{"GET", "/nodes", nil, 401},
		{"POST", "/nodes", nil, 401},
		{"GET", "/stream?viewer=0123456789abcdef", nil, 401},
		{"GET", "/nodes/" + self + "/log", nil, 401},
		{"POST", "/nodes/" + self + "/shells", nil, 401},
		{"GET", "/guide", nil, 401},
		{"GET", "/recordings", nil, 401},
		{"GET", "/recordings/" + self + "/20261125-101502-k3fz9", nil, 401},
		{"GET", "/nodes/" + self + "/recordings/20261125-101502-k3fz9", nil, 401},
		{"POST", "/nodes/" + self + "/shells/x/recording", []string{"Convoy-User: admin"}, 401},
		{"DELETE", "/nodes/" + self + "/recordings/20261125-101502-k3fz9", nil, 401},
		{"POST", "/logout", nil, 401},
		{"GET", "/nodes", []string{"Authorization: Bearer wrong"}, 401},
		{"GET", "/nodes", []string{"Authorization: Bearer "}, 401},
		{"GET", "/?token=wrong", nil, 401},
		{"GET", "/healthz", nil, 200},
		{"GET", "/login", nil, 200},
		{"GET", "/nodes", []string{bearer}, 200},
	} {
		answer := n.request(t, test.method, test.path, "", test.headers...)
		if answer.StatusCode != test.want {
			t.Errorf("%s %s %v: %s, want %d", test.method, test.path, test.headers, answer.Status, test.want)
		}
	}
	page := n.request(t, "GET", "/", "", "Accept: text/html")
	body, err := io.ReadAll(page.Body)
	testkit.Must(t, err)
	if page.StatusCode != 401 || !bytes.Contains(body, []byte(`name="token"`)) {
		t.Errorf("a browser gets %s, want the login page", page.Status)
	}
}

// A link with a wrong token leads browsers to a page that says so, without the token in its address.
func TestPrintedLink_WrongToken(t *testing.T) {
	t.Parallel()
	n := start(t)
	for want, headers := range map[string][]string{
		"/login?why=link": {"Accept: text/html"},
		"/":               {"Accept: text/html", bearer},
	} {
		answer := n.request(t, "GET", "/?token=wrong", "", headers...)
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != want {
			t.Errorf("with %q: %s to %q, want %s", headers, answer.Status, answer.Header.Get("Location"), want)
		}
	}
	page := n.request(t, "GET", "/login?why=link", "", "Accept: text/html")
	body, err := io.ReadAll(page.Body)
	testkit.Must(t, err)
	if !bytes.Contains(body, []byte("The token in this link is not valid")) {
		t.Error("the login page does not say why")
	}
	if answer := n.request(t, "GET", "/?token=wrong", ""); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a script gets %s, want 401", answer.Status)
	}
}

func TestPrintedLinkLogsIn(t *testing.T) {
	t.Parallel()
	n := start(t)
	answer := n.request(t, "GET", "/?token="+token, "")
	if answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(answer.Header.Get("Location"), "/?claim=") {
		t.Fatalf("%s to %q, want 303 to /?claim=", answer.Status, answer.Header.Get("Location"))
	}
	cookie := answer.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure {
		t.Errorf("cookie %v: want HttpOnly, SameSite=Strict, and not Secure without TLS", cookie)
	}
	if strings.Contains(cookie.Value, token) {
		t.Error("the cookie holds the token")
	}
	page := n.request(
		t, "GET", "/", "", n.plain(t, "Cookie: "+cookie.Name+"="+cookie.Value, answer.Header.Get("Location")),
		"Accept: text/html",
	)
	body, err := io.ReadAll(page.Body)
	testkit.Must(t, err)
	if page.StatusCode != 200 || !bytes.Contains(body, []byte(`id="nodes"`)) || bytes.Contains(body, []byte(token)) {
		t.Errorf("console: %s", page.Status)
	}
}

func TestOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	n := start(t)
	for _, test := range []struct {
		method, path string
		headers      []string
		want         int
	}{
		{"POST", "/nodes", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"POST", "/nodes", []string{"Sec-Fetch-Site: same-site"}, 403},
		{"POST", "/nodes", []string{"Origin: http://evil.test"}, 403},
		{"POST", "/nodes", []string{"Origin: null"}, 403},
		{"POST", "/nodes", []string{"Sec-Fetch-Site: same-origin"}, 503},
		{"DELETE", "/nodes/x", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"POST", "/nodes/" + self + "/shells/x/recording", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"DELETE", "/nodes/" + self + "/recordings/x", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"GET", "/stream?viewer=0123456789abcdef", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"GET", "/nodes", []string{"Host: evil.test"}, 421},
		{"GET", "/nodes", []string{"Host: console.test:8080"}, 200},
		{"GET", "/nodes", []string{"Host: CONSOLE.test"}, 200},
		{"GET", "/nodes", []string{"Host: localhost:1"}, 200},
		{"GET", "/nodes", []string{"Host: [::1]:4000"}, 200},
		{"GET", "/nodes", []string{"Host: 192.0.2.7"}, 200},
		{"GET", "/nodes", []string{"Host: localhost.evil.test"}, 421},
	} {
		answer := n.request(t, test.method, test.path, "", append(test.headers, bearer)...)
		if answer.StatusCode != test.want {
			t.Errorf("%s %s %v: %s, want %d", test.method, test.path, test.headers, answer.Status, test.want)
		}
	}
}

func TestHeadersOfPages(t *testing.T) {
	t.Parallel()
	n := start(t)
	answer := n.request(t, "GET", "/", "", bearer, "Accept: text/html")
	policy := answer.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "'nonce-"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %s", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q allows what is unsafe", policy)
	}
	if answer.Header.Get("Cache-Control") != "no-store" {
		t.Error("pages may be kept by caches")
	}
	again := n.request(t, "GET", "/", "", bearer, "Accept: text/html")
	if again.Header.Get("Content-Security-Policy") == policy {
		t.Error("two pages share a nonce")
	}
	s, err := n.client(t).Open(t.Context(), self)
	testkit.Must(t, err)
	key := n.request(t, "POST", s.Path()+"/input", "x", bearer)
	if head := key.Header; key.StatusCode != http.StatusNoContent || head.Get("Content-Security-Policy") != "" ||
		head.Get("Cache-Control") != "no-store" || head.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("a key is answered %s, %v", key.Status, head)
	}
}
