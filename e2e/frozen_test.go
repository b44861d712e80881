package e2e

import (
	"fmt"
	"testing"

	"convoy/internal/browser"
)

// A console that hangs is noticed by who types, and what was typed arrives when it goes on.
func TestBrowser_FrozenConsole(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	n := startProcess(t, "convoy-frozen.convoy.internal", "localhost:0")
	p := browse(t, &running{Client: n.Client}, n.Base[len("http://"):])
	key := selfShell(t, &running{Client: n.Client}, p)
	p.FocusPane(key)
	resume := stall(t, n.cmd.Process.Pid)
	defer resume()
	p.Type("echo th''awed")
	p.Press("Enter")
	p.Wait(inPane(key, ".shell-bar") + `.innerText.includes("no answer yet · ")`)
	resume()
	p.WaitScreen(key, "\nthawed")
	p.Wait(inPane(key, ".shell-bar") + `.hidden`)
}

// A node whose process ended is not one that may come back: its card and its shells say so, and none of them waits.
func TestBrowser_EndedNode(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	name, key := spawnByClick(t, n, p)
	enter(p, key, `sh -c 'printf "Over""write? [y/N] "; read it'`)
	p.Wait(`document.querySelector("#fleet").dataset.waiting === "1"`)
	kill(t, processOf(t, n, name))
	p.Wait(fmt.Sprintf(`document.querySelector(%q).dataset.status === "ended"`, card(name)))
	p.Wait(inPane(key, ".shell-bar") + `.innerText.trim() === "its node has ended"`)
	p.Wait(`!document.querySelector("#fleet").dataset.waiting && !document.querySelector("[data-is=waiting], .answers")`)
	p.Click(card(name) + " .retire")
	p.Wait(`document.querySelector("dialog[open]").innerText.startsWith("Dismiss")`)
	p.Click("dialog[open] [value=yes]")
	p.Wait(fmt.Sprintf(`!document.querySelector(%q)`, card(name)))
}
