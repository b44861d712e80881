package handlers

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/go-jose/go-jose/v4"

	"convoy/access"
	"convoy/access/openid"
	"convoy/audit"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/internal/openidtest"
	"convoy/internal/testkit"
)

// withOpenID gives a node a provider that knows a user of each role, and one without; the console is called by its
// address.
func withOpenID(t *testing.T, n *testNode) *openidtest.Server {
	t.Helper()
	user := func(name string, groups ...string) openidtest.User {
		return openidtest.User{Name: name, Claims: map[string]any{"groups": groups}}
	}
	s := openidtest.Start(t, user("ann", "staff", "admins"), user("vic", "staff"), user("mallory", "guests"))
	s.Change(func() {
		s.Redirects = []string{n.url + "/login/openid/callback", "https://console.test/login/openid/callback"}
	})
	n.sessions.OpenID = openid.New(openid.Config{
		Issuer:       s.URL,
		ClientID:     openidtest.ClientID,
		ClientSecret: openidtest.ClientSecret,
		RoleClaim:    "groups",
		Roles:        map[string]access.Role{"staff": access.Viewer, "admins": access.Admin},
		Name:         "Example",
		Keys:         [][]byte{keyOf('p')},
	})
	log, err := audit.Open(audit.Config{Dir: t.TempDir(), Node: self})
	testkit.Must(t, err)
	t.Cleanup(func() { testkit.Must(t, log.Close()) })
	n.sessions.Audit = log
	return s
}

// begin begins a login: where the browser is sent, and the cookie that it keeps.
func (n *testNode) begin(t *testing.T, headers ...string) (to string, cookie *http.Cookie) {
	t.Helper()
	answer := n.request(t, "GET", "/login/openid", "", headers...)
	if answer.StatusCode != http.StatusSeeOther || len(answer.Cookies()) != 1 {
		t.Fatalf("a login begins: %s, %v", answer.Status, answer.Cookies())
	}
	return answer.Header.Get("Location"), answer.Cookies()[0]
}

// back is the answer to the callback, and the session's cookie if it gives one.
func (n *testNode) back(
	t *testing.T, cookie *http.Cookie, query url.Values,
) (answer *http.Response, text, session string) {
	t.Helper()
	headers := []string{"Accept: text/html", "Sec-Fetch-Site: cross-site"}
	if cookie != nil {
		headers = append(headers, "Cookie: "+cookie.Name+"="+cookie.Value)
	}
	answer = n.request(t, "GET", "/login/openid/callback?"+query.Encode(), "", headers...)
	for _, c := range answer.Cookies() {
		if c.Name == n.sessions.Cookies.Name {
			session = "Cookie: " + c.Name + "=" + c.Value
		}
	}
	text = readAll(t, answer)
	if session != "" {
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(text))
		testkit.Must(t, err)
		session = n.plain(t, session, doc.Find("main a").AttrOr("href", ""))
	}
	return answer, text, session
}

// alert is what the page says is wrong.
func alert(t *testing.T, text string) string {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(text))
	testkit.Must(t, err)
	return strings.TrimSpace(doc.Find("[role=alert]").Text())
}

// A user in a group of the provider gets its role, and a page that continues to the console. A local user of that name
// is another person.
func TestOpenID_LogsIn(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	s := withOpenID(t, n)
	withUsers(t, n)
	testkit.Must(t, n.Authority.Users.SetRole("vic", access.Admin))
	for user, want := range map[string]int{"ann": 503, "vic": 403} { // of spawning: nothing here makes nodes
		to, cookie := n.begin(t, "Sec-Fetch-Site: same-origin")
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure || cookie.Path != "/login" ||
			cookie.MaxAge != 600 {
			t.Errorf("cookie %v", cookie)
		}
		q := must1(url.Parse(to)).Query()
		if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("state")) < 26 ||
			q.Get("nonce") == "" || q.Get("scope") != "openid profile email groups" {
			t.Errorf("the provider is asked %v", q)
		}
		answer, text, session := n.back(t, cookie, s.LogIn(t, to, user))
		if answer.StatusCode != http.StatusOK || session == "" ||
			!strings.Contains(text, `<meta http-equiv="refresh" content="0; url=/?claim=`) ||
			!strings.Contains(text, "openid:"+user) {
			t.Fatalf("%s: %s\n%s", user, answer.Status, text)
		}
		for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"X-Frame-Options": "DENY"} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		for _, c := range answer.Cookies() {
			if c.Name == n.sessions.Cookies.Name && (c.SameSite != http.SameSiteStrictMode || !c.HttpOnly) ||
				c.Name != n.sessions.Cookies.Name && c.MaxAge >= 0 {
				t.Errorf("after the login: %v", c)
			}
		}
		if got := n.request(t, "POST", "/nodes", "", session); got.StatusCode != want {
			t.Errorf("%s spawns: %s, want %d", user, got.Status, want)
		}
		if e := n.sessions.Audit.Tail(1,
			func(e audit.Entry) bool { return e.Action == "login" })[0]; e.User != "openid:"+user ||
			e.Result != audit.OK || e.Detail != "sub "+user {
			t.Errorf("noted: %+v", e)
		}
	}
	if answer := n.request(t, "GET", "/login", "", "Accept: text/html"); !strings.Contains(
		readAll(t, answer), "Log in with Example",
	) {
		t.Error("the login page has no button")
	}
}

// A console is named to the provider as the browser calls it, and its cookie is secure if it came by TLS.
func TestOpenID_BehindAProxy(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	s := withOpenID(t, n)
	n.site.Proxies = web.Proxies{Networks: web.EveryPeer(), RealIP: true}
	headers := []string{"Host: console.test", "X-Forwarded-Proto: https"}
	to, cookie := n.begin(t, headers...)
	if got := must1(url.Parse(to)).Query().Get("redirect_uri"); got != "https://console.test/login/openid/callback" ||
		!cookie.Secure {
		t.Errorf("redirect_uri %q, cookie %v", got, cookie)
	}
	query := s.LogIn(t, to, "vic")
	answer := n.request(
		t, "GET", "/login/openid/callback?"+query.Encode(), "", append(headers, "Cookie: "+cookie.Name+"="+cookie.Value)...,
	)
	if answer.StatusCode != http.StatusOK {
		t.Errorf("%s: %s", answer.Status, alert(t, readAll(t, answer)))
	}
}

// A callback that does not belong to a login of this browser is refused, asks to log in again, and does not count as a
// failure.
func TestOpenID_StrayCallbacks(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	s := withOpenID(t, n)
	to, cookie := n.begin(t)
	query := s.LogIn(t, to, "ann")
	_, other := n.begin(t)
	late, value, err := n.sessions.OpenID.Begin(
		t.Context(), n.url+"/login/openid/callback", time.Now().Add(-openid.CookieLife-time.Second),
	)
	testkit.Must(t, err)
	old := &http.Cookie{Name: cookie.Name, Value: value}
	lateQuery := s.LogIn(t, late, "ann")
	refused := func(what string, cookie *http.Cookie, query url.Values) {
		t.Helper()
		answer, text, session := n.back(t, cookie, query)
		if said := alert(t, text); answer.StatusCode != http.StatusUnauthorized || session != "" ||
			!strings.HasSuffix(said, "log in again.") {
			t.Errorf("%s: %s, %q", what, answer.Status, said)
		}
	}
	forged := *cookie
	forged.Value = strings.Replace(cookie.Value, ".", "x.", 1)
	for range 3 {
		refused("another browser", nil, query)
		refused("another login's cookie", other, query)
		refused("a forged cookie", &forged, query)
		refused("an expired cookie", old, lateQuery)
		refused("wrong state", cookie, url.Values{"state": {"x"}, "code": query["code"]})
		refused("a provider's error with a wrong state", cookie, url.Values{"state": {"x"}, "error": {"Call 555 0100"}})
	}
	if answer, text, session := n.back(t, cookie, query); answer.StatusCode != http.StatusOK || session == "" {
		t.Errorf("the right one afterwards: %s %s", answer.Status, alert(t, text))
	}
	refused("again", cookie, query)
	if a := n.request(t, "GET", "/login/openid", "", "Sec-Fetch-Site: cross-site"); a.StatusCode != http.StatusForbidden {
		t.Errorf("another site begins a login: %s", a.Status)
	}
}

// A forged ID token is refused, counts as a failed login, and is neither on the page nor in a log.
func TestOpenID_ForgedTokens(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	s := withOpenID(t, n)
	key, id := s.Key()
	for name, forge := range map[string]func(token string) string{
		"wrong key": func(token string) string {
			return openidtest.Sign(openidtest.NewKey(), id, jose.RS256, openidtest.Claims(token))
		},
		"wrong audience": func(token string) string {
			c := openidtest.Claims(token)
			c["aud"] = "another"
			return openidtest.Sign(key, id, jose.RS256, c)
		},
		"wrong nonce": func(token string) string {
			c := openidtest.Claims(token)
			c["nonce"] = "another"
			return openidtest.Sign(key, id, jose.RS256, c)
		},
		"alg none": func(token string) string { return "eyJhbGciOiJub25lIn0." + strings.Split(token, ".")[1] + "." },
	} {
		*n.sessions.Tries.Throttle = access.Throttle{}
		s.Change(func() { s.Forge = forge })
		to, cookie := n.begin(t)
		answer, text, session := n.back(t, cookie, s.LogIn(t, to, "ann"))
		if answer.StatusCode != http.StatusUnauthorized || session != "" || !strings.Contains(alert(t, text), "ID token") {
			t.Errorf("%s: %s, %q", name, answer.Status, alert(t, text))
		}
		n.tellsNothing(t, s, text)
	}
	*n.sessions.Tries.Throttle = access.Throttle{}
	n.stopClock()
	for range 3 {
		to, cookie := n.begin(t)
		n.back(t, cookie, s.LogIn(t, to, "ann"))
	}
	s.Change(func() { s.Forge = nil })
	answer := n.request(t, "GET", "/login/openid", "", "Accept: text/html")
	if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Errorf("after three wrong tries: %s", answer.Status)
	}
	if status, _ := n.logInAs(t, "token", "wrong"); status != http.StatusTooManyRequests {
		t.Errorf("by another way from the same address: %d", status)
	}
}

// tellsNothing looks for codes and tokens where they must not be.
func (n *testNode) tellsNothing(t *testing.T, s *openidtest.Server, page string) {
	t.Helper()
	lines, _ := json.Marshal(n.Logs.Tail(1000))
	noted, _ := json.Marshal(n.ownAudit(auditQuery{}))
	for where, text := range map[string]string{"page": page, "log": string(lines), "audit": string(noted)} {
		if !strings.Contains(text, "login") {
			t.Errorf("the %s says nothing of logins: %s", where, text)
		}
		for _, secret := range append(s.Secrets(), openidtest.ClientSecret) {
			if strings.Contains(text, secret) {
				t.Errorf("the %s tells %s", where, secret)
			}
		}
	}
}

// Whoever has no role learns which claim was looked at.
func TestOpenID_NoRole(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	s := withOpenID(t, n)
	to, cookie := n.begin(t)
	answer, text, session := n.back(t, cookie, s.LogIn(t, to, "mallory"))
	if said := alert(
		t, text,
	); answer.StatusCode != http.StatusUnauthorized || session != "" || !strings.Contains(said, "the claim groups") ||
		!strings.Contains(said, "mallory") {
		t.Errorf("%s: %s", answer.Status, said)
	}
	if line, _ := json.Marshal(n.Logs.Tail(1)); !strings.Contains(string(line), "the claim is [guests]") {
		t.Errorf("the log does not say what the claim is: %s", line)
	}
	if e := n.ownAudit(auditQuery{})[0]; e.User != "openid:mallory" || e.Result != audit.Refused || e.Action != "login" {
		t.Errorf("noted: %+v", e)
	}
	n.tellsNothing(t, s, text)
}

// What the provider says of its refusal is text.
func TestOpenID_HostileDescription(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	withOpenID(t, n)
	to, cookie := n.begin(t)
	state := must1(url.Parse(to)).Query().Get("state")
	answer, text, _ := n.back(t, cookie, url.Values{
		"state":             {state},
		"error":             {"access_denied"},
		"error_description": {`"><script>alert(1)</script>` + "\x1b[31m\n\u202e" + strings.Repeat("a", 5000)},
	})
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(text))
	testkit.Must(t, err)
	if said := alert(
		t, text,
	); answer.StatusCode != http.StatusUnauthorized || doc.Find("main script").Length() > 0 || len(said) > 300 ||
		strings.ContainsAny(said, "\x1b\n\u202e") || !strings.Contains(said, "<script>") {
		t.Errorf("%s: %q", answer.Status, said)
	}
}

// While the provider is down, or its answer does not end, the page reports that, and the token still works.
func TestOpenID_ProviderDown(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	s := withOpenID(t, n)
	broken := true
	endless := func(w http.ResponseWriter, r *http.Request) bool {
		for i := 0; broken && i < 4<<20; i += 1 << 16 {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				break
			}
		}
		return broken
	}
	s.Change(func() { s.Instead = endless })
	for range 5 {
		answer := n.request(t, "GET", "/login/openid", "", "Accept: text/html")
		if said := alert(t, readAll(t, answer)); answer.StatusCode != http.StatusBadGateway ||
			said != "The provider Example cannot be reached now; try again later, or log in another way." {
			t.Errorf("%s: %q", answer.Status, said)
		}
	}
	withUsers(t, n)
	for _, fields := range [][]string{{"token", token}, {"name", "vic", "password", "vic's password"}} {
		if status, cookie := n.logInAs(t, fields...); status != http.StatusSeeOther || cookie == "" {
			t.Errorf("by %s: %d", fields[0], status)
		}
	}
	s.Change(func() { broken = false })
	n.begin(t)
	n.sessions.OpenID = nil
	for _, path := range []string{"/login/openid", "/login/openid/callback"} {
		if answer := n.request(t, "GET", path, ""); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s without a provider: %s", path, answer.Status)
		}
	}
}

// A login through the provider is one on every node, on those that know no provider as well. They offer no such login.
func TestOpenID_OtherNodes(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	s := withOpenID(t, a)
	to, cookie := a.begin(t)
	_, _, session := a.back(t, cookie, s.LogIn(t, to, "vic"))
	a.eventuallyIs(t, http.StatusOK, "GET", "/nodes", session)
	b.eventuallyIs(t, http.StatusOK, "GET", "/nodes", session)
	for n, want := range map[*testNode]bool{a: true, b: false} {
		page := readAll(t, n.request(t, "GET", "/login", "", "Accept: text/html"))
		if offers := strings.Contains(page, `href="/login/openid"`); offers != want {
			t.Errorf("%s offers a login at the provider: %v", n.Self, offers)
		}
	}
}

// A login through the provider is not looked up in the users file.
func TestOpenID_SessionIsItsOwn(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	withUsers(t, n)
	for _, user := range []string{"openid:vic", "openid:ann"} {
		s := session.Session{
			Identity: n.Authority.NewIdentity(user, access.Viewer),
			Seen:     time.Now(),
			Expires:  time.Now().Add(time.Hour),
			Plain:    true,
		}
		s.Grant = "x"
		cookie := "Cookie: " + n.sessions.Cookies.Name + "=" + n.sessions.Cookies.Sign(s)
		if got := n.request(t, "GET", "/nodes", "", cookie).StatusCode; got != http.StatusOK {
			t.Errorf("%+v looks: %d", s, got)
		}
		if got := n.request(t, "POST", "/nodes", "", cookie).StatusCode; got != http.StatusForbidden {
			t.Errorf("%+v spawns: %d", s, got)
		}
	}
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
