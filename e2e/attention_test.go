package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/testkit"
)

// tabIs is whether a shell's tab has the sign of what it does.
func tabIs(key, is string) string {
	return fmt.Sprintf(`(document.querySelector('[role=tab][data-shell=%q]')?.dataset.is === %q)`, idOf(key), is)
}

// A shell that asks something, in a node that is not looked at, is shown by tab, card, title and icon, heard by screen
// readers, found by one key, and quiet once it is answered.
func TestBrowser_WaitingShellIsFound(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	selfShell(t, n, p)
	name, other := spawnByClick(t, n, p)
	title := browser.Eval[string](p, `document.title`)
	enter(p, other, `sh -c 'printf "\033]9;4;1;40\a"; printf "Con""tinue? [y/N] "; read answer; cat'`)
	p.Wait(tabIs(other, "waiting"))
	p.Wait(fmt.Sprintf(`document.title === "(1) 40 %% " + %q`, title))
	p.Wait(`document.querySelector("link[rel=icon]").href.includes("favicon-waiting")`)
	heard := browser.Eval[string](p, `document.querySelector("#nodes [role=status]").textContent`)
	if !strings.Contains(heard, "waits: Continue? [y/N]") {
		t.Errorf("screen readers hear %q", heard)
	}
	p.Do(`document.activeElement.blur()`)
	p.Press("w")
	p.Wait(fmt.Sprintf(
		`[...document.querySelectorAll(".node:not([hidden])")].map((card) => card.dataset.node).join() === %q`, name,
	))
	p.Do(`document.activeElement.blur()`)
	p.Press("1")
	p.Wait(fmt.Sprintf(`document.activeElement.closest(".pane")?.id.endsWith(%q)`, idOf(other)))
	p.Type("y")
	p.Press("Enter")
	p.Wait(tabIs(other, "running"))
	p.Wait(`!document.querySelector("#fleet[data-waiting]")`)
	p.Press("Ctrl+c")
	p.Wait("!" + tabIs(other, "running"))
	p.Wait(fmt.Sprintf(`document.title === %q`, title))
	p.Wait(`!document.querySelector("link[rel=icon]").href.includes("waiting")`)
	p.Clean()
}

// On a phone, a question is answered on the card, without the terminal and its keyboard; and in the list of shells.
func TestBrowser_QuickAnswers(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	first := selfShell(t, n, p)
	name, key := spawnByClick(t, n, p)
	enter(p, key, `for i in 1 2; do sh -c 'printf "Over""write? [y/N] "; read it; echo "got:$it:"'; done`)
	p.Touch(390, 844)
	p.Resize(390, 844)
	p.FocusPane(first)
	p.Wait(tabIs(key, "waiting"))
	button := card(name) + " .answers [value=y]"
	p.Wait(fmt.Sprintf(`document.querySelector(%q)?.checkVisibility()`, button))
	if *pictures != "" {
		p.Do(fmt.Sprintf(`document.querySelector(%q).scrollIntoView({ block: "center" })`, button))
		p.Screenshot(filepath.Join(*pictures, "answers-phone.png"))
	}
	p.Do(fmt.Sprintf(`window.first = document.querySelector(%q)`, button))
	p.Wait(armed("window.first"))
	p.Click(button)
	p.WaitScreen(key, "got:y:")
	// another question, other buttons
	p.Wait(fmt.Sprintf(`!window.first.isConnected && document.querySelector(%q)`, button))
	p.Do(`document.querySelector("[hx-target='#shell-lists']").click()`)
	p.Wait(`document.querySelector("#shell-list .answers [value=n]")?.checkVisibility()`)
	p.Wait(armed(`document.querySelector("#shell-list .answers [value=n]")`))
	if *pictures != "" {
		p.Screenshot(filepath.Join(*pictures, "answers-list-phone.png"))
	}
	p.Click("#shell-list .answers [value=n]")
	p.WaitScreen(key, "got:n:")
	p.Wait(`!document.querySelector(".answers")`)
	p.Clean()
}

// armed is whether a quick answer takes clicks, a moment after its question came.
func armed(button string) string {
	return fmt.Sprintf(`getComputedStyle(%s).pointerEvents !== "none"`, button)
}

// A user chooses in a dialog to be told by the operator's webhook when a shell of another node waits.
func TestBrowser_NotifyMe(t *testing.T) {
	t.Parallel()
	got := make(chan string, 4)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Header.Get("Title") + ": " + string(body)
	}))
	t.Cleanup(hook.Close)
	n := startBash(t, "-notify", "ntfy+"+hook.URL+"/topic")
	p := browse(t, n, n.host())
	selfShell(t, n, p)
	name, key := spawnByClick(t, n, p)
	p.Click(card(name) + " .shell-acts [aria-label=More]")
	p.Click(card(name) + " [data-tool=alert]")
	p.Wait(`document.querySelector("#alert").open`)
	p.Click("#alert [name=waits]")
	p.Click("#alert [type=submit]")
	p.Wait(`document.querySelector("#alert .said").textContent === "Saved."`)
	if *pictures != "" {
		p.Screenshot(filepath.Join(*pictures, "alert.png"))
		p.Touch(390, 844)
		p.Resize(390, 844)
		p.Screenshot(filepath.Join(*pictures, "alert-phone.png"))
	}
	closeBeforeAnswer(p)
	enter(p, key, `sh -c 'printf "Over""write? [y/N] "; read answer'`)
	short, _, _ := strings.Cut(strings.TrimPrefix(name, "convoy@"), ".")
	select {
	case m := <-got:
		if m != "bash on "+short+" waits: Overwrite? [y/N]" {
			t.Errorf("told %q", m)
		}
	case <-testkit.Context(t).Done():
		t.Fatal("the webhook got nothing")
	}
	p.Clean()
}

// holding is a script that holds the answer to the next POST to a path until window.release is called.
func holding(path string) string {
	return fmt.Sprintf(`{ const real = fetch;
		window.fetch = async (...request) => {
			const answer = await real(...request);
			if (request[1]?.method === "POST" && new URL(answer.url).pathname.endsWith(%q)) {
				window.fetch = real;
				await new Promise((release) => { window.release = release; });
			}
			return answer;
		} }`, path)
}

// closeBeforeAnswer saves again, and closes the dialog before the answer arrives, which does not open it again.
func closeBeforeAnswer(p *browser.Page) {
	p.Do(holding("/alert"))
	p.Do(`document.addEventListener("htmx:after:swap", () => { window.swapped = true; })`)
	p.Click("#alert [type=submit]")
	p.Wait(`window.release`)
	p.Click("#alert [command=close]")
	p.Wait(`!document.querySelector("#alert").open`)
	p.Do(`window.swapped = false; window.release()`)
	p.Wait(`window.swapped`)
	p.Wait(`!document.querySelector("#alert").open && !document.querySelector("#alert").firstChild`)
}

// TestBrowser_AttentionPictures takes pictures of all states, on a desktop and on a phone.
func TestBrowser_AttentionPictures(t *testing.T) {
	t.Parallel()
	if *pictures == "" {
		t.Skip("-pictures names no directory")
	}
	n := startBash(t)
	p := browse(t, n, n.host())
	first := selfShell(t, n, p)
	enter(p, first, `PS0='\e]133;C\a'; PROMPT_COMMAND='printf "\e]133;D;$?\a\e]133;A\a"'; clear`)
	enter(p, first, "sleep 3; (exit 2)")
	_, asks := spawnByClick(t, n, p)
	enter(p, asks, `sh -c 'printf "Overwrite 14 files? [y/N] "; read answer'`)
	_, busy := spawnByClick(t, n, p)
	enter(p, busy, `sh -c 'echo building; printf "\033]9;4;1;63\a"; sleep 1000'`)
	p.Wait(tabIs(asks, "waiting") + "&&" + tabIs(busy, "running") + "&&" + tabIs(first, "failed"))
	for _, window := range [][2]int64{{1440, 900}, {390, 844}} {
		if p.Resize(window[0], window[1]); window[0] < 1000 {
			p.Touch(window[0], window[1])
		}
		for _, scheme := range []string{"dark", "light"} {
			p.Scheme(scheme)
			p.Do(`scrollTo(0, 0)`)
			p.Do(`new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))`)
			p.Screenshot(filepath.Join(*pictures, fmt.Sprintf("attention-%d-%s.png", window[0], scheme)))
		}
	}
	p.Do(`document.querySelector("[hx-target='#shell-lists']").click()`)
	p.Wait(`document.querySelector("#shell-list li .does")`)
	p.Screenshot(filepath.Join(*pictures, "attention-list-phone.png"))
	p.Resize(1440, 900)
	p.Screenshot(filepath.Join(*pictures, "attention-list.png"))
}
