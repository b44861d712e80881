package e2e

import (
	"fmt"
	"os"
	"testing"

	"convoy/internal/browser"
)

// shownPanes is an expression for the ids of a page's visible shells, in the order of their places.
const shownPanes = `[...document.querySelectorAll(".pane[data-kind=shell]")].filter((e) => e.checkVisibility())
	.sort((a, b) => a.offsetLeft + a.offsetTop - b.offsetLeft - b.offsetTop).map((e) => e.ariaLabelledByElements[0].dataset.shell).join(" ")`

// fillsPane is whether a shell has the size of its pane: no letterbox, and not scaled.
func fillsPane(key string) string {
	return fmt.Sprintf(`((p, e) => p && e.checkVisibility() && p.size.cols < 300 && e.querySelector(".shell-screen").dataset.fit === "" &&
		e.querySelector(".xterm-screen").offsetWidth <= e.clientWidth &&
		e.querySelector(".xterm-screen").offsetWidth > e.clientWidth - 50)(%s, document.querySelector(%q))`,
		pane(key), paneSelector(key))
}

// picture takes a screenshot into the directory that CONVOY_LOOKS names, if any.
func picture(p *browser.Page, name string) {
	if dir := os.Getenv("CONVOY_LOOKS"); dir != "" {
		p.Screenshot(dir + "/" + name + ".png")
	}
}

// A card shows two shells, which the keyboard splits, resizes and joins again; a browser keeps that.
func TestBrowser_Split(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	first := selfShell(t, n, p)
	p.Press("Shift+Escape")
	p.Press("|") // there is one shell: another opens
	p.Wait(`document.querySelector(".panes").dataset.split === "beside" && window.convoy.panes.size === 2`)
	second := p.Panes()[1]
	both := idOf(first) + " " + idOf(second)
	shows := func(ids string) { t.Helper(); p.Wait(fmt.Sprintf(`%s === %q`, shownPanes, ids)) }
	shows(both)
	p.Wait(fmt.Sprintf(`document.activeElement.closest(".pane")?.pane === %s`, pane(second)))
	waitPrompt(p, second)
	p.Type("echo to-the-sec''ond")
	p.Press("Enter")
	p.WaitScreen(second, "to-the-second")
	p.Wait(fillsPane(first) + " && " + fillsPane(second))
	p.Press("Ctrl+Shift+O")
	p.Wait(fmt.Sprintf(`document.activeElement.closest(".pane")?.pane === %s`, pane(first)))
	before := browser.Eval[int](p, pane(first)+`.size.cols`)
	p.Do(`document.querySelector(".split-line input").focus()`)
	p.Press("PageUp")
	p.Press("ArrowRight")
	p.Wait(`document.querySelector(".split-line input").value > 55`)
	p.Wait(fmt.Sprintf(`%s.size.cols > %d`, pane(first), before))
	p.Wait(fillsPane(first) + " && " + fillsPane(second))
	picture(p, "split-beside")

	part := browser.Eval[string](p, `document.querySelector(".split-line input").value`)
	p.Reload()
	p.Wait(fmt.Sprintf(`document.querySelector(".split-line input")?.value === %q`, part))
	shows(both)
	p.Wait(fillsPane(first) + " && " + fillsPane(second))
	p.Do(`document.querySelector(".split-line input").dispatchEvent(new MouseEvent("dblclick", {bubbles: true}))`)
	p.Wait(`document.querySelector(".split-line input").value === "50"`)
	splitTurns(t, p, first, second)
	splitEnds(p, first, second)
	p.Clean()
}

// splitTurns puts one pane below the other, and shows what a phone does with a split.
func splitTurns(t *testing.T, p *browser.Page, first, second string) {
	t.Helper()
	p.Click("[data-self] .name")
	p.Press("-")
	p.Wait(`document.querySelector(".split-line input").ariaOrientation === "vertical"`)
	p.Wait(fillsPane(first) + " && " + fillsPane(second))
	p.DragEdge(".split-line", 60)
	p.Wait(`document.querySelector(".split-line input").value > 52`)
	p.Click("[data-self] [data-action=enlarge]")
	p.Wait(fillsPane(first) + " && " + fillsPane(second))
	picture(p, "split-below-large")
	p.Back()
	p.Touch(390, 844)
	p.Wait(`!document.querySelector("[data-split]") &&
		document.querySelectorAll("[role=tab][aria-selected=true]").length === 1`)
	if got := browser.Eval[string](p, shownPanes); got != idOf(first) && got != idOf(second) {
		t.Errorf("a phone shows %q", got)
	}
	if browser.Eval[bool](p, `[...document.querySelectorAll("[data-action=split]")].some((e) => e.checkVisibility())`) {
		t.Error("a phone offers to split")
	}
	picture(p, "split-phone")
	p.Resize(1280, 900)
	p.Wait(`document.querySelector("[data-split=below]")`)
}

// splitEnds closes a pane, whose shell stays in its tab, and then a shell that is shown in a pane.
func splitEnds(p *browser.Page, first, second string) {
	p.Click(paneSelector(second) + " [data-action=unsplit]")
	p.Wait(fmt.Sprintf(`%s === %q && document.activeElement.closest(".pane")?.pane === %s`,
		shownPanes, idOf(first), pane(first)))
	p.Wait(`document.querySelectorAll("[role=tab][data-running]").length === 2 && !document.querySelector("[data-split]")`)
	p.Press("Shift+Escape")
	p.Press("|")
	p.Wait(fmt.Sprintf(`%s === %q`, shownPanes, idOf(first)+" "+idOf(second)))
	p.Type("exit")
	p.Press("Enter")
	p.Wait(fmt.Sprintf(`%s.ended`, pane(second)))
	p.Click(paneSelector(second) + " .shell-bar [hx-delete]")
	p.Wait(fmt.Sprintf(`!document.querySelector("[data-split]") && %s === %q`, shownPanes, idOf(first)))
}

// Two cards fill the window side by side, at an address of their own.
func TestBrowser_TwoEnlarged(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	own := selfShell(t, n, p)
	_, key := spawnByClick(t, n, p)
	p.Press("Shift+Escape")
	p.Do(`document.querySelector("[data-self] .name").focus()`)
	p.Press("m")
	p.Wait(`document.querySelectorAll("[data-ui-large]").length === 1`)
	p.Press("M")
	p.Wait(`document.querySelectorAll("[data-ui-large]").length === 2 && /^#[^+/]+\+[^+/]+$/.test(location.hash)`)
	p.Wait(fillsPane(own) + " && " + fillsPane(key))
	p.Wait(fmt.Sprintf(`document.activeElement.closest(".pane")?.pane === %s`, pane(key)))
	p.Resize(1100, 700)
	picture(p, "two-large")
	p.Reload()
	p.Wait(`document.querySelectorAll("[data-ui-large]").length === 2`)
	p.Wait(fmt.Sprintf(`document.activeElement.closest(".pane")?.pane === %s`, pane(own)))
	p.Click(`[data-ui-large] [data-action=enlarge]`)
	p.Wait(`document.querySelectorAll("[data-ui-large]").length === 1 && !location.hash.includes("+")`)
	p.Press("1") // in the place of the other
	p.Wait(fmt.Sprintf(`document.activeElement.closest("[data-ui-large] .pane")?.pane === %s`, pane(own)))
	p.Back()
	p.Wait(`!document.querySelector("[data-ui-large]") && location.hash === ""`)
	p.Clean()
}
