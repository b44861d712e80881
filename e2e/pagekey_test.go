package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"convoy/internal/browser"
	"convoy/internal/faultproxy"
	"convoy/internal/testkit"
)

// thief listens on another port of localhost. Its page asks it for something again and again, so it sees each cookie
// that the browser has for the host, however short that lives.
type thief struct {
	host    string
	mu      sync.Mutex
	changed chan struct{} // closed and replaced when there is another cookie
	cookies map[string]bool
	headers map[string]bool // names of all headers that came
}

func startThief(t *testing.T) *thief {
	t.Helper()
	th := &thief{changed: make(chan struct{}), cookies: map[string]bool{}, headers: map[string]bool{}}
	pace := time.NewTicker(2 * time.Millisecond)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		th.note(r)
		if r.URL.Path == "/poll" {
			select {
			case <-pace.C:
			case <-r.Context().Done():
			}
			return
		}
		w.Header().Set("Content-Type", "text/html")
		//nolint:errcheck // the browser may have left
		io.WriteString(w, `<title>thief</title><script>(async () => { for (;;) await fetch("/poll"); })()</script>`)
	}))
	t.Cleanup(func() {
		pace.Stop()
		server.CloseClientConnections()
		server.Close()
	})
	th.host = "localhost:" + port(t, server.URL)
	return th
}

func port(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	testkit.Must(t, err)
	return u.Port()
}

func (th *thief) note(r *http.Request) {
	th.mu.Lock()
	defer th.mu.Unlock()
	for name := range r.Header {
		th.headers[name] = true
	}
	for _, c := range r.Cookies() {
		if !th.cookies[c.String()] {
			th.cookies[c.String()] = true
			close(th.changed)
			th.changed = make(chan struct{})
		}
	}
}

// loot waits for at least so many cookies, and returns all.
func (th *thief) loot(ctx context.Context, t *testing.T, least int) (list []string) {
	t.Helper()
	for {
		th.mu.Lock()
		have, changed := len(th.cookies), th.changed
		if have >= least {
			for c := range th.cookies {
				list = append(list, c)
			}
			th.mu.Unlock()
			return list
		}
		th.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("the thief has %d cookies, want %d", have, least)
		}
	}
}

// replay shows what a thief has to a console, in every kind of request.
func replay(t *testing.T, host, key, cookie string) {
	t.Helper()
	node, shell, _ := strings.Cut(key, "/")
	at := "/nodes/" + node + "/shells/" + shell
	for _, test := range []struct{ method, path, accept, body string }{
		{"GET", "/", "text/html", ""},
		{"GET", "/logins", "text/html", ""},
		{"GET", "/nodes", "application/json", ""},
		{"GET", "/stream?viewer=0123456789abcdef&shell=" + key + "@-1", "text/event-stream", ""},
		{"GET", at + "/text", "text/plain", ""},
		{"POST", at + "/input?viewer=0123456789abcdef&n=0", "application/json", "touch stolen\r"},
		{"POST", "/nodes", "application/json", ""},
		{"POST", "/nodes/" + node + "/run", "application/json", `{"command":"touch stolen"}`},
		{"POST", "/tokens", "application/json", `{"name":"stolen"}`},
		{"POST", "/session/pass", "application/json", ""},
		{"POST", "/session/key", "application/json", ""},
		{"POST", "/session/plain", "text/html", ""},
	} {
		body := strings.NewReader(test.body)
		r, err := http.NewRequestWithContext(testkit.Context(t), test.method, "http://"+host+test.path, body)
		testkit.Must(t, err)
		r.Header.Set("Cookie", cookie)
		r.Header.Set("Accept", test.accept)
		if strings.HasPrefix(test.path, "/session/") {
			r.Header.Set("Convoy-Key", strings.Repeat("A", 43))
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		testkit.Must(t, err)
		var text []byte
		if test.accept == "text/html" { // a stream that opened would not end
			text, err = io.ReadAll(answer.Body)
			testkit.Must(t, err)
		}
		answer.Body.Close()
		refused := answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusConflict
		opening := test.accept == "text/html" && strings.Contains(string(text), "Opening Convoy…") &&
			!strings.Contains(string(text), `id="nodes"`)
		if !refused && !opening || len(answer.Cookies()) > 0 {
			t.Errorf("a stolen cookie: %s %s: %s", test.method, test.path, answer.Status)
		}
	}
}

// followLink prints a link over the whole screen of a shell, and clicks it.
func followLink(p *browser.Page, key, address string) {
	enter(p, key, fmt.Sprintf(`clear; printf '\e]8;;%%s\a' %q; printf '%%*s' $((COLUMNS * 40)) '' | tr ' ' x; `+
		`printf '\e]8;;\a'; echo link-$((40+2))`, address))
	p.Wait(fmt.Sprintf(`%s.text().includes("link-42")`, pane(key)))
	p.Do(fmt.Sprintf(`{
		const screen = %s, {left, top, width, height} = screen.getBoundingClientRect();
		for (const shift of [40, 0]) screen.dispatchEvent(new MouseEvent("mousemove", {bubbles: true,
			clientX: left + width / 2, clientY: top + height / 2 + shift}));
	}`, inPane(key, ".xterm-screen")))
	p.Click(paneSelector(key) + " .xterm-screen")
}

// A link in a shell leads to a program on another port of the host. It gets all cookies, and they open nothing; the
// page still works in all ways that pages are loaded.
func TestBrowser_StolenCookie(t *testing.T) {
	n := startBash(t)
	th := startThief(t)
	proxy := faultproxy.Start(t, n.host())
	host := "localhost:" + port(t, "http://"+proxy.Addr())
	p := browse(t, n, host)
	key := selfShell(t, n, p)

	followLink(p, key, "http://"+th.host+"/")
	th.loot(testkit.Context(t), t, 1) // its page is open from now on

	works := func(p *browser.Page, what string) {
		t.Helper()
		p.Wait(`document.body.dataset.link === "open" && location.search === ""`)
		waitPrompt(p, key)
		enter(p, key, fmt.Sprintf("clear; echo %s''-works", what))
		p.WaitScreen(key, what+"-works")
	}
	works(p, "the-page")
	p.Reload()
	works(p, "reload")
	fromMenu(p, "/logins")
	p.Wait(`document.querySelectorAll(".logins tbody tr").length === 1 && location.search === ""`)
	p.Back()
	works(p, "back")
	tab := p.Tab("http://" + host + "/")
	works(tab, "a-tab")
	proxy.Cut()
	works(p, "reconnect")

	before := len(th.loot(testkit.Context(t), t, 1))
	tab.Go("http://" + host + "/?token=" + n.Token) // while the thief looks
	works(tab, "a-login")
	works(p, "the-old-page") // shares the new login
	cookies := th.loot(testkit.Context(t), t, before+1)
	for _, cookie := range cookies {
		replay(t, n.host(), key, cookie)
	}
	th.mu.Lock()
	defer th.mu.Unlock()
	if th.headers["Convoy-Key"] {
		t.Error("the thief got the key")
	}
	t.Logf("the thief had %d cookies", len(cookies))
	p.Clean()
	tab.Clean()
}

// Another port of the same host has no key: it explains why it wants a login, and the first page still works after
// that.
func TestBrowser_AnotherOrigin(t *testing.T) {
	n := startBash(t)
	proxy := faultproxy.Start(t, n.host())
	p := browse(t, n, "localhost:"+port(t, n.Base))
	key := selfShell(t, n, p)
	other := "http://localhost:" + port(t, "http://"+proxy.Addr())
	tab := p.Tab(other + "/")
	tab.Wait(`document.querySelector("[role=alert]")?.textContent.includes("A login belongs to the address")`)
	tab.Go(other + "/?token=" + n.Token)
	waitPrompt(tab, key)
	p.Reload()
	waitPrompt(p, key)
	p.Do(`document.querySelector("form[action='/logout']").requestSubmit()`)
	p.Wait(`location.pathname === "/login"`)
	if left := browser.Eval[int](
		p, `Object.keys(localStorage).filter(name => name.startsWith("convoy-key")).length`,
	); left != 0 {
		t.Errorf("logged out, and %d keys are left", left)
	}
}

// Without scripts, and without storage, there is a login that needs no key.
func TestBrowser_NoScripts(t *testing.T) {
	n := startBash(t, "-runbooks", shelve(t, map[string]string{"plain.md": "```sh\necho without''-scripts\n```\n"}))
	p := browser.Shared(t).Open(t, n.Base+"/?token="+n.Token, (*browser.Page).NoScripts)
	p.Follow("noscript button")
	if !browser.Eval[bool](
		p, `!!document.querySelector("#nodes .node") && location.pathname === "/" && location.search === ""`,
	) {
		t.Errorf("at %s: %s", browser.Eval[string](p, `location.href`), browser.Eval[string](p, `document.body.textContent`))
	}
	p.Go(n.Base + "/logins")
	p.Do(`document.querySelector("[name=name]").value = "ci"`)
	p.Follow("#token-make button")
	if !browser.Eval[bool](p, `document.querySelector("#token-text").value.startsWith("convoy_")`) {
		t.Error("no token is shown")
	}
	p.Go(n.Base + "/runbooks/plain")
	p.Follow("#run-all")
	if got := results(p, 1); !strings.Contains(got, "without-scripts") {
		t.Errorf("the step shows\n%s", got)
	}
	p.Go(n.Base + "/")
	p.Follow("noscript form[action='/nodes'] button")
	if len(names(t, n)) != 2 || browser.Eval[string](p, `location.pathname`) != "/" {
		t.Error("no node was spawned")
	}
	bare := browser.Shared(t).Open(t, n.Base+"/?token="+n.Token, func(p *browser.Page) {
		p.BeforeLoad(`for (const name of ["localStorage", "sessionStorage"])
			Object.defineProperty(window, name, { get() { throw new Error("no storage"); } });`)
	})
	bare.Wait(`document.querySelector("#plain:not([hidden]) button")`)
	bare.Click("#plain button")
	bare.Wait(`document.body.dataset.link === "open"`)
}
