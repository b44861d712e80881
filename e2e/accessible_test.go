package e2e

import (
	"fmt"
	"strings"
	"testing"

	"convoy/internal/browser"
)

// tour leads through pages of a console, and shows each state of each to look.
type tour struct {
	t *testing.T
	n *running
	*browser.Page
	look func(p *browser.Page, what, selector string)
}

// axe-core finds nothing on any page, in the light theme and in the dark one, nothing clips a focus ring, and a phone
// shows and reaches all of it.
func TestBrowser_Accessible(t *testing.T) {
	t.Parallel()
	walk(t, func(t *testing.T, p *browser.Page, what, selector string) {
		if what == "console" {
			p.Accessible(what, selector)
		} else { // the colours in a terminal, which cost axe-core most of its time, are the same everywhere
			p.Accessible(what, selector, ".xterm-rows")
		}
		if cut := browser.Eval[string](p, clipped); cut != "" {
			t.Errorf("%s: focus rings are cut off: %s", what, cut)
		}
		looks(t, p, what)
	})
}

// clipped are the elements whose focus ring is cut off by a box that does not scroll. The focus stays where it was.
const clipped = `(() => {
	const was = document.activeElement;
	const top = document.querySelector("dialog[open], #menu:popover-open") ?? document.body;
	const cut = [...top.querySelectorAll("button, a, input, select, summary, [tabindex]")].filter((e) => {
		if (!e.checkVisibility() || e.closest(".xterm, .join, .skip")) return false;
		e.focus({ focusVisible: true, preventScroll: true });
		const { outlineOffset, outlineWidth, outlineStyle } = getComputedStyle(e);
		if (!e.matches(":focus-visible") || outlineStyle === "none") return false;
		const ring = parseFloat(outlineOffset) + parseFloat(outlineWidth) - 0.5;
		const { left, right, top, bottom } = e.getBoundingClientRect();
		for (let box = e.parentElement; box; box = box.parentElement) {
			const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
			const clip = box.getBoundingClientRect();
			if (getComputedStyle(box).overflowX !== "visible" && !scrolls && (left - ring < clip.left ||
				right + ring > clip.right || top - ring < clip.top || bottom + ring > clip.bottom)) return true;
		}
	});
	was?.focus({ preventScroll: true });
	return cut.map((e) => e.outerHTML.slice(0, 100)).join();
})()`

// walk takes the whole tour, each part at a node of its own.
func walk(t *testing.T, look func(t *testing.T, p *browser.Page, what, selector string)) {
	for part, lead := range map[string]func(tour){
		"console": tour.console, "dialogs": tour.dialogs, "runbooks": tour.runbooks, "pages": tour.pages,
	} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			lead(tour{t: t, look: func(p *browser.Page, what, selector string) { look(t, p, what, selector) }})
		})
	}
}

// open opens the console of a new node.
func (v *tour) open(args ...string) {
	v.n = startBash(v.t, args...)
	v.Page = browse(v.t, v.n, v.n.host())
	v.Resize(1440, 900)
}

// pages looks at all that is not the console.
func (v tour) pages() {
	recordings := v.t.TempDir()
	player := plant(v.t, recordings, `[1, "o", "\u001b[31mred\u001b[0m and plain"]`+"\n"+`[1, "m", "a mark"]`+"\n")
	v.open("-recordings", recordings)
	login := browser.Shared(v.t).Open(v.t, "http://"+v.n.host()+"/login")
	v.look(login, "login", "html")
	p := v.Page
	self := onlySelf(v)
	for _, page := range []struct{ what, path, ready string }{
		{"recordings", "/recordings", "table"},
		{"player", player, "[data-play]:not([disabled])"},
		{"logins", "/logins", "table"},
		{"audit", "/audit", "table"},
		{"audit without a match", "/audit?q=nothing-like-this", ".ghost"},
		{"offline", "/offline", "#again"},
		{"guide", "/guide", "article"},
		{"guide on keys", "/guide/keys", "article table"},
		{"node details", "/nodes/" + self, "table"},
		{"statistics", "/nodes/" + self + "/stats?range=15m", ".plot"},
		{"statistics of all nodes", "/stats", ".plot"},
		{"not found", "/nothing/here", ".sheet"},
	} {
		p.Go("http://" + v.n.host() + page.path)
		p.Wait(fmt.Sprintf(`document.querySelector(%q)`, page.ready))
		v.look(p, page.what, "html")
		fits(v.t, p, page.what)
	}
}

// fits checks that a page and its tables are no wider than a phone, upright and turned.
func fits(t *testing.T, p *browser.Page, what string) {
	t.Helper()
	for _, width := range []int64{390, 780} {
		p.Resize(width, 800)
		if wide := browser.Eval[string](p, `[document.documentElement, ...document.querySelectorAll(".frame")].filter((e) =>
			e.scrollWidth > e.clientWidth).map((e) => e.tagName + " " + e.scrollWidth + " > " + e.clientWidth).join()`); wide != "" {
			t.Errorf("%s, at a width of %d: %s", what, width, wide)
		}
	}
	p.Resize(1440, 900)
}

// onlySelf is the name of the node that serves the pages.
func onlySelf(v tour) string {
	for name := range names(v.t, v.n) {
		if strings.HasPrefix(name, "convoy@convoy.") {
			return name
		}
	}
	return ""
}

// console looks at cards, with what opens in them, and at what lies around them.
func (v tour) console() {
	v.open("-max-nodes", "1")
	p := v.Page
	key := selfShell(v.t, v.n, p)
	v.look(p, "console with one node", "main")
	_, other := spawnByClick(v.t, v.n, p)
	enter(p, key, `for i in {0..7}; do printf '\e[3%sm col%s \e[9%sm bright \e[4%sm back \e[0m\n' $i our$i $i $i; done`)
	p.WaitScreen(key, " colour7  bright  back")
	v.look(p, "console", "html")
	enter(p, other, `sh -c 'printf "Over""write? [y/N] "; read it'`)
	p.FocusPane(key)
	p.Wait(tabIs(other, "waiting"))
	v.look(p, "a shell that waits", "#fleet, .node:not([data-self])")
	p.Wait(armed(`document.querySelector(".answers [value=n]")`))
	p.Click(".answers [value=n]")
	p.Wait(`!document.querySelector(".answers")`)
	ended := openTab(p)
	enter(p, ended, "exit 3")
	p.Wait(`document.querySelector(".shell-bar:not([hidden]) span")?.textContent.includes("ended")`)
	p.Click("[data-self] .facts summary")
	v.look(p, "ended shell and open facts", "[data-self]")
	p.Click("[data-self] .facts summary")
	closeTab(p, ended)
	waitGone(p, ended)
	enter(p, key, "clear") // axe-core takes its time for each element of the page, wherever it looks
	p.Click("[data-self] [data-pane=log]")
	p.Do(`document.querySelector("#log-toggle").click()`)
	p.Wait(`document.querySelectorAll("#fleet-log li, .pane li").length > 5`)
	v.look(p, "logs", "#fleet-log")
	p.Do(`document.querySelectorAll("[data-log-clear]").forEach((button) => button.click())`)
	p.Do(`document.querySelector("#log-toggle").click()`)
	p.Click(fmt.Sprintf(`[role=tab][data-shell=%q]`, idOf(key)))
	p.Do(`document.querySelector("#broadcast-toggle").click()`)
	p.Click("[data-action=broadcast-all]")
	v.look(p, "broadcast", ".below, [data-self]")
	p.Do(`document.querySelector("#broadcast-toggle").click()`)
	p.Click("[data-self] .record:not([hidden])")
	p.Wait(`document.querySelector(".tab .rec")`)
	p.Click("[data-self] .record:not([hidden])")
	p.Wait(`((button) => { // it stays while it has the focus
		button?.focus();
		return button && document.activeElement === button;
	})(document.querySelector(".notice [data-action=dismiss]"))`)
	v.look(p, "notice", ".notice")
	p.Click("[data-self] [data-action=enlarge]")
	v.look(p, "enlarged", "[data-ui-large]")
	p.Click("[data-self] [data-action=enlarge]")
	p.Click("[data-self] .head [data-action=split]")
	p.Wait(`document.querySelector("[data-self] [data-split]")`)
	v.look(p, "split card", "[data-self]")
	p.Click("[data-place='2'] [data-action=unsplit]")
	v.table()
	p.FocusPane(other)
	p.Press("Alt+Shift+F1")
	p.Wait(`document.querySelectorAll(".xterm-accessibility-tree").length > 1`)
	v.look(p, "screen reader support", "[data-self]")
	p.Press("Alt+Shift+F1")
}

// table looks at the table of nodes, at what is done to several, and at what the menu finds.
func (v tour) table() {
	p := v.Page
	p.Click("#fleet [data-action=view]")
	v.look(p, "table", "main")
	p.Click("th[data-column=name] button")
	groupBy(p, "prefix")
	p.Click("[data-pick=all]")
	v.look(p, "chosen nodes in groups", "main")
	p.Click("[command=show-modal][commandfor=run]")
	p.Type("uname")
	p.Click("#run-all")
	p.Wait(`document.querySelector("#results-1 .result-names")?.children.length === 2`)
	v.look(p, "run on several nodes", "#run")
	p.Click("#run [command=close]")
	p.Click("[data-action=choose-none]")
	p.Do(`document.querySelector("#spawn-many").showModal()`)
	v.look(p, "spawn several nodes", "#spawn-many")
	p.Click("#spawn-many [command=close]")
	p.Press("Ctrl+k")
	p.Type("convoy")
	p.Wait(`document.querySelectorAll("#found .menu-item").length > 2`)
	v.look(p, "found in the menu", "#menu")
	p.Press("Escape")
	p.Click("#fleet [data-action=view]")
}

// dialogs looks at the dialogs and menus of the console, and at the page of a link that one of them makes.
func (v tour) dialogs() {
	v.open()
	p := v.Page
	key := selfShell(v.t, v.n, p)
	spawnByClick(v.t, v.n, p)
	for _, open := range []struct{ what, press, shows string }{
		{"menu", "#menu-button", "#menu"},
		{"connect", "[command=show-modal][commandfor=connect]", "#connect"},
		{"keys", "[command=show-modal][commandfor=keys]", "#keys"},
		{"shells", "[hx-target='#shell-lists']", "#shells"},
		{"retire", ".retire", "#confirm"},
		{"alert", "[data-tool=alert]", "#alert"},
		{"menu of a shell", `.shell-acts [title="More"]`, ".shell-menu:popover-open"},
		{"name", `[data-tool="Your name…"]`, "dialog.asks"},
		{"download", `[data-tool="Download a file…"]`, "dialog.asks"},
		{"find", `[data-tool^=Find]`, ".shell-find"},
	} {
		p.Do(fmt.Sprintf(`document.querySelector(%q).click()`, open.press))
		p.Wait(fmt.Sprintf(`document.querySelector(%q)?.checkVisibility()`, open.shows))
		v.look(p, open.what, open.shows)
		p.Do(fmt.Sprintf(`(e => e.close ? e.close() : e.popover && e.hidePopover())(document.querySelector(%q))`, open.shows))
	}
	enter(p, key, "echo rea''dy; cat") // which takes lines as they are
	p.WaitScreen(key, "\nready")
	p.Do(pasting(`one\ntwo\n`))
	p.Wait(`document.querySelector("dialog.asks[open]")`)
	v.look(p, "paste", "dialog.asks")
	p.Do(`document.querySelector("dialog.asks").close()`)
	p.FocusPane(key)
	p.Press("Ctrl+c")
	for _, right := range []string{"watch", "type"} {
		link := makeLink(p, onlySelf(v), right, "for a look")
		guest := browser.Shared(v.t).Open(v.t, link)
		guest.Wait(`window.convoy?.panes.size === 1 && document.body.dataset.link === "open"`)
		v.look(guest, "share page to "+right, "html")
	}
	p.Click(card(onlySelf(v)) + " [data-tool=share]")
	p.Wait(`document.querySelector("#share li")`)
	v.look(p, "share", "#share")
	p.Click("#share-close")
}

// runbooks looks at the list, at a runbook, and at its results.
func (v tour) runbooks() {
	v.open("-runbooks", shelve(v.t, map[string]string{"rollout.md": rollout}))
	p := v.Page
	p.Go("http://" + v.n.host() + "/runbooks")
	v.look(p, "runbooks", "html")
	openRunbook(v.t, p, "rollout")
	v.look(p, "runbook", "html")
	p.Click("#run-all")
	p.Wait(done(3, "failed"))
	v.look(p, "runbook with results", "html")
	p.Click("#step-2 [data-action=run-in]")
	p.Wait(`document.querySelector("#run-in[open] [data-node]")`)
	v.look(p, "run in", "#run-in")
}
