package assets_test

import (
	"fmt"
	"strings"
	"testing"

	"convoy/internal/browser"
)

// followReader keeps what the live region of the terminal reads out.
const followReader = `{ window.heard = [];
	const region = document.querySelector(".shell [role=log]");
	new MutationObserver(() => heard.push(region.textContent)).observe(region, { childList: true }) }`

// readOut waits until the live region of the terminal has read out a text.
func readOut(p *browser.Page, text string) {
	p.Wait(fmt.Sprintf(`heard.includes(%q)`, text))
}

// holdReader keeps the reader from reading anything out until the test calls readOut.
const holdReader = `{ const real = setTimeout;
	window.setTimeout = (run, ms) => run.name === "read" ? (window.readOut = run, 1) : real(run, ms) }`

// label is the name of the terminal for screen readers.
const label = `document.querySelector(".xterm-helper-textarea").ariaLabel`

// TestReader tests what a screen reader gets: rows, new output, and names.
func TestReader(t *testing.T) {
	t.Parallel()
	b := browser.Shared(t)
	s := newScript(t)
	s.put("hello\r\n$ ")
	p := s.open(b)
	p.WaitScreen(key, "hello")
	p.Do(stopQuiet) // an answer that takes 3 s would be read out
	p.Do(followReader)
	p.FocusPane(key)
	const keys = "Shift+Escape leaves the terminal, Alt+Shift+F1 turns screen reader support on or off."
	p.Wait(label + ` === "shell on convoy-test, running. ` + keys + `"`) // read out with the focus
	p.Press("Alt+Shift+F1")
	p.Wait(`[...document.querySelectorAll(".xterm-accessibility-tree > *")].some((row) => row.textContent === "hello")`)
	p.Wait(`document.querySelector("body > [role=status]").textContent.includes("is on")`)
	p.Wait(`document.querySelector(".xterm .live-region").ariaLive === "off"`) // it reads out everything

	for _, letter := range "ls" {
		p.Press(string(letter))
		s.put(string(letter)) // the echo
	}
	s.untilTyped("ls")
	p.WaitScreen(key, "$ ls")
	p.Press("Enter")
	s.untilTyped("ls\r")
	s.put("\r\none\r\ntwo\r\n$ ")
	readOut(p, "one\ntwo\n$")
	s.put("\r\n" + rows(0, 500) + "$ ")
	p.Wait(`/^\d+ lines\. The last:\nrow 498 [^\n]*\nrow 499 [^\n]*\n\$$/.test(heard.at(-1))`)

	p.Do(`document.getElementById("other").focus()`)
	s.put("\r\nunheard")
	p.WaitScreen(key, "unheard")
	p.FocusPane(key)
	s.put("\r\nagain")
	readOut(p, "again")
	if all := browser.Eval[[]string](p, `heard`); strings.Contains(fmt.Sprint(all), "unheard") {
		t.Errorf("read out without the focus: %q", all)
	}
	s.mark("exit", map[string]any{"code": 3, "signal": ""})
	readOut(p, "ended with code 3")
	p.Wait(label + `.startsWith("shell on convoy-test, ended with code 3. ")`)

	p.Press("Alt+Shift+F1")
	p.Wait(`!document.querySelector(".xterm-accessibility-tree") && localStorage.getItem("convoy.reader") === "off"`)
	if got := s.typedSoFar(); got != "ls\r" {
		t.Errorf("typed %q: the command for screen readers is not the shell's", got)
	}
	p.Clean()
}

// The echo of what was typed is not read out, even if it comes after the output before it was.
func TestReader_LateEcho(t *testing.T) {
	t.Parallel()
	b := browser.Shared(t)
	s := newScript(t)
	s.put("$ ")
	p := s.open(b)
	p.Do(stopQuiet)
	p.Do(holdReader)
	p.Do(followReader)
	p.FocusPane(key)
	p.Press("Alt+Shift+F1")
	p.Wait(`document.querySelector("body > [role=status]").textContent.includes("is on")`)

	s.put("\r\nnews\r\n$ ")
	p.WaitScreen(key, "news\n$")
	p.Press("l")
	p.Do(`window.readOut()`)
	readOut(p, "news\n$")
	s.put("l")
	p.WaitScreen(key, "$ l")
	p.Do(`window.readOut()`)
	s.put("\r\nmore\r\n$ ")
	p.WaitScreen(key, "more\n$")
	p.Do(`window.readOut()`)
	readOut(p, "more\n$")
	if all := browser.Eval[[]string](p, `heard`); len(all) != 2 {
		t.Errorf("read out: %q, want no echo", all)
	}
	p.Clean()
}
