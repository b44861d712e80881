package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/testkit"
)

// Any number of tabs of one browser work over HTTP/1.1, where it has six connections: consoles, view-only ones, and
// pages of links.
func TestBrowser_EightTabs(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	first := browse(t, n, n.host())
	key := selfShell(t, n, first)
	var link struct{ URL string }
	testkit.Must(t, n.Do(
		testkit.Context(t), http.MethodPost, path(key)+"/links", []byte(`{"right":"type"}`), &link,
	))
	pages := []*browser.Page{first}
	for i := 1; i < 7; i++ {
		address := n.Base + "/"
		if i%3 == 0 {
			address = n.Base + link.URL
		}
		pages = append(pages, first.Tab(address))
	}
	watching := first.Tab(n.Base + "/?watch")
	for i, p := range pages {
		waitPrompt(p, key)
		enter(p, key, fmt.Sprintf("echo tab''-%d-", i))
		p.WaitScreen(key, fmt.Sprintf("tab-%d-", i))
	}
	watching.WaitScreen(key, "tab-6-")
	first.Wait(viewers(key) + `.split("|").length === 8`) // each is a viewer of its own
	for _, p := range append(pages, watching) {
		p.Clean()
	}
}

// What happens to the tab that was first takes nothing from another.
func TestBrowser_FirstTabGoes(t *testing.T) {
	t.Parallel()
	for what, happens := range map[string]func(*browser.Page){
		"closes":  (*browser.Page).Close,
		"crashes": (*browser.Page).Crash,
		"hangs":   (*browser.Page).Freeze,
		"leaves":  func(p *browser.Page) { p.Do(`location.href = "/guide"`) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			n := startBash(t)
			root := browser.Shared(t).Open(t, "") // the tabs belong to it
			first := root.Tab(n.Base + "/?token=" + n.Token)
			key := selfShell(t, n, first)
			other := root.Tab(n.Base + "/")
			waitPrompt(other, key)
			happens(first)
			enter(other, key, "echo "+what+"''-")
			other.WaitScreen(key, what+"-")
		})
	}
}

// A tab that draws nothing stalls no other, and shows everything when it continues.
func TestBrowser_FrozenTabStallsNobody(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	frozen := browse(t, n, n.host())
	key := selfShell(t, n, frozen)
	other := frozen.Tab(n.Base + "/")
	waitPrompt(other, key)
	frozen.Freeze()
	enter(other, key, "seq 1 300000; echo en''d")
	other.WaitScreen(key, "300000\nend")
	frozen.Thaw()
	frozen.WaitScreen(key, "300000\nend")
}

// When the login ends, it ends for all tabs; the next one opens the next carrier.
func TestBrowser_TabsLoseTheirLogin(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	other := p.Tab(n.Base + "/")
	waitPrompt(other, key)
	p.Do(`document.querySelector("form[action='/logout']").submit()`)
	other.Wait(`document.body.dataset.link === "loggedout"`)
	p.Go(n.Base + "/?token=" + n.Token)
	for i, tab := range []*browser.Page{p, other} {
		tab.Go(n.Base + "/")
		waitPrompt(tab, key)
		enter(tab, key, fmt.Sprintf("echo ag''ain-%d-", i))
		tab.WaitScreen(key, fmt.Sprintf("again-%d-", i))
	}
}

// countSources counts the streams that a page opens itself, from the next load.
const countSources = `
	window.own = 0;
	window.EventSource = class extends EventSource { constructor(address) { super(address); own++; } };`

// Over HTTP/2, where streams share a connection anyway, each page has its own.
func TestBrowser_TabsOverHTTP2(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	n := launch(t, nil, "-tls-self", "-data", t.TempDir(), "-shell", "bash --norc --noprofile")
	u := n.link(t)
	var tabs []*browser.Page
	p := browser.Shared(t).Open(t, "")
	for range 3 {
		tab := p.Tab(u.String(), func(p *browser.Page) {
			p.TrustAll()
			p.BeforeLoad(countSources)
		})
		tab.Wait(`document.body.dataset.link === "open" && convoy.panes.size > 0`)
		tabs = append(tabs, tab)
	}
	for i, tab := range tabs {
		key := tab.Panes()[0]
		waitPrompt(tab, key)
		enter(tab, key, fmt.Sprintf("echo tab''-%d-", i))
		tab.WaitScreen(key, fmt.Sprintf("tab-%d-", i))
		if own := browser.Eval[int](tab, `own`); own != 1 {
			t.Errorf("tab %d has %d streams of its own", i, own)
		}
	}
}

// Without shared workers, one of the pages' own workers serves all of them, and another one when its page goes.
func TestBrowser_ElectedWorker(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	root := browser.Shared(t).Open(t, "") // the tabs belong to it
	prepare := func(p *browser.Page) { p.BeforeLoad(`delete window.SharedWorker;` + countSources) }
	tabs := []*browser.Page{root.Tab(n.Base+"/?token="+n.Token, prepare)}
	key := selfShell(t, n, tabs[0])
	for len(tabs) < 5 {
		tab := root.Tab(n.Base+"/", prepare)
		waitPrompt(tab, key)
		tabs = append(tabs, tab)
	}
	typeIn := func(tabs []*browser.Page, what string) {
		for i, tab := range tabs {
			enter(tab, key, fmt.Sprintf("echo %s''-%d-", what, i))
			tab.WaitScreen(key, fmt.Sprintf("%s-%d-", what, i))
			if own := browser.Eval[int](tab, `own`); own != 0 {
				t.Errorf("%s: tab %d has %d streams of its own", what, i, own)
			}
		}
	}
	typeIn(tabs, "all")
	tabs[0].Close()
	tabs[1].Wait(viewers(key) + `.split("|").length === 4`)
	typeIn(tabs[1:], "closed")
	tabs[1].Crash()
	typeIn(tabs[2:], "crashed")
	for _, tab := range tabs[2:] {
		tab.Clean()
	}
}

// A browser in which pages cannot share a worker, or in which it does not work, gives each page a stream of its own.
func TestBrowser_NoSharedWorker(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	for what, script := range map[string]string{
		"missing": `delete window.SharedWorker; delete Navigator.prototype.locks`,
		"refused": `window.SharedWorker = class { constructor() { throw new DOMException("no", "SecurityError") } }`,
		"silent":  `window.SharedWorker = class { port = new MessageChannel().port1 }`,
	} {
		p := browse(t, n, n.host(), func(p *browser.Page) { p.BeforeLoad(script + ";" + countSources) })
		key := selfShell(t, n, p)
		enter(p, key, "echo wor''ker-"+what+"-")
		p.WaitScreen(key, "worker-"+what+"-")
		if !browser.Eval[bool](p, `own === 1`) {
			t.Errorf("%s: the page has no stream of its own", what)
		}
		p.Clean()
	}
}
