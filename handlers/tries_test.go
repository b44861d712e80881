package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"convoy/access"
	"convoy/audit"
	"convoy/handlers/session"
	"convoy/internal/testkit"
)

// of asks as if from another address, and returns the status of the answer.
func (n *testNode) of(addr, method, path, body string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	r.RemoteAddr = addr
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	n.public.ServeHTTP(w, r)
	return w.Result()
}

// stopClock has no try be forgiven for the time that a test takes.
func (n *testNode) stopClock() {
	at := time.Now()
	n.sessions.Tries.Now = func() time.Time { return at }
}

func passwordForm(name, password string) string {
	return url.Values{"name": {name}, "password": {password}}.Encode()
}

// Of many wrong logins at once three are checked, whichever way they come.
func TestTries_AtOnce(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(n *testNode) *http.Response{
		"form, password": func(n *testNode) *http.Response {
			return n.of("192.0.2.7:1", "POST", "/login", passwordForm("ann", "wrong password"), formType)
		},
		"form, token": func(n *testNode) *http.Response {
			return n.of("192.0.2.7:1", "POST", "/login", "token=wrong", formType)
		},
		"link": func(n *testNode) *http.Response { return n.of("192.0.2.7:1", "GET", "/?token=wrong", "") },
		"bearer token": func(n *testNode) *http.Response {
			return n.of("192.0.2.7:1", "GET", "/nodes", "", "Authorization: Bearer wrong")
		},
		"bearer token of our form": func(n *testNode) *http.Response {
			return n.of("192.0.2.7:1", "POST", "/nodes", "", "Authorization: Bearer "+access.TokenPrefix+"WRONG")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := start(t, "/bin/cat")
			withUsers(t, n)
			withAudit(t, n)
			checks := n.sessions.Tries.Checks
			checks.PerUser, checks.MaxWaiting, checks.Reserve = 2, 2, 0 // the throttle alone
			meanwhile := n.another(t)
			n.stopClock()
			answers := make(chan *http.Response, 40)
			var all sync.WaitGroup
			for range cap(answers) {
				all.Go(func() { answers <- ask(n) })
			}
			all.Wait()
			meanwhile()
			close(answers)
			by := map[int]int{}
			for answer := range answers {
				by[answer.StatusCode]++
				if answer.StatusCode == http.StatusTooManyRequests && answer.Header.Get("Retry-After") == "" {
					t.Error("429 without Retry-After")
				}
			}
			if by[401] != 3 || by[429] != 37 {
				t.Errorf("answers %v, want three of 401", by)
			}
			entries := slices.DeleteFunc(n.ownAudit(auditQuery{}), func(e audit.Entry) bool { return e.Result != audit.Refused })
			if len(entries) != 1 || !strings.Contains(entries[0].Detail, "40 times") || entries[0].Addr != "192.0.2.7:1" {
				t.Errorf("the audit log has %+v", entries)
			}
		})
	}
}

// During guessing from the same address, valid credentials work: a token and a cookie immediately, a password if it has
// worked there before.
func TestTries_RightOnesBesideAGuesser(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	withUsers(t, n)
	text, g := access.NewToken(
		"ci", n.Authority.NewIdentity(access.ConsoleToken, access.Viewer), time.Now(), time.Now().Add(time.Hour),
	)
	testkit.Must(t, n.sessions.Add(g))
	ended, over := access.NewToken(
		"old", n.Authority.NewIdentity(access.ConsoleToken, access.Viewer), time.Now(), time.Now().Add(time.Hour),
	)
	testkit.Must(t, n.sessions.Add(over))
	testkit.Must(t, n.sessions.End(over))
	const addr = "192.0.2.7:1"
	if answer := n.of(
		addr, "POST", "/login", passwordForm("ann", "ann's password"), formType,
	); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("before: %s", answer.Status)
	}
	n.stopClock()
	for i := range 30 {
		n.of(addr, "POST", "/login", passwordForm(fmt.Sprint("name", i), "wrong password"), formType)
		n.of(addr, "GET", "/nodes", "", "Authorization: Bearer wrong")
	}
	for what, test := range map[string]struct {
		answer *http.Response
		want   int
	}{
		"the guesser":            {n.of(addr, "GET", "/?token=wrong", ""), 429},
		"a name never seen here": {n.of(addr, "POST", "/login", passwordForm("vic", "vic's password"), formType), 429},
		"a known name":           {n.of(addr, "POST", "/login", passwordForm("ann", "ann's password"), formType), 303},
		"the token by the form":  {n.of(addr, "POST", "/login", "token="+token, formType), 303},
		"the token by the link":  {n.of(addr, "GET", "/?token="+token, ""), 303},
		"the token":              {n.of(addr, "GET", "/nodes", "", bearer), 200},
		"an API token":           {n.of(addr, "GET", "/nodes", "", "Authorization: Bearer "+text), 200},
		"a token that has ended": {n.of(addr, "GET", "/nodes", "", "Authorization: Bearer "+ended), 401},
		"a cookie":               {n.of(addr, "GET", "/nodes", "", n.as("vic", access.Viewer)...), 200},
		"another address": {n.of("192.0.2.8:1", "POST", "/login", passwordForm("vic", "vic's password"), formType),
			303},
	} {
		if test.answer.StatusCode != test.want {
			t.Errorf("%s: %s, want %d", what, test.answer.Status, test.want)
		}
	}
}

// Few passwords are compared at once. A full queue blocks neither the token nor a name that is known at its address.
// A login without a turn in time learns when to try again.
func TestTries_FewAtOnce(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	withUsers(t, n)
	meanwhile := n.another(t)
	const home = "192.0.2.7:1"
	if answer := n.of(
		home, "POST", "/login", passwordForm("ann", "ann's password"), formType,
	); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("before: %s", answer.Status)
	}
	release, err := n.sessions.Tries.Checks.TryAcquire(access.Claim{Identity: access.Identity{User: "a stranger"}})
	testkit.Must(t, err)
	defer release()
	if _, err := n.sessions.Tries.Checks.TryAcquire(
		access.Claim{Identity: access.Identity{User: "another stranger"}},
	); !errors.Is(err, access.ErrBusy) {
		t.Fatalf("two strangers at once: %v", err)
	}
	if answer := n.of(
		home, "POST", "/login", passwordForm("ann", "ann's password"), formType,
	); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("a known name meanwhile: %s", answer.Status)
	}
	if answer := n.of(
		"192.0.2.9:1", "POST", "/login", "token="+token, formType,
	); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the token meanwhile: %s", answer.Status)
	}
	meanwhile()
	r := httptest.NewRequest("POST", "http://localhost/login", strings.NewReader(passwordForm("vic", "vic's password")))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // its wait is over
	w := httptest.NewRecorder()
	n.public.ServeHTTP(w, r.WithContext(ctx))
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("who has no turn: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
}

// However many logins are refused, the audit log has one entry for each address and minute, and a bounded number of
// addresses. The page still shows what others did.
func TestRefusals_AreCounted(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	withAudit(t, n)
	n.of("192.0.2.7:1", "POST", "/logout", "", bearer)
	for i := range 1000 {
		n.of("198.51.100.7:1", "POST", "/login", passwordForm(fmt.Sprint("name", i), "hunter22"), formType)
	}
	entries := n.ownAudit(auditQuery{})
	if len(entries) != 2 || entries[0].Action != "login" || entries[0].Result != audit.Refused ||
		entries[1].Action != "logout" {
		t.Fatalf("%d entries: %+v", len(entries), entries)
	}
	if said := entries[0].Detail; !strings.Contains(said, `1000 times`) || !strings.Contains(said, `last as "name999"`) ||
		entries[0].User != "name0" || strings.Contains(said, "hunter22") {
		t.Errorf("the entry is %+v", entries[0])
	}
	for i := range 1000 {
		n.of(fmt.Sprintf("198.51.%d.%d:1", i/250, i%250), "GET", "/?token=wrong", "")
	}
	before := n.sessions.Audit.Head().Seq
	n.sessions.FlushFailures()
	if wrote := n.sessions.Audit.Head().Seq - before; wrote != session.MaxFailedAddrs+1 {
		t.Errorf("a thousand addresses make %d entries, want %d", wrote, session.MaxFailedAddrs+1)
	}
	for range auditShown {
		n.of("198.51.100.7:1", "GET", "/?token=wrong", "")
		n.sessions.FlushFailures()
	}
	entries = n.ownAudit(auditQuery{})
	if last := entries[len(entries)-1]; last.Action != "logout" || len(entries) != auditRefusals+1 {
		t.Errorf("the page has %d entries, the last is %+v", len(entries), last)
	}
}

// What was counted is written when the node stops.
func TestRefusals_AtShutdown(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	withAudit(t, n)
	n.of("192.0.2.7:1", "GET", "/?token=wrong", "")
	if seq := n.sessions.Audit.Head().Seq; seq != 0 {
		t.Fatalf("%d entries before", seq)
	}
	n.Close()
	if seq := n.sessions.Audit.Head().Seq; seq != 1 {
		t.Errorf("%d entries after, want 1", seq)
	}
}
