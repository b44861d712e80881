package e2e

import (
	"fmt"
	"slices"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// covered are the controls in the window whose middle is under a notice.
const covered = `JSON.stringify([...document.querySelectorAll("button, a, input, summary")].filter((e) => {
	const { left, right, top, bottom } = e.getBoundingClientRect();
	const shown = !document.querySelector("[data-ui-large]") || e.closest("[data-ui-large]");
	return shown && e.checkVisibility() && !e.closest("#notices") &&
		document.elementFromPoint((left + right) / 2, (top + bottom) / 2)?.closest("#notices");
}).map((e) => e.outerHTML.slice(0, 80)))`

// At the limit, the button is disabled, and the page shows why; a notice that also does covers no control.
func TestBrowser_LimitIsExplained(t *testing.T) {
	t.Parallel()
	n := startBash(t, "-max-nodes", "1")
	p := browse(t, n, n.host())
	p.Resize(1440, 900)
	spawnByClick(t, n, p)
	p.Wait(`(({ disabled, title }) => disabled && title.includes("-max-nodes"))(document.querySelector("#spawn"))`)
	p.Wait(`document.querySelector(".limit").innerText.includes("-max-nodes")`)
	p.Press("Shift+Escape")
	p.Do(`{ const notices = document.querySelector("#notices"); // which go by themselves
		new MutationObserver(() => window.noticed ||= notices.innerText.includes("-max-nodes"))
			.observe(notices, { childList: true }) }`)
	p.Press("n")
	p.Wait(`window.noticed`)
	free := func(what string) {
		t.Helper()
		p.Press("n") // the notice again
		p.Wait(`document.querySelector(".notice") && document.getAnimations().every((a) => a.playState === "finished")`)
		if under := browser.Eval[string](p, covered); under != "[]" {
			t.Errorf("%s: under the notice: %s", what, under)
		}
	}
	free("cards")
	p.Click("[data-self] [data-action=enlarge]")
	p.Wait(`document.querySelector("[data-ui-large]")`)
	free("an enlarged card")
	p.Do(`document.querySelector("[data-ui-large] [data-pane=log]").click()`)
	free("an enlarged log")
	p.Resize(390, 844)
	free("an enlarged log on a phone")
	p.Clean()
}

// A browser that knows no commands of buttons opens and closes dialogs as well.
func TestBrowser_OlderDialogs(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host(), func(p *browser.Page) {
		p.BeforeLoad(`delete HTMLButtonElement.prototype.commandForElement;
			addEventListener("command", (event) => event.preventDefault(), { capture: true })`)
	})
	p.Wait(`document.body.dataset.link === "open"`)
	p.Click("#menu-button")
	p.Click("[command=show-modal][commandfor=connect]")
	p.Wait(`document.querySelector("#connect").matches(":modal")`)
	p.Click("#connect [command=close]")
	p.Wait(`!document.querySelector("#connect").open`)
	p.Clean()
}

// inSight is met when the selected tab is whole within its list, and not under the tab of the log.
const inSight = `(() => {
	const list = document.querySelector("[data-self] .tabs");
	const box = (e) => e.getBoundingClientRect();
	const tab = box(list.querySelector("[data-shell][aria-selected=true]").parentElement);
	return tab.left >= box(list).left - 1 && tab.right <= box(list.lastElementChild).left + 1;
})()`

// titles are those of the tabs, as they are seen.
const titles = `[...document.querySelectorAll("[data-self] [role=tab][data-shell]")].map((e) => e.innerText.trim())`

// Of ten shells of one node, the selected tab is in sight; equal titles have numbers; and a title that a user gives is
// everyone's.
func TestBrowser_ManyTabs(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	first := selfShell(t, n, p)
	for range 8 {
		_, err := n.Open(testkit.Context(t), "convoy")
		testkit.Must(t, err)
	}
	p.Wait(titles + `.length === 9`)
	last := openTab(p)
	p.Wait(inSight)
	p.Resize(390, 844)
	p.Wait(inSight)
	names := browser.Eval[[]string](p, titles)
	slices.Sort(names)
	if unique := slices.Compact(slices.Clone(names)); len(unique) != 10 {
		t.Errorf("ten tabs are called %q", names)
	}
	p.Do(fmt.Sprintf(`document.querySelector('[role=tab][data-shell=%q]').click()`, idOf(first)))
	p.Wait(inSight)

	other := browse(t, n, n.host())
	p.Do(fmt.Sprintf(`document.querySelector('[role=tab][data-shell=%q]')
		.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }))`, idOf(last)))
	rename(p, "deploy \u202eit")
	for _, page := range []*browser.Page{p, other} {
		page.Wait(fmt.Sprintf(`document.querySelector('[data-shell=%q]').dataset.title === "deploy it"`, idOf(last)))
	}
	p.Do(fmt.Sprintf(`document.querySelector('[role=tab][data-shell=%q]').focus()`, idOf(last)))
	p.Press("F2")
	rename(p, "")
	other.Wait(fmt.Sprintf(`document.querySelector('[data-shell=%q]').dataset.title.startsWith("bash")`, idOf(last)))
	p.Clean()
}

// rename answers the question for a title.
func rename(p *browser.Page, title string) {
	p.Wait(`document.activeElement.matches("dialog.asks[open] input")`)
	if title == "" {
		p.Press("Backspace")
	}
	p.Type(title)
	p.Press("Enter")
	p.Wait(`!document.querySelector("dialog.asks")`)
}

// In every window, each control of the header is in sight, and the filter has room; the menu has words for all. A shell
// keeps the menu's key.
func TestBrowser_Header(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	for _, width := range []int64{360, 390, 640, 800, 1024, 1440} {
		p.Resize(width, 800)
		if out := browser.Eval[string](p, fmt.Sprintf(`JSON.stringify([...document.querySelectorAll(".top a, .top button")]
			.filter((e) => e.checkVisibility() && !e.closest("#menu") &&
				(e.getBoundingClientRect().left < 0 || e.getBoundingClientRect().right > %d)).map((e) => e.outerHTML.slice(0, 80)))`,
			width)); out != "[]" {
			t.Errorf("%d px: out of sight: %s", width, out)
		}
		if room := browser.Eval[bool](p, `[".find", "#spawn"].map((e) => document.querySelector(e).getBoundingClientRect())
			.reduce((find, button) => !find.width || find.width >= 140 && find.right < button.left)`); !room {
			t.Errorf("%d px: the filter has no room", width)
		}
	}
	p.Press("Shift+Escape")
	p.Press("?")
	p.Wait(`document.querySelector("#keys").open`)
	p.Press("Escape")
	p.Press("Ctrl+k")
	p.Wait(`document.activeElement.matches("#menu:popover-open [data-menu-filter]")`)
	p.Type("no such thing")
	p.Wait(`!document.querySelector("[data-menu-none]").hidden`)
	p.Do(`document.activeElement.select()`)
	p.Type("audit")
	p.Press("ArrowDown")
	p.Wait(`document.activeElement.matches(".menu-item[href='/audit']")`)
	p.Press("Escape")
	p.Press("Ctrl+k")
	p.Wait(`document.activeElement.matches("#menu:popover-open [data-menu-filter]") && !document.activeElement.value`)
	p.Type("convoy")
	p.Press("Enter")
	p.Wait(`document.activeElement.closest(".xterm") && !document.querySelector("#menu").matches(":popover-open")`)
	p.Type("echo kept dropped")
	for range len(" dropped") {
		p.Press("ArrowLeft")
	}
	p.Press("Ctrl+k")
	p.Press("Enter")
	p.WaitScreen(key, "\nkept\n")
	p.Wait(`!document.querySelector("#menu").matches(":popover-open")`)
	p.Clean()
}

// when are the texts of a page's times.
const when = `[...document.querySelectorAll("relative-time")].map((e) => e.shadowRoot.textContent)`

// The audit page shows times in this place and in words, and chooses entries by their words and their result.
func TestBrowser_AuditFilter(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	n.spawnAlive(t)
	p := browse(t, n, n.host())
	selfShell(t, n, p)
	p.Go("http://" + n.host() + "/audit")
	p.Wait(`document.querySelectorAll("tbody tr").length >= 3`)
	p.Wait(when + `.some((text) => text.endsWith(" ago"))`)
	if iso := browser.Eval[bool](p, `/\d{4}-\d\d-\d\dT/.test(document.body.innerText + `+when+`.join())`); iso {
		t.Error("the page has times that are not local")
	}
	p.Do(`document.querySelector("[name=q]").focus()`)
	p.Type("NODE.spawn token")
	p.Do(`document.querySelector("[name=result]").value = "ok"`)
	p.Press("Enter")
	p.Wait(`location.search.includes("q=NODE.spawn+token&result=ok")`)
	p.Wait(`document.querySelectorAll("tbody tr").length === 1`)
	p.Wait(`document.querySelector("[name=q]").value === "NODE.spawn token" &&
		document.querySelector("[name=result]").value === "ok"`)
	p.Follow(".audit-find a")
	p.Wait(`location.search === "" && document.querySelectorAll("tbody tr").length >= 3`)
	p.Clean()
}

// An enlarged node has an address: Back restores it, and the address enlarges it again.
func TestBrowser_EnlargedHasAnAddress(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	name := n.spawnAlive(t).Name
	p := browse(t, n, n.host())
	p.Resize(1440, 900)
	selfShell(t, n, p)
	large := func(on bool) {
		p.Wait(fmt.Sprintf(`document.querySelector('%s')?.matches("[data-ui-large]") === %v`, card(name), on))
	}
	p.Click(card(name) + " [data-action=enlarge]")
	large(true)
	p.Wait(fmt.Sprintf(`location.hash === "#" + document.querySelector('%s').dataset.short`, card(name)))
	p.Back()
	large(false)
	p.Wait(`location.hash === ""`)
	p.Do(`history.forward()`)
	large(true)
	p.Reload()
	large(true)
	p.Back() // it loads the page again
	large(false)
	p.Wait(`location.hash === ""`)
	short := browser.Eval[string](p, fmt.Sprintf(`document.querySelector('%s').dataset.short`, card(name)))
	p.Go("http://" + n.host() + "/?again#" + short)
	large(true)
	p.Click(card(name) + " [data-action=enlarge]")
	large(false)
	p.Clean()
}

// Cards grow with the window, and leave no hole beside a card whose facts are open.
func TestBrowser_Cards(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	n.spawnAlive(t)
	p := browse(t, n, n.host())
	p.Resize(2880, 1800)
	selfShell(t, n, p)
	n.until(t, "both nodes have shells", func(list []client.Node) bool { return len(list) == 2 })
	const right = `Math.max(...[...document.querySelectorAll(".node")].map((e) => e.getBoundingClientRect().right))`
	p.Wait(`document.querySelectorAll(".node").length === 2 && ` + right + ` > 2840`)
	p.Wait(`document.querySelector(".pane").offsetHeight > 600`)
	p.Resize(1440, 900)
	const places = `JSON.stringify([...document.querySelectorAll(".node, .tabbar")].map((e) => e.getBoundingClientRect()))`
	before := browser.Eval[string](p, places)
	p.Click("[data-self] summary")
	p.Wait(`document.querySelector("[data-self] .facts dl").checkVisibility()`)
	if after := browser.Eval[string](p, places); after != before {
		t.Errorf("open facts move the cards from\n%s to\n%s", before, after)
	}
	p.Clean()
}

// The page of an unknown address leads back.
func TestBrowser_NotFoundLeadsBack(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	p.Go("http://" + n.host() + "/nothing/here")
	p.Follow(".sheet a")
	p.Wait(`location.pathname === "/" && document.querySelector("#nodes")`)
}
