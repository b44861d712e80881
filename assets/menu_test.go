package assets_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"convoy/assets"
	"convoy/internal/browser"
)

// servePages serves the assets and more.
func servePages(t *testing.T, more map[string]http.HandlerFunc) (url string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/assets/", assets.Handler())
	for pattern, serve := range more {
		mux.HandleFunc(pattern, serve)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// pageOf serves a page with some modules.
func pageOf(body string, modules ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html><head><link rel="icon" href="data:,"></head>%s`, body)
		for _, name := range modules {
			fmt.Fprintf(w, `<script type="module" src=%q></script>`, assets.URL(name))
		}
	}
}

// TestMenu_EnterTakesItsQuery presses Enter while the answer to an earlier query is in progress.
func TestMenu_EnterTakesItsQuery(t *testing.T) {
	t.Parallel()
	b := browser.Shared(t)
	asked, answer := make(chan string, 2), make(chan struct{}, 2)
	url := servePages(t, map[string]http.HandlerFunc{
		"GET /{$}": pageOf(`<body data-key="test"><div id="menu" popover>
			<input data-menu-filter name="q" hx-get="/find" hx-trigger="ask" hx-target="#found" hx-swap="outerHTML" hx-sync="replace">
			<p data-menu-none></p><div id="found"></div></div>`, "vendor/htmx/htmx.min.js", "js/menu.js"),
		"GET /find": func(w http.ResponseWriter, r *http.Request) {
			asked <- r.FormValue("q")
			<-answer
			fmt.Fprintf(w, `<div id="found"><button class="menu-item" onclick="taken.push(textContent)">%s</button></div>`,
				r.FormValue("q"))
		},
	})
	p := b.Open(t, url)
	p.Do(`window.taken = [], document.querySelector("#menu").showPopover(), document.querySelector("input").focus()`)
	const ask = `document.querySelector("input").dispatchEvent(new Event("ask"))` // the console does so after a while
	p.Type("a")
	p.Do(ask)
	<-asked
	p.Type("b")
	p.Press("Enter")
	answer <- struct{}{}
	p.Wait(`document.querySelector("#found").textContent === "a"`)
	p.Do(ask)
	if query := <-asked; query != "ab" {
		t.Errorf("the menu asks for %q, want ab", query)
	}
	answer <- struct{}{}
	p.Wait(`taken.length > 0`)
	if taken := browser.Eval[[]string](p, `taken`); len(taken) != 1 || taken[0] != "ab" {
		t.Errorf("Enter takes %q, want ab", taken)
	}
	p.Clean()
}

// TestLogOut_ForgetsOnTheNextPage logs out while the browser does not get to delete what it keeps.
func TestLogOut_ForgetsOnTheNextPage(t *testing.T) {
	t.Parallel()
	b := browser.Shared(t)
	url := servePages(t, map[string]http.HandlerFunc{
		"GET /{$}": pageOf(`<body data-key="test"><form method="post" action="/logout"><button>Log out</button></form>`,
			"js/key.js"),
		"POST /logout": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		},
		"GET /login": pageOf(`<body>`, "js/login.js"),
		"GET /worker.js": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			io.WriteString(w, `0`)
		},
	})
	p := b.Open(t, url)
	p.Do(`Promise.all([caches.open("convoy  kept"), navigator.serviceWorker.register("/worker.js")])`)
	p.Do(`navigator.serviceWorker.getRegistration = () => new Promise(() => {})`)
	p.Follow("button")
	p.Wait(`location.pathname === "/login"`)
	p.Wait(`Promise.all([caches.keys(), navigator.serviceWorker.getRegistrations()]).then((all) => !all.flat().length)`)
	p.Wait(`!sessionStorage.getItem("convoy-leaving")`)
	p.Clean()
}
