package handlers

import (
	"net/http"
	"slices"
	"testing"

	"convoy/access"
	"convoy/audit"
	"convoy/handlers/web"
	"convoy/internal/testkit"
)

// behind are proxies as -trusted-proxies names them.
func behind(t *testing.T, list ...string) web.Proxies {
	t.Helper()
	networks, err := web.ParseProxies(list)
	testkit.Must(t, err)
	return web.Proxies{Networks: networks}
}

// Everything that depends on where a request comes from says the same: the throttle, the audit log, the list of logins,
// the cookie, HSTS, the check of Origin and the provider's redirect.
func TestOrigin_Everywhere(t *testing.T) {
	t.Parallel()
	told := []string{"X-Forwarded-For: 6.6.6.6, 192.0.2.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: console.test"}
	for name, proxies := range map[string]web.Proxies{"behind the proxy": behind(t, "loopback"),
		"of a stranger": behind(t, "10.0.0.0/8")} {
		trusted := name == "behind the proxy"
		n := start(t, "/bin/cat")
		withAudit(t, n)
		n.site.Proxies = proxies
		answer := n.request(t, "GET", "/?token="+token, "", told...)
		cookie := answer.Cookies()[0]
		if cookie.Secure != trusted || (answer.Header.Get("Strict-Transport-Security") != "") != trusted {
			t.Errorf("%s: Secure %v, HSTS %q", name, cookie.Secure, answer.Header.Get("Strict-Transport-Security"))
		}
		if got := n.Authority.Grants.List(access.Login, now())[0].Addr == "192.0.2.7"; got != trusted {
			t.Errorf("%s: the list of logins has the client's address: %v", name, got)
		}
		entries := n.sessions.Audit.Tail(1, func(e audit.Entry) bool { return e.Action == "login" })
		if got := entries[0].Addr == "192.0.2.7"; got != trusted {
			t.Errorf("%s: the audit log has the client's address: %v", name, got)
		}
		origin := n.request(t, "POST", "/nodes", "", append(slices.Clone(told), bearer, "Origin: https://console.test")...)
		if (origin.StatusCode == http.StatusServiceUnavailable) != trusted {
			t.Errorf("%s: Origin as the browser has it: %s", name, origin.Status)
		}
		for range 4 {
			n.logInAs(t, "token", "wrong")
		}
		other := n.request(t, "POST", "/login", "name=nobody&password=wrong", append(slices.Clone(told), formType)...)
		if (other.StatusCode == http.StatusUnauthorized) != trusted {
			t.Errorf("%s: somebody else's first wrong try: %s", name, other.Status)
		}
	}
}

// A forwarded host has to be one of ours, and so does the one that the proxy asked for.
func TestOrigin_Host(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	n.site.Proxies = behind(t, "loopback")
	for _, test := range []struct {
		headers []string
		want    int
	}{
		{[]string{"X-Forwarded-Host: console.test"}, 200},
		{[]string{"X-Forwarded-Host: console.test:8443"}, 200},
		{[]string{"X-Forwarded-Host: evil.example"}, 421},
		{[]string{"X-Forwarded-Host: console.test, evil.example"}, 421},
		{[]string{"X-Forwarded-Host: console.test", "Host: evil.example"}, 421},
		{[]string{"X-Forwarded-Host: evil.example", "Host: console.test"}, 421},
	} {
		if answer := n.request(t, "GET", "/nodes", "", append(test.headers, bearer)...); answer.StatusCode != test.want {
			t.Errorf("%v: %s, want %d", test.headers, answer.Status, test.want)
		}
	}
}
