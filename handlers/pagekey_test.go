package handlers

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/handlers/session"
	"convoy/internal/testkit"
)

// clock is a time that a test sets.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Now().UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// withClock has a node's tickets go by a clock of the test's.
func withClock(n *testNode) *clock {
	c := newClock()
	n.sessions.Tickets.Now = c.now
	return c
}

// loginTab is a browser's login, with what its page knows.
type loginTab struct {
	cookie, claim string // header, and what completes the login
	key           string // header
}

var aKey = base64.RawURLEncoding.EncodeToString(make([]byte, 32))

// fresh logs in and completes nothing.
func (n *testNode) fresh(t *testing.T, headers ...string) loginTab {
	t.Helper()
	answer := n.request(t, "GET", "/?token="+token, "", headers...)
	claim, ok := strings.CutPrefix(answer.Header.Get("Location"), "/?claim=")
	if answer.StatusCode != http.StatusSeeOther || !ok || len(answer.Cookies()) != 1 {
		t.Fatalf("logs in: %s, to %q", answer.Status, answer.Header.Get("Location"))
	}
	return loginTab{cookie: cookieOf(answer), claim: claim}
}

func cookieOf(answer *http.Response) string {
	return "Cookie: " + answer.Cookies()[0].Name + "=" + answer.Cookies()[0].Value
}

// bound logs in as a page with scripts does, and returns the first pass as well.
func (n *testNode) bound(t *testing.T, key string, headers ...string) (tab loginTab, pass string) {
	t.Helper()
	tab = n.fresh(t, headers...)
	tab.key = session.KeyHeader + ": " + key
	answer := n.request(t, "POST", "/session/key", "claim="+tab.claim, tab.cookie, tab.key, formType)
	if answer.StatusCode != http.StatusOK || len(answer.Cookies()) != 1 {
		t.Fatalf("a login is bound: %s %s", answer.Status, readAll(t, answer))
	}
	tab.cookie = cookieOf(answer)
	return tab, passOf(t, answer)
}

func passOf(t *testing.T, answer *http.Response) string {
	t.Helper()
	var said struct{ Pass string }
	testkit.Must(t, json.NewDecoder(answer.Body).Decode(&said))
	if said.Pass == "" || len(answer.Header.Values("Set-Cookie")) > 1 ||
		strings.Contains(answer.Header.Get("Set-Cookie"), said.Pass) {
		t.Fatalf("%s: the pass is %q", answer.Status, said.Pass)
	}
	return said.Pass
}

func (n *testNode) pass(t *testing.T, tab loginTab) string {
	t.Helper()
	return passOf(t, n.request(t, "POST", "/session/pass", "", tab.cookie, tab.key))
}

// grantOf is the id of a login.
func grantOf(t *testing.T, n *testNode, tab loginTab) string {
	t.Helper()
	_, value, _ := strings.Cut(tab.cookie, "=")
	s, ok := n.sessions.Cookies.Verify(value, time.Now())
	if !ok {
		t.Fatal("the cookie is not good")
	}
	return s.Grant
}

// shower is a client that sends a cookie, and something else or nothing.
type shower struct {
	headers []string
	pass    func() string // in the query
	get     bool          // is let in for GET
	all     bool          // is let in for all methods
}

// byCookieAlone is all that a cookie alone may do, and what needs no cookie.
var byCookieAlone = regexp.MustCompile(
	`^(GET /(healthz|worker.js|offline|manifest.webmanifest)|` +
		`\S+ /assets/\*|(GET|POST) /login.*|POST /logout|POST /session/(key|plain)|\S+ /share/.*)$`,
)

// A cookie alone opens no route, nor with anything else that a thief may have.
func TestPageKey_OpensEveryRoute(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	c := withClock(n)
	s, err := n.client(t).Open(testkit.Context(t), self)
	testkit.Must(t, err)
	showers := n.showers(t, c)
	testkit.Must(
		t,
		chi.Walk(
			n.publicRoutes().(chi.Router),
			func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
				if byCookieAlone.MatchString(method + " " + route) {
					return nil
				}
				path := strings.NewReplacer("{node}", self, "{shell}", s.ID, "{page}", "index").Replace(route)
				path = regexp.MustCompile(`{\w+}`).ReplaceAllString(path, "nosuch")
				if method == "DELETE" || method == "POST" {
					path = strings.Replace(path, s.ID, "nosuch", 1) // it stays
				}
				for who, a := range showers {
					to := path
					if method+" "+route == "DELETE /logins" && a.all { // which ends the others'
						continue
					}
					if a.pass != nil {
						to += "?x=1&pass=" + a.pass()
					}
					status := n.asked(t, asker{headers: a.headers}, method, to)
					if opened := status != http.StatusUnauthorized; opened != (a.all || a.get && method == "GET") {
						t.Errorf("%-60s by %-25s: %d", method+" "+route, who, status)
					}
				}
				return nil
			},
		),
	)
}

// showers are those who show a cookie and something else, and those who are let in.
func (n *testNode) showers(t *testing.T, c *clock) map[string]shower {
	t.Helper()
	unclaimed := n.fresh(t)
	c.advance(claimLife)
	mine, _ := n.bound(t, aKey)
	other, _ := n.bound(t, strings.Repeat("B", 42)+"A")
	used, expired := n.pass(t, mine), n.pass(t, mine)
	if answer := n.request(t, "GET", "/nodes?pass="+used, "", mine.cookie); answer.StatusCode != http.StatusOK {
		t.Fatalf("by a pass: %s", answer.Status)
	}
	c.advance(passLife)
	is := func(text string) func() string { return func() string { return text } }
	forged := session.NewTickets([][]byte{keyOf('z')}).Issue("pass", "x", time.Hour)
	return map[string]shower{
		"cookie alone":         {headers: []string{mine.cookie}},
		"a wrong key":          {headers: []string{mine.cookie, session.KeyHeader + ": " + strings.Repeat("C", 43)}},
		"another login's key":  {headers: []string{mine.cookie, other.key}},
		"the hash of the key":  {headers: []string{mine.cookie, session.KeyHeader + ": " + session.KeySum(aKey)}},
		"a used pass":          {headers: []string{mine.cookie}, pass: is(used)},
		"an expired pass":      {headers: []string{mine.cookie}, pass: is(expired)},
		"a forged pass":        {headers: []string{mine.cookie}, pass: is(forged)},
		"another login's pass": {headers: []string{mine.cookie}, pass: func() string { return n.pass(t, other) }},
		"a claim for a pass": {
			headers: []string{mine.cookie},
			pass:    func() string { return n.sessions.Tickets.Issue("claim", grantOf(t, n, mine), passLife) },
		},
		"unclaimed":               {headers: []string{n.fresh(t).cookie}},
		"unclaimed for a minute":  {headers: []string{unclaimed.cookie}, pass: is(unclaimed.claim)},
		"a key without a cookie":  {headers: []string{mine.key}},
		"a pass without a cookie": {pass: func() string { return n.pass(t, mine) }},
		"the key":                 {headers: []string{mine.cookie, mine.key}, get: true, all: true},
		"a pass": {
			headers: []string{mine.cookie},
			pass:    func() string { return n.pass(t, mine) },
			get:     true,
		},
		"a login without a key": {headers: n.loggedIn(access.Admin, time.Hour), get: true, all: true},
		"the token":             {headers: []string{bearer}, get: true, all: true},
	}
}

// A browser that shows a cookie alone gets a page that opens nothing by itself, and a script a hint.
func TestPageKey_OpeningPage(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	c := withClock(n)
	tab := n.fresh(t)
	page := func(want int, path, cookie string) string {
		answer := n.request(t, "GET", path, "", cookie, "Accept: text/html")
		if answer.StatusCode != want || len(answer.Cookies()) > 0 {
			t.Errorf("%s: %s", path, answer.Status)
		}
		return readAll(t, answer)
	}
	claim := `name="claim" value="` + tab.claim + `"`
	text := page(200, "/?claim="+tab.claim, tab.cookie)
	if !strings.Contains(text, "Opening Convoy…") || !strings.Contains(text, claim) ||
		strings.Contains(text, `id="nodes"`) {
		t.Errorf("a new login:\n%s", text)
	}
	if text := page(401, "/", tab.cookie); !strings.Contains(text, `action="/login"`) || strings.Contains(text, "claim") {
		t.Errorf("a new login without its claim:\n%s", text)
	}
	n.refusesClaims(t, tab)
	answer := n.request(t, "POST", "/session/key", "claim="+tab.claim, tab.cookie, session.KeyHeader+": "+aKey, formType)
	bound := loginTab{cookie: cookieOf(answer), key: session.KeyHeader + ": " + aKey}
	first := passOf(t, answer)
	n.refusesSecondClaim(t, tab, bound)
	n.boundPage(t, bound, first)
	late := n.fresh(t)
	c.advance(claimLife)
	if answer := n.request(
		t, "POST", "/session/plain", "claim="+late.claim, late.cookie, formType,
	); answer.StatusCode != http.StatusConflict {
		t.Errorf("claimed after a minute: %s", answer.Status)
	}
	if answer := n.request(t, "POST", "/logout", "", bound.cookie); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("logged out by the cookie: %s", answer.Status)
	}
	if answer := n.request(t, "GET", "/nodes", "", bound.cookie, bound.key); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("after that: %s", answer.Status)
	}
}

// refusesClaims checks that a login is not completed by wrong claims, or with wrong keys.
func (n *testNode) refusesClaims(t *testing.T, tab loginTab) {
	t.Helper()
	for _, claim := range []string{"", "x.y", n.fresh(t).claim, n.sessions.Tickets.Issue("pass", "x", time.Minute)} {
		for _, path := range []string{"/session/key", "/session/plain"} {
			answer := n.request(
				t, "POST", path, url.Values{"claim": {claim}}.Encode(), tab.cookie, session.KeyHeader+": "+aKey, formType,
			)
			if answer.StatusCode != http.StatusConflict || len(answer.Cookies()) > 0 {
				t.Errorf("%s by the claim %.9q: %s", path, claim, answer.Status)
			}
		}
	}
	for _, key := range []string{"", "short", aKey + "A", strings.Repeat("*", 43)} {
		if answer := n.request(
			t, "POST", "/session/key", "claim="+tab.claim, tab.cookie, session.KeyHeader+": "+key, formType,
		); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("bound to %q: %s", key, answer.Status)
		}
	}
}

// refusesSecondClaim checks that a claim is used up, for anyone who saw the cookie before it was bound, or after.
func (n *testNode) refusesSecondClaim(t *testing.T, tab, bound loginTab) {
	t.Helper()
	for _, path := range []string{"/session/key", "/session/plain"} {
		for _, cookie := range []string{tab.cookie, bound.cookie} {
			answer := n.request(
				t, "POST", path, "claim="+tab.claim, cookie, session.KeyHeader+": "+strings.Repeat("B", 42)+"A", formType,
			)
			if answer.StatusCode != http.StatusConflict || len(answer.Cookies()) > 0 {
				t.Errorf("%s claims the login again: %s", path, answer.Status)
			}
		}
	}
}

// boundPage checks what a bound login gets without and with its first pass.
func (n *testNode) boundPage(t *testing.T, bound loginTab, first string) {
	t.Helper()
	opening := readAll(t, n.request(t, "GET", "/", "", bound.cookie, "Accept: text/html"))
	if !strings.Contains(opening, "Opening Convoy…") || strings.Contains(opening, "Continue without") {
		t.Errorf("a bound login:\n%s", opening)
	}
	refused := n.request(t, "GET", "/nodes", "", bound.cookie)
	if text := readAll(t, refused); refused.StatusCode != http.StatusUnauthorized || !strings.Contains(text, `"hint"`) ||
		!strings.Contains(text, "key") {
		t.Errorf("a script: %s %s", refused.Status, text)
	}
	console := n.request(t, "GET", "/?pass="+first, "", bound.cookie, "Accept: text/html")
	text := readAll(t, console)
	_, rest, ok := strings.Cut(text, ` data-pass="`)
	inPage, _, _ := strings.Cut(rest, `"`)
	if console.StatusCode != http.StatusOK || !ok || !strings.Contains(text, `data-key="`+n.sessions.Cookies.Name+`"`) {
		t.Fatalf("the console: %s\n%s", console.Status, text)
	}
	if n.asked(
		t, asker{headers: []string{bound.cookie}}, "GET", "/stream?viewer=0123456789abcdef&pass="+inPage,
	) != http.StatusOK {
		t.Error("the page's pass does not open its stream")
	}
}

// Another address of the same host is another origin: it needs a new login, and the first one keeps working.
func TestPageKey_TwoOrigins(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	keys := []string{
		strings.Repeat("A", 43),
		strings.Repeat("B", 42) + "A",
		strings.Repeat("C", 42) + "A",
		strings.Repeat("D", 42) + "A",
		strings.Repeat("E", 42) + "A",
	}
	tab, _ := n.bound(t, keys[0])
	for _, key := range keys[1:] {
		tab, _ = n.bound(t, key, tab.cookie)
	}
	for i, key := range keys {
		want := http.StatusOK
		if i < len(keys)-session.MaxPageKeys {
			want = http.StatusUnauthorized
		}
		if answer := n.request(t, "GET", "/nodes", "", tab.cookie, session.KeyHeader+": "+key); answer.StatusCode != want {
			t.Errorf("origin %d: %s", i, answer.Status)
		}
	}
	withUsers(t, n)
	answer := n.request(
		t, "POST", "/login", url.Values{"name": {"ann"}, "password": {"ann's password"}}.Encode(), tab.cookie, formType,
	)
	if answer := n.request(
		t, "GET", "/nodes", "", cookieOf(answer), session.KeyHeader+": "+keys[4],
	); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("another user's login takes the key over: %s", answer.Status)
	}
}

// Neither the key nor a pass reaches the log, the audit log, or another node.
func TestPageKey_StaysHere(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	var seen atomic.Pointer[http.Request]
	a.reach(spying{a.Cluster, &seen})
	tab, _ := a.bound(t, aKey)
	pass := a.pass(t, tab)
	for _, path := range []string{"/shells", "/log", "/shells/nosuch/text"} {
		path = "/nodes/" + b.Self + path + "?from=0&pass=" + pass
		a.request(t, "GET", path, "", tab.cookie, tab.key)
		sent := seen.Swap(nil)
		if sent == nil {
			t.Fatalf("%s was not sent on", path)
		}
		if text := headerText(sent); strings.Contains(text, aKey) || strings.Contains(text, "pass") ||
			!strings.Contains(text, "from=0") {
			t.Errorf("sent on: %s", text)
		}
	}
	a.request(t, "GET", "/nodes/x?pass="+pass, "", tab.cookie, tab.key, session.KeyHeader+": "+aKey)
	broken := a.site.Handle(func(http.ResponseWriter, *http.Request) error { panic("a mistake") })
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/nodes?pass="+pass, nil)
	r.Header.Set(session.KeyHeader, aKey)
	a.site.Recover(broken).ServeHTTP(httptest.NewRecorder(), r)
	for _, n := range []*testNode{a, b} {
		for _, line := range n.Logs.Tail(200) {
			text, err := json.Marshal(line)
			testkit.Must(t, err)
			if strings.Contains(string(text), aKey) || strings.Contains(string(text), pass) {
				t.Errorf("the log has %s", text)
			}
		}
	}
}

// spying is a cluster that keeps what is sent.
type spying struct {
	Cluster
	seen *atomic.Pointer[http.Request]
}

func (s spying) Do(node string, r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/grants" {
		s.seen.Store(r)
	}
	return s.Cluster.Do(node, r)
}

func headerText(r *http.Request) string {
	var text strings.Builder
	text.WriteString(r.URL.String())
	r.Header.Write(&text) //nolint:errcheck // a Builder takes everything
	return text.String()
}
