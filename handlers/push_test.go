package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	_ "image/png"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/handlers/alerts"
	"convoy/internal/client"
	"convoy/internal/pushtest"
	"convoy/internal/testkit"
	"convoy/push"
	"convoy/templates"
)

// pushesTo makes nodes send to a push service.
func pushesTo(t *testing.T, nodes ...*testNode) *pushtest.Service {
	t.Helper()
	service := pushtest.New(t)
	for _, n := range nodes {
		sender, err := push.Open("", false, slog.New(slog.DiscardHandler))
		testkit.Must(t, err)
		sender.Client = service.Client()
		n.alerts.Push, n.alerts.Rest = sender, 0
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			sender.Run(ctx)
		}()
		t.Cleanup(func() { cancel(); <-ended })
	}
	return service
}

// subscribe subscribes a browser at a node's console.
func (n *testNode) subscribe(t *testing.T, service *pushtest.Service, headers ...string) *pushtest.Browser {
	t.Helper()
	var state templates.Push
	testkit.Must(t, json.NewDecoder(n.request(t, "GET", "/push", "", headers...).Body).Decode(&state))
	browser := service.Subscribe(state.Key)
	body := fmt.Sprintf(`{"endpoint":%q,"p256dh":%q,"auth":%q}`, browser.Endpoint, browser.P256DH(), browser.Auth())
	answer := n.request(t, "POST", "/push", body, headers...)
	testkit.Must(t, json.NewDecoder(answer.Body).Decode(&state))
	if answer.StatusCode != http.StatusOK || !state.On {
		t.Fatalf("subscribe: %s, %+v", answer.Status, state)
	}
	return browser
}

// asks makes cat send a notification that is a question.
func (n *testNode) asks(t *testing.T, s client.Shell, text string) {
	t.Helper()
	answer := n.request(t, "POST", s.Path()+"/input", "\x1b]9;"+text+"\a\r", bearer)
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("input: %s", answer.Status)
	}
}

// pushed is the next message, and the browser that got it.
func pushed(t *testing.T, service *pushtest.Service) (c alerts.Call, m pushtest.Message) {
	t.Helper()
	select {
	case m = <-service.Got:
		testkit.Must(t, json.Unmarshal(m.Text, &c))
	case <-testkit.Context(t).Done():
		t.Fatal("no message came")
	}
	return c, m
}

func (n *testNode) alert(t *testing.T, s client.Shell, body string, headers ...string) {
	t.Helper()
	if answer := n.request(t, "POST", s.Path()+"/alert", body, headers...); answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", body, answer.Status)
	}
}

// The browser of a login gets what happens in a shell of another node, and answers without a page: once, and nothing
// else.
func TestPush_AnswerFromTheNotification(t *testing.T) {
	t.Parallel()
	home, other := twoNodes(t)
	service := pushesTo(t, home, other)
	tab, _ := home.bound(t, aKey)
	browser := other.subscribe(t, service, tab.cookie, tab.key) // which its home keeps
	if len(home.alerts.Push.All()) != 1 || len(other.alerts.Push.All()) != 0 {
		t.Fatal("the subscription is not at the user's home")
	}
	s, err := other.client(t).Open(testkit.Context(t), owner)
	testkit.Must(t, err)
	home.alert(t, s, `{"waits": true, "content": true}`, tab.cookie, tab.key)
	other.asks(t, s, "Overwrite? [y/N]")
	c, m := pushed(t, service)
	if m.Browser != browser || m.Urgency != "high" || len(m.Topic) != 32 || c.Text != "Overwrite? [y/N]" ||
		c.Title != "cat on owner waits" || c.Node != owner || c.Shell != s.ID || c.Pass == "" {
		t.Errorf("got %+v, %+v", c, m)
	}
	answer := func(path string, headers ...string) int {
		body := fmt.Sprintf(`{"key":"y","since":%q}`, c.Since.Format(time.RFC3339Nano))
		return home.request(t, "POST", path+"?pass="+c.Pass, body, headers...).StatusCode
	}
	for what, status := range map[string]int{
		"no login":       answer(s.Path() + "/answer"),
		"another login":  answer(s.Path()+"/answer", cookieOnly(t, home)),
		"another route":  answer(s.Path()+"/input", tab.cookie),
		"another shell":  answer(strings.TrimSuffix(s.Path(), s.ID)+"nosuch/answer", tab.cookie),
		"another method": home.request(t, "GET", s.Path()+"?pass="+c.Pass, "", tab.cookie).StatusCode,
	} {
		if status != http.StatusUnauthorized {
			t.Errorf("the pass with %s: %d", what, status)
		}
	}
	if status := answer(s.Path()+"/answer", tab.cookie, "Origin: https://evil.example"); status != http.StatusForbidden {
		t.Errorf("from another site: %d", status)
	}
	if status := answer(s.Path()+"/answer", tab.cookie); status != http.StatusNoContent {
		t.Errorf("an answer: %d", status)
	}
	if status := answer(s.Path()+"/answer", tab.cookie); status != http.StatusUnauthorized {
		t.Errorf("the same pass again: %d", status)
	}
}

// cookieOnly is the cookie of another login.
func cookieOnly(t *testing.T, n *testNode) string {
	tab, _ := n.bound(t, aKey)
	return tab.cookie
}

// Messages have no more than their user may see, and go to no browser whose login has ended.
func TestPush_Rights(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	service := pushesTo(t, n)
	s, err := n.client(t).Open(testkit.Context(t), self)
	testkit.Must(t, err)
	viewer := n.loggedIn(access.Viewer, time.Hour)
	watching := n.subscribe(t, service, viewer...)
	n.alert(t, s, `{"waits": true, "content": true}`, viewer...)
	n.asks(t, s, "one?")
	if c, m := pushed(t, service); m.Browser != watching || c.Text != "one?" || c.Pass != "" || !c.Since.IsZero() {
		t.Errorf("a viewer got %+v", c)
	}
	n.alert(t, s, `{}`, viewer...)
	one, _ := n.bound(t, aKey)
	two, _ := n.bound(t, aKey)
	n.subscribe(t, service, one.cookie, one.key)
	stays := n.subscribe(t, service, two.cookie, two.key)
	n.alert(t, s, `{"waits": true}`, two.cookie, two.key)
	n.request(t, "POST", "/logout", "", one.cookie, one.key)
	n.asks(t, s, "secret?")
	if c, m := pushed(t, service); m.Browser != stays || c.Text != "" || c.Pass != "" ||
		strings.Contains(string(m.Text), "secret") {
		t.Errorf("without content: %s", m.Text)
	}
	if left := len(n.alerts.Push.All()); left != 2 {
		t.Errorf("%d subscriptions, want those of the viewer and of the login that goes on", left)
	}
	if answer := n.request(t, "DELETE", "/push", "", two.cookie, two.key); answer.StatusCode != http.StatusOK {
		t.Errorf("unsubscribe: %s", answer.Status)
	}
	n.request(t, "DELETE", "/logins", "", two.cookie, two.key)
	if answer := n.request(t, "GET", "/push", "", two.cookie, two.key); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("after logging out everywhere: %s", answer.Status)
	}
	if len(service.Got) > 0 {
		t.Errorf("a browser got more: %s", (<-service.Got).Text)
	}
}

// What is no subscription is refused, and a node that sends nothing to browsers says so.
func TestPush_Refusals(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	if answer := n.request(t, "POST", "/push", "{}", bearer); answer.StatusCode != http.StatusConflict {
		t.Errorf("with -push off: %s", answer.Status)
	}
	service := pushesTo(t, n)
	b := service.Subscribe("")
	for _, bad := range []string{
		"", "{}", `{"endpoint":"https://example.org/"}`, `{"user":"eve"}`,
		fmt.Sprintf(`{"endpoint":"http://127.0.0.1/","p256dh":%q,"auth":%q}`, b.P256DH(), b.Auth()),
		fmt.Sprintf(`{"endpoint":%q,"p256dh":%q,"auth":%q}`, b.Endpoint+strings.Repeat("x", 4096), b.P256DH(), b.Auth()),
	} {
		if code := n.request(t, "POST", "/push", bad, bearer).StatusCode; code/100 != 4 || code == http.StatusConflict {
			t.Errorf("%.60s: %d", bad, code)
		}
	}
	for i := range 17 {
		now := time.Now()
		g := access.Grant{ID: fmt.Sprint(i), User: "openid:ann", Home: self, Created: now, Expires: now.Add(time.Hour)}
		err := n.alerts.Push.Put(push.Subscription{
			By: g.Identity(), Endpoint: b.Endpoint, P256DH: b.P256DH(), Auth: b.Auth(),
		})
		if (err != nil) != (i == 16) {
			t.Errorf("subscription %d: %v", i, err)
		}
	}
}

// A login whose cookie is refused, because it was not used for a week, gets nothing.
func TestPush_IdleLogin(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	now := time.Now().UTC()
	for grant, used := range map[string]time.Time{"fresh": now, "idle": now.Add(-8 * 24 * time.Hour)} {
		_, err := n.Authority.Grants.Merge([]access.Grant{{
			ID: grant, Kind: access.Login, User: "openid:ann", Home: self, Created: used, LastUsed: used,
			Expires: now.Add(time.Hour),
		}}, now)
		testkit.Must(t, err)
		if n.sessions.Idle(grant) != (grant == "idle") {
			t.Errorf("the %s login is idle: %v", grant, n.sessions.Idle(grant))
		}
	}
}

// What a browser needs to install the console is below its path, and the same for everyone.
func TestInstallable(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	var about manifest
	answer := n.request(t, "GET", "/manifest.webmanifest", "")
	testkit.Must(t, json.NewDecoder(answer.Body).Decode(&about))
	if answer.Header.Get("Content-Type") != "application/manifest+json" || about.Start != "/" || about.Scope != "/" ||
		about.Display != "standalone" || len(about.Icons) != 3 {
		t.Errorf("the manifest is %+v", about)
	}
	for _, icon := range about.Icons {
		picture, _, err := image.DecodeConfig(n.request(t, "GET", icon.Src, "").Body)
		if err != nil || fmt.Sprintf("%dx%d", picture.Width, picture.Height) != icon.Sizes {
			t.Errorf("%s is %d wide: %v", icon.Src, picture.Width, err)
		}
	}
	build := strings.Split(about.Icons[0].Src, "/")[2]
	for path, want := range map[string]int{
		"/worker.js?build=" + build: 200, "/worker.js?build=0123456789abcdef": 404, "/worker.js": 303,
	} {
		answer := n.request(t, "GET", path, "")
		if answer.StatusCode != want {
			t.Errorf("%s: %s", path, answer.Status)
		}
		if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "worker-src 'self'") {
			t.Errorf("%s has the policy %s", path, policy)
		}
	}
	nonces := regexp.MustCompile(`nonce="\w+"`)
	page := func(headers ...string) string {
		return nonces.ReplaceAllString(readAll(t, n.request(t, "GET", "/offline", "", headers...)), "")
	}
	if page(bearer) != page() {
		t.Error("the offline page depends on the login")
	}
}
