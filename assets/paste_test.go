package assets_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"convoy/internal/browser"
)

func testPaste(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put("\x1b[?2004h$ ")
	p := s.open(b)
	p.WaitScreen(key, "$")
	p.FocusPane(key)
	paste(p, `"rm\x1b[201~\r\nls\x9b201~ ä\tb"`)
	s.untilTyped("\x1b[200~rm[201~\rls201~ ä\tb\x1b[201~")
	paste(p, `"é".repeat(200_000)`)
	p.Wait(`document.querySelector("dialog h2").textContent === "Paste 390.6 KiB?"`)
	p.Press("Enter")
	s.until("the long paste", func() bool { return bytes.Count(s.typed, []byte("\x1b[201~")) == 2 })
	if n := strings.Count(s.typedSoFar(), "é"); n != 200_000 {
		t.Errorf("%d letters arrived, want 200000", n)
	}
	p.Wait(`document.querySelector(".shell-paste").hidden`)
	p.Clean()
}

// testConfirmPaste pastes lines into a program that would run each of them.
func testConfirmPaste(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put("$ ")
	p := s.open(b)
	p.WaitScreen(key, "$")
	p.FocusPane(key)
	paste(p, `"one\ntwo\r\nthree\n"`)
	p.Wait(`document.querySelector("dialog h2").textContent === "Paste 3 lines?"`)
	p.Wait(`document.querySelector("dialog pre").textContent === "one\ntwo\nthree"`)
	p.Press("Escape")
	p.Wait(`!document.querySelector("dialog") && document.activeElement.closest(".shell")`)
	p.Type("still here ")
	paste(p, `"one\ntwo\r\nthree\n"`)
	p.Click(`dialog [value=line]`)
	s.untilTyped("still here one two three")
	paste(p, `"ls\n"`)
	p.Wait(`document.querySelector("dialog h2").textContent === "Paste a line?"`)
	p.Press("Enter")
	s.untilTyped("still here one two threels\r")
	p.Wait(`document.activeElement.closest(".shell")`)
	paste(p, `Array(1000).fill("x".repeat(500)).join("\n")`)
	p.Wait(
		`document.querySelector("dialog pre").textContent.endsWith("…\nand 992 more lines") && ` +
			`document.querySelector("dialog pre").textContent.length < 1100`,
	)
	p.Click(`dialog [command=close]`)
	s.untilTyped("still here one two threels\r")
	p.Clean()
}

func testCancelPaste(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put("\x1b[?2004h$ ")
	held := make(chan struct{})
	s.held = held
	p := s.open(b)
	p.WaitScreen(key, "$")
	p.FocusPane(key)
	paste(p, `"x".repeat(1_000_000)`)
	p.Click("dialog .primary")
	p.Wait(`document.querySelector(".shell-paste").textContent.includes("977 KiB left")`)
	s.put("\x1b[?2004lrunning") // the end belongs to the paste, even if the program has disabled bracketed paste
	p.WaitScreen(key, "running")
	p.Click(".shell-paste button")
	close(held)
	s.change(func() { s.held = nil })
	p.Type("next")
	s.until("what was typed next", func() bool { return bytes.HasSuffix(s.typed, []byte("\x1b[201~next")) })
	if n := len(s.typedSoFar()); n > (inFlight+1)*64<<10 {
		t.Errorf("%d bytes of the paste arrived", n)
	}
}

// testLargePaste pastes 20 MiB into a slow program: only as many requests are in flight as there are connections, and
// the page holds little more than the text.
func testLargePaste(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	var mu sync.Mutex
	peak := 0
	s.held = make(chan struct{})
	held := s.held
	arrived := 0
	s.fault = func(what string, n int64) fault {
		if what == "input" {
			mu.Lock()
			arrived++
			peak = max(peak, arrived)
			mu.Unlock()
		}
		return none
	}
	p := s.open(b)
	p.Do(stopQuiet)
	p.FocusPane(key)
	before := browser.Eval[float64](p, `performance.memory.usedJSHeapSize`)
	paste(p, `"0123456789abcdef".repeat(20 * 65536)`)
	p.Click("dialog .primary")
	p.Wait(`document.querySelector(".shell-paste").textContent === "pasting, 20480 KiB leftStop"`)
	s.until("the first pieces are here", func() bool { mu.Lock(); defer mu.Unlock(); return arrived >= inFlight })
	if after := browser.Eval[float64](p, `performance.memory.usedJSHeapSize`); after-before > 200<<20 {
		t.Errorf("the page's heap grew by %.0f MiB", (after-before)/(1<<20))
	} else {
		t.Logf("the page's heap grew by %.0f MiB", (after-before)/(1<<20))
	}
	mu.Lock()
	if peak != inFlight {
		t.Errorf("%d chunks came while the program did not read, want %d", peak, inFlight)
	}
	mu.Unlock()
	close(held)
	s.change(func() { s.held = nil })
	s.until("all of it", func() bool { return len(s.typed) == 20<<20 })
	if s.typedSoFar() != strings.Repeat("0123456789abcdef", 20<<16) {
		t.Error("what arrived is another text")
	}
}

func testTooLargePaste(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	p.FocusPane(key)
	paste(p, `"x".repeat(32 * 1024 * 1024 + 1)`)
	p.Wait(`window.test.events.some(e => e.startsWith("shell-trouble A paste can have at most 32 MiB"))`)
	p.Type("a")
	s.untilTyped("a")
}

// testPasteImage pastes what has no text.
func testPasteImage(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	p.FocusPane(key)
	p.Do(`{ const data = new DataTransfer(); data.items.add(new File(["x"], "shot.png", { type: "image/png" }));
		document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true,
			cancelable: true })) }`)
	p.Wait(`window.test.events.some(e => e.startsWith("shell-trouble A terminal takes only text"))`)
	p.Type("a")
	s.untilTyped("a")
}
