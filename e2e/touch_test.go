package e2e

import (
	"fmt"
	"testing"

	"convoy/internal/browser"
)

// keysInSight lists what is wrong with a shell of a phone's page: "" if its keys, its cursor and at least four rows are
// in sight.
func keysInSight(key string) string {
	return fmt.Sprintf(`(() => {
		const pane = document.querySelector(%q), box = (e) => e.getBoundingClientRect();
		const keys = box(pane.querySelector(".shell-keys")), cursor = pane.querySelector(".xterm-cursor");
		const bar = document.querySelector(".top");
		const covered = !pane.closest("[data-ui-large]") && getComputedStyle(bar).position === "sticky";
		const top = covered ? box(bar).bottom : 0;
		const rows = [...pane.querySelectorAll(".xterm-rows > div")].map(box)
			.filter((row) => row.top >= top && row.bottom <= keys.top);
		return [
			keys.top >= 0 && keys.bottom <= innerHeight ? "" : "the keys are out of sight",
			cursor && box(cursor).top >= top && box(cursor).bottom <= keys.top ? "" : "the cursor is out of sight",
			rows.length >= 4 ? "" : rows.length + " rows are in sight",
			document.documentElement.scrollWidth <= innerWidth ? "" : "the page is too wide",
		].filter(Boolean).join(", ");
	})()`, paneSelector(key))
}

// onPhone opens a console, with a shell of its node, on a phone.
func onPhone(t *testing.T) (p *browser.Page, key string) {
	t.Helper()
	n := startBash(t)
	p = browse(t, n, n.host(), onTouch(390, 844))
	return p, selfShell(t, n, p)
}

// The keys for touch screens stay above an on-screen keyboard, and a phone on its side still shows rows, also those of
// an enlarged card in a low window.
func TestBrowser_TouchKeysInSight(t *testing.T) {
	t.Parallel()
	p, key := onPhone(t)
	enter(p, key, "seq 1 100")
	p.WaitScreen(key, "100")
	for _, size := range [][2]int64{{390, 844}, {390, 420}, {844, 390}, {780, 180}, {390, 420}, {390, 844}} {
		p.Touch(size[0], size[1])
		p.Wait(fmt.Sprintf(`innerHeight === %d`, size[1]))
		screen := paneSelector(key) + " .shell-screen"
		const fits = `(s => s.querySelector(".xterm-screen").offsetHeight <= s.clientHeight)(document.querySelector(%q))`
		p.Wait(fmt.Sprintf(fits, screen))
		p.Wait(keysInSight(key) + ` === ""`)
	}
	p.Click(`.node[data-self] [data-action=enlarge]`)
	p.FocusPane(key)
	for _, size := range [][2]int64{{780, 180}, {390, 420}, {780, 180}} {
		p.Touch(size[0], size[1])
		p.Wait(fmt.Sprintf(`innerHeight === %d`, size[1]))
		p.Wait(keysInSight(key) + ` === ""`)
	}
	p.Clean()
}

// A finger scrolls the history of a real shell, and less.
func TestBrowser_FingerScrolls(t *testing.T) {
	t.Parallel()
	p, key := onPhone(t)
	enter(p, key, "seq 1 300")
	p.WaitScreen(key, "300")
	shows := func(n int) string {
		return fmt.Sprintf(`[...%s.querySelectorAll(".xterm-rows > div")].some((row) => row.textContent.trim() === "%d")`,
			fmt.Sprintf(`document.querySelector(%q)`, paneSelector(key)), n)
	}
	p.Wait(shows(300))
	p.Swipe(paneSelector(key)+" .xterm-screen", 300, true)
	p.Wait(`!` + shows(300))
	enter(p, key, "seq 1 300 | less")
	p.Wait(shows(1))
	p.Swipe(paneSelector(key)+" .xterm-screen", -100, true)
	p.Wait(`!` + shows(1))
	p.Clean()
}
