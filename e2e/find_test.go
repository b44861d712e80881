package e2e

import (
	"fmt"
	"strings"
	"testing"

	"convoy/internal/browser"
)

// The menu finds nodes and shells on the server, by a few letters, from a shell too.
func TestBrowser_MenuFinds(t *testing.T) {
	t.Parallel()
	n := startBash(t, "-runbooks", shelve(t, map[string]string{"rollout.md": rollout}))
	p := browse(t, n, n.host())
	selfShell(t, n, p)
	name, key := spawnByClick(t, n, p)
	short := strings.TrimPrefix(strings.SplitN(name, ".", 2)[0], "convoy@")
	part := strings.TrimPrefix(short, "convoy-") // a part of it may occur in a command of the page
	p.Press("Shift+Escape")
	p.Press("Ctrl+k")
	p.Type(part)
	p.Wait(fmt.Sprintf(
		`document.querySelector("#found [aria-label=Nodes] .menu-item[data-ui-first] span")?.textContent === %q`, short,
	))
	p.Press("Enter")
	p.Wait(fmt.Sprintf(`document.querySelector("[data-ui-large]")?.dataset.node === %q &&
		document.activeElement.closest(".shell")?.pane === %s`, name, pane(key)))
	p.Press("Ctrl+Shift+k") // in the shell
	p.Wait(`document.activeElement.matches("#menu:popover-open [data-menu-filter]")`)
	p.Type("rollo")
	p.Wait(`document.querySelector("#found [aria-label=Runbooks] .menu-item[data-ui-first]")`)
	p.Press("Escape")
	p.Wait(`!document.querySelector("#menu:popover-open")`)
	p.Wait(`document.activeElement.closest(".shell")?.pane === ` + pane(key))
	p.Press("Ctrl+Shift+k")
	p.Type("predicted") // a setting
	p.Press("Enter")
	p.Wait(`document.querySelector("dialog[open] select")`)
	p.Press("Escape")
	p.Wait(`!document.querySelector("dialog[open]")`)
	p.Click("[data-ui-large] [data-action=enlarge]")
	p.Wait(`!document.querySelector("[data-ui-large]")`)
	p.Touch(390, 844)
	p.Click("#menu-button")
	p.Click("#menu [data-menu-filter]")
	p.Type("stat " + part)
	p.Wait(fmt.Sprintf(`document.querySelector("#found .menu-item")?.getAttribute("href") === "/nodes/%s/stats"`, name))
	picture(p, "menu-phone")
	p.Follow("#found .menu-item")
	p.Wait(`location.pathname.endsWith("/stats")`)
	p.Resize(1280, 800)
	p.Go(n.Base)
	waitPrompt(p, key)
	p.FocusPane(key)
	p.Press("Ctrl+Shift+k")
	p.Type("bash convoy")
	p.Press("Enter") // perhaps before the answer has come
	p.Wait(`/^#[^/]+\/\w+$/.test(location.hash) && !document.querySelector("#menu:popover-open")`)
	p.Clean()
}

// The address of a shell leads a colleague to it, through the login. Back leads back.
func TestBrowser_AddressOfAShell(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	selfShell(t, n, p)
	second := openTab(p)
	p.Click("[data-self] [data-action=enlarge]")
	p.Wait(fmt.Sprintf(`location.hash.endsWith("/%s")`, idOf(second)))
	p.Click("[data-self] [role=tab]")
	p.Wait(fmt.Sprintf(`!location.hash.endsWith("/%s")`, idOf(second)))
	p.Click(fmt.Sprintf("[role=tab][data-shell=%q]", idOf(second)))
	p.Wait(fmt.Sprintf(`location.hash.endsWith("/%s")`, idOf(second)))
	address := browser.Eval[string](p, `location.href.replace("/#", "/?view=table#")`)

	colleague := browser.Shared(t).Open(t, address)
	colleague.Wait(`document.querySelector("#token")`)
	colleague.Click("#token")
	colleague.Type(n.Token)
	colleague.Press("Enter")
	colleague.Wait(fmt.Sprintf(`window.convoy?.panes.has(%q) && document.activeElement.closest(".shell")?.pane === %s`,
		second, pane(second)))
	if got := browser.Eval[string](colleague, `location.href`); got != address {
		t.Errorf("arrived at %s, want %s", got, address)
	}
	colleague.Click("[data-self] [data-action=enlarge]")
	colleague.Wait(`!document.querySelector("[data-ui-large]") && document.querySelector("#node-table").checkVisibility()`)
	p.Back()
	p.Wait(`!document.querySelector("[data-ui-large]") && location.hash === ""`)
	p.Go(n.Base + "/#convoy/nosuchshell")
	p.Reload()
	p.Wait(`document.querySelector(".notice")?.textContent.includes("nosuchshell is not there")`)
	p.Clean()
}
