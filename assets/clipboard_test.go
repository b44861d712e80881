package assets_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/testkit"
)

// osc52 is a program's request to copy a text.
func osc52(text string) string {
	return "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(text)) + "\x07"
}

// fakeClipboard gives the page a clipboard for the test; all tabs share the browser's own.
const fakeClipboard = `window.copied = []; window.refuseCopies = false;
	Object.defineProperty(navigator, "clipboard", { configurable: true, value: {
		writeText: async (text) => { if (window.refuseCopies) throw new Error("no"); window.copied.push(text) },
		readText: () => { window.copied.push("READ") } } })`

const asks = `!document.querySelector(".shell-ask").hidden`

func testCopy(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	p.Do(fakeClipboard)
	p.FocusPane(key)
	s.put(osc52("first ä🙂"))
	p.Wait(
		asks + ` && document.querySelector(".shell-ask span").textContent === "The program wants to copy 12 bytes to your ` +
			`clipboard."`,
	)
	s.put(osc52(strings.Repeat("x", 2150)))
	p.Wait(`document.querySelector(".shell-ask").textContent.includes("2.1 KiB")`)
	p.Click(".shell-ask button:nth-of-type(1)")
	p.Wait(`copied.length === 1 && copied[0] === "x".repeat(2150) && ` + `document.querySelector(".shell-ask").hidden`)
	p.Wait(`document.activeElement.closest(".shell")`)
	s.put(osc52("asked again"))
	p.Wait(asks)
	p.Click(".shell-ask button:nth-of-type(2)") // always
	p.Wait(`copied.at(-1) === "asked again"`)
	s.put(osc52("no more questions"))
	p.Wait(`copied.at(-1) === "no more questions" && document.querySelector(".shell-ask").hidden`)
	p.Do(`window.refuseCopies = true`)
	s.put(osc52("wants a click"))
	p.Wait(asks + ` && document.querySelector(".shell-ask button").textContent === "Copy"`)
	p.Do(`window.refuseCopies = false`)
	p.Click(".shell-ask button")
	p.Wait(`copied.at(-1) === "wants a click"`)
	if typed := s.typedSoFar(); typed != "" {
		t.Errorf("%q was typed", typed)
	}
	p.Clean()
}

func testCopyRefused(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	p.Do(fakeClipboard)
	p.FocusPane(key)
	for _, odd := range []string{
		"\x1b]52;c;?\x07",                           // a query
		"\x1b]52;c;\x07",                            // nothing
		"\x1b]52;;?\x1b\\",                          //
		"\x1b]52;c;not base64!\x07",                 //
		"\x1b]52;c;QQ=Q\x07",                        //
		"\x1b]52;evil;QQ==\x07",                     // no valid selections
		"\x1b]52\x07",                               //
		osc52("caf\xe9"),                            // invalid UTF-8
		osc52(strings.Repeat("x", 1<<20+1)),         // too long
		"\x1b]52;c;" + strings.Repeat("A", 5000000), // and unterminated
	} {
		s.put(odd)
	}
	s.put("\x1b\\after all that")
	p.WaitScreen(key, "after all that")
	p.Do(`document.getElementById("other").focus()`)
	s.put(osc52("without the focus") + "\r\nunseen")
	p.WaitScreen(key, "unseen")
	if browser.Eval[bool](p, asks+` || copied.length > 0`) {
		t.Error("something asks for the clipboard, or has it")
	}
	p.FocusPane(key)
	s.put(osc52("please"))
	p.Wait(asks)
	p.Click(".shell-ask button:last-of-type")
	s.put(osc52("once more") + "\r\nrefused")
	p.WaitScreen(key, "refused")
	if browser.Eval[bool](p, asks+` || copied.length > 0`) {
		t.Error("it asks after a no")
	}
	if typed := s.typedSoFar(); typed != "" {
		t.Errorf("%q was typed: the program can read", typed)
	}
	p.Clean()
}

// testCopyAfterGap copies while the page is away: too late when it returns.
func testCopyAfterGap(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p, proxy := s.openByProxy(b)
	p.Do(fakeClipboard)
	p.FocusPane(key)
	s.put("before")
	p.WaitScreen(key, "before")
	proxy.Stop()
	s.put(osc52("old") + " meanwhile")
	proxy.Resume()
	p.WaitScreen(key, "meanwhile")
	s.until("the page knows the offset", func() bool { return s.infos > 0 })
	if browser.Eval[bool](p, asks) {
		t.Error("asks to copy stale text")
	}
	testkit.Eventually(t, "the page has read the response", func() bool {
		s.put(osc52("new"))
		return browser.Eval[bool](p, asks)
	})
	p.Wait(`document.querySelector(".shell-ask").textContent.includes("3 bytes")`)
	s.mark(
		"reset",
		map[string]any{
			"screen": base64.StdEncoding.EncodeToString([]byte("\x18\x1bc" + osc52("in a snapshot!") + "drawn again")),
		},
	)
	p.WaitScreen(key, "drawn again")
	p.Wait(`document.querySelector(".shell-ask").textContent.includes("3 bytes")`)
}

// testCopyAfterRefusal copies after a gap, for a user and for a guest. The page asks for the offset again if it is
// refused, and a guest's page asks no path of the console.
func testCopyAfterRefusal(t *testing.T, b *browser.Browser) {
	for _, test := range []struct{ name, base, path string }{{"user", "", place}, {"guest", shared, shared}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t)
			var asked atomic.Int32
			s.fault = func(what string, _ int64) fault {
				if what == place && test.path != place || what == test.path && asked.Add(1) == 1 {
					return refuse
				}
				return none
			}
			p, proxy := s.openByProxy(b)
			p.Do(fakeClipboard)
			p.Do(fmt.Sprintf(`window.test.pane.dispose(); window.test.pane = window.test.show({ base: %q }); 0`, test.base))
			p.FocusPane(key)
			s.put("before")
			p.WaitScreen(key, "before")
			proxy.Cut()
			testkit.Eventually(t, "it asks to copy", func() bool {
				s.put(osc52("new"))
				return browser.Eval[bool](p, asks)
			})
			if n := asked.Load(); n != 2 {
				t.Errorf("the page asked %d times for the offset, want 2", n)
			}
		})
	}
}

// testCopyByHand has a page without TLS, where scripts have no clipboard.
func testCopyByHand(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	p.Do(`Object.defineProperty(navigator, "clipboard", { configurable: true, value: undefined });
		document.addEventListener("copy", e => {
			window.copied = document.activeElement.value?.slice(document.activeElement.selectionStart,
			document.activeElement.selectionEnd) }, { capture: true })`)
	p.FocusPane(key)
	s.put(osc52("by hand"))
	p.Wait(asks + ` && document.querySelectorAll(".shell-ask button:not([hidden])").length === 2`)
	p.Click(".shell-ask button")
	p.Wait(`window.copied === "by hand" && document.querySelector(".shell-ask").hidden`)
	p.Wait(`document.activeElement.closest(".shell")`)
}
