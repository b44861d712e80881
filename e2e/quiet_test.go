package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"convoy/internal/browser"
)

// underWay are requests that fail on a busy machine, and that the page repeats: a size that was under way when a node
// ended, and input that came 2 s before its predecessor.
var underWay = regexp.MustCompile(`status of (410|502|504) .*/size\?|status of 409 .*/input\?`)

// refused are the requests of a page that failed otherwise.
func refused(p *browser.Page) []string {
	return slices.DeleteFunc(p.FailedRequests(), underWay.MatchString)
}

// What people do in the ordinary course of things leaves no error in the browser's console, also where the answer is a
// question or a refusal.
func TestBrowser_QuietConsole(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	quiet := func(when string) {
		t.Helper()
		p.Clean()
		if failed := refused(p); len(failed) > 0 {
			t.Fatalf("%s, the console has %q", when, failed)
		}
	}
	key := selfShell(t, n, p)
	enter(p, key, "sleep 1000")
	p.Wait(tabIs(key, "running"))
	closeTab(p, key)
	waitQuestion(p, "sleep is still running.")
	p.Click("#asked [value=yes]")
	waitGone(p, key)
	quiet("after closing a shell with a program")

	gone, _ := spawnByClick(t, n, p)
	kill(t, processOf(t, n, gone))
	p.Wait(fmt.Sprintf(`document.querySelector(%q).dataset.status === "ended"`, card(gone)))
	quiet("after the end of a node")
	p.Do(`htmx.ajax("POST", "/nodes/` + gone + `/shells", { target: "#notices", swap: "beforeend" })`)
	p.Wait(`document.querySelector("#notices .notice")`)
	quiet("after a command for a node that is gone")

	p.Go(n.Base + "/logins")
	for range 2 {
		p.Do(`document.querySelector("#token-make [name=name]").value = "twice"`)
		p.Click("#token-make button")
		p.Wait(`document.querySelector("#token-make:not(.htmx-request)") && document.body.innerText.includes("twice")`)
	}
	p.Wait(`document.querySelector("#notices").textContent.includes("A token with this name exists.")`)
	quiet("after a name that is taken")
}
