package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/testkit"
)

// A tab is closed without a question unless something would be lost by it.
func TestBrowser_CloseAsksWhenItMatters(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	enter(p, key, "vim -n -u NONE")
	p.WaitScreen(key, "VIM - Vi IMproved")
	closeTab(p, key)
	waitQuestion(p, "vim is still running. Closing the shell ends it.")
	p.Click("#asked [value=no]")
	p.Wait(`!document.querySelector("#asked").open`)
	p.WaitScreen(key, "VIM - Vi IMproved")

	idle := openTab(p)
	closeTab(p, idle)
	waitGone(p, idle)

	seen := openTab(p)
	grace := browseAs(t, n, "Grace", "")
	grace.Wait(fmt.Sprintf(`document.querySelector('[role=tab][data-shell=%q]')`, idOf(seen)))
	grace.Click(fmt.Sprintf(`[role=tab][data-shell=%q]`, idOf(seen)))
	p.Wait(viewers(seen) + `.endsWith("|Grace")`)
	closeTab(p, seen)
	waitQuestion(p, "Grace is viewing it too.")
	p.Click("#asked [value=yes]")
	waitGone(p, seen)

	closeEnded(p)
	p.Clean()
}

// closeEnded has a shell end. Its tab stays until it is closed.
func closeEnded(p *browser.Page) {
	ended := openTab(p)
	enter(p, ended, "echo last''-words; exit 4")
	p.Wait(inPane(ended, ".shell-bar") + `.textContent.startsWith("ended with code 4")`)
	// it stays until it is dismissed
	p.WaitScreen(ended, "last-words")
	// the tab has its last width
	p.Wait(fmt.Sprintf(`document.querySelector('[role=tab][data-shell=%q] .exit')`, idOf(ended)))
	closeTab(p, ended)
	waitGone(p, ended)
}

// closeTab clicks on the button that closes a shell's tab.
func closeTab(p *browser.Page, key string) { p.Click(fmt.Sprintf(`.close[data-shell=%q]`, idOf(key))) }

func waitGone(p *browser.Page, key string) { p.Wait(fmt.Sprintf(`!convoy.panes.has(%q)`, key)) }

// waitQuestion waits until the page asks whether to close a shell, for a reason.
func waitQuestion(p *browser.Page, reason string) {
	p.Wait(fmt.Sprintf(
		`document.querySelector("#asked").open && document.querySelector("#asked p").textContent.includes(%q)`, reason,
	))
}

// openTab opens another shell on the node, and returns its key.
func openTab(p *browser.Page) string {
	before := len(p.Panes())
	p.Click("[data-action=open-shell]")
	p.Wait(fmt.Sprintf(`convoy.panes.size === %d`, before+1))
	key := p.Panes()[before]
	waitPrompt(p, key)
	waitAnswers(p)
	return key
}

// waitAnswers waits until the page has the answers to its commands: that to "open a shell" moves the focus.
func waitAnswers(p *browser.Page) { p.Wait(`!document.querySelector("body > i")`) }

// A restarted shell is in the place of the old one, as large, and in the same directory if that is still there.
func TestBrowser_RestartKeepsPlaceAndDirectory(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	p.Click("[data-action=open-shell]")
	p.Wait(`convoy.panes.size === 2`)
	dir := filepath.Join(t.TempDir(), "here")
	testkit.Must(t, os.Mkdir(dir, 0o755))
	p.Click(fmt.Sprintf(`[role=tab][data-shell=%q]`, idOf(key)))
	for round, before := range []string{"cd " + dir, "rmdir " + dir} {
		enter(p, key, before+"; echo do''ne")
		p.WaitScreen(key, "\ndone")
		enter(p, key, "exit")
		p.Wait(inPane(key, ".shell-bar") + `?.textContent.startsWith("ended")`)
		size := browser.Eval[string](p, fmt.Sprintf(`JSON.stringify(%s.size)`, pane(key)))
		p.Click(paneSelector(key) + " .shell-bar button")
		p.Wait(fmt.Sprintf(`convoy.panes.size === 2 && !convoy.panes.has(%q)`, key))
		if round == 1 { // the notice goes by itself
			p.Wait(`document.querySelector("#notices").innerText.includes("There is no directory")`)
		}
		tab := browser.Eval[string](p, `document.querySelector("[role=tab]").dataset.shell`)
		key = key[:strings.LastIndex(key, "/")+1] + tab
		p.Wait(
			fmt.Sprintf(
				`document.querySelector("[role=tab]").ariaSelected === "true" && JSON.stringify(%s?.size) === %q`, pane(key), size,
			),
		)
		waitPrompt(p, key)
		enter(p, key, "clear; pwd; echo end''ed")
		p.WaitScreen(key, "ended")
		if in := strings.Contains(p.Screen(key), dir+"\nended"); in != (round == 0) {
			t.Errorf("round %d: the shell says\n%s", round, p.Screen(key))
		}
	}
	p.Clean()
}
