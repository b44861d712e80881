package assets_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"convoy/internal/browser"
)

func TestMain(m *testing.M) {
	status := m.Run()
	browser.CloseShared()
	os.Exit(status)
}

// TestScripts tests the scripts in a real browser with a scripted server.
func TestScripts(t *testing.T) {
	t.Parallel()
	b := browser.Shared(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser.Browser)
	}{
		{"draws and types", testDrawsAndTypes},
		{"keeps the order of keys", testKeyOrder},
		{"changes nothing before the echo of a key", testKeyTouchesNothing},
		{"resends input once if an answer is lost", testLostAnswers},
		{"refused input leaves no gap", testRefusedInput},
		{"ignores a late refusal", testLateRefusal},
		{"sends all input before the end", testInputBeforeEnd},
		{"reattaches a removed viewer", testRemovedViewer},
		{"types on after a loss of input", testForgottenViewer},
		{"resumes at the byte", testResume},
		{"resumes after a stall", testStall},
		{"types while the network is down", testTypeOffline},
		{"drops repeats and requests gaps", testGarbled},
		{"acknowledges a flood", testFlood},
		{"types in a flood", testTypeInFlood},
		{"resets within a character", testReset},
		{"applies sizes at their offset", testSizes},
		{"answers queries once", testQueries},
		{"pastes", testPaste},
		{"cancels a paste", testCancelPaste},
		{"confirms a paste of several lines", testConfirmPaste},
		{"pastes 20 MiB", testLargePaste},
		{"refuses a paste that is too large", testTooLargePaste},
		{"explains that images are no text", testPasteImage},
		{"lets programs copy", testCopy},
		{"refuses stale and malformed copies", testCopyRefused},
		{"refuses stale copies after a gap", testCopyAfterGap},
		{"copies once it knows what is stale", testCopyAfterRefusal},
		{"copies without a clipboard", testCopyByHand},
		{"uploads dropped files", testDrop},
		{"cancels an upload", testCancelUpload},
		{"downloads by path", testDownload},
		{"interrupts a stalled paste", testInterrupt},
		{"leaves a connection while input is held", testHeldInput},
		{"waits for answers over slow links", testSlowLink},
		{"ends", testEnds},
		{"reconnects", testReconnect},
		{"shows input that waits", testWaits},
		{"retries one input at a time", testOneAtATime},
		{"closes a hidden tab's stream", testHidden},
		{"leaves by Shift+Escape", testLeave},
		{"is logged out", testLoggedOut},
		{"continues in a new pane", testNewPane},
		{"reports typed input to the page", testReportsKeys},
		{"reports composed input to the page", testReportsComposed},
		{"types input from another pane", testTypesElsewhere},
		{"reads output since an input", testSince},
	} {
		t.Run(test.name, func(t *testing.T) { t.Parallel(); test.run(t, b) })
	}
}

func testDrawsAndTypes(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put("\x1b[31mhello\x1b[0m wörld 🙂|\r\n$ ")
	p := s.open(b)
	p.WaitScreen(key, "hello wörld 🙂|")
	p.FocusPane(key)
	p.Type("echo 'it''s'")
	p.Press("Enter")
	p.Press("Ctrl+c")
	p.Press("ArrowUp")
	s.untilTyped("echo 'it''s'\r\x03\x1b[A")
	s.put("ok\r\n")
	p.WaitScreen(key, "$ ok")
	p.Clean()
	if failed := p.FailedRequests(); len(failed) > 0 {
		t.Errorf("failed requests: %q", failed)
	}
}

// rows returns n numbered rows.
func rows(from, n int) string {
	var all strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&all, "row %d of this shell, é🙂\r\n", i)
	}
	return all.String()
}

// checkRows checks that the terminal shows the rows 0 to n-1 once and in order.
func checkRows(t *testing.T, p *browser.Page, n int) {
	t.Helper()
	p.WaitScreen(key, fmt.Sprintf("row %d of this shell, é🙂", n-1))
	got := strings.Split(browser.Eval[string](p, `window.test.pane.text(true)`), "\n")
	want := strings.Split(strings.TrimSpace(strings.ReplaceAll(rows(0, n), "\r", "")), "\n")
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("row %d is %q, want %q", i, got[i], want[i])
		}
	}
}

// testResume cuts the stream repeatedly during output.
func testResume(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p, proxy := s.openByProxy(b)
	for i := range 20 {
		before := s.end()
		s.put(rows(100*i, 100))
		if i%4 == 3 {
			p.Wait(fmt.Sprintf("window.test.pane.drawn > %d", before))
			proxy.Cut() // in the middle of the rest
			s.until("a new stream", func() bool { return s.streams == i/4+2 })
		}
	}
	checkRows(t, p, 2000)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, from := range s.follows {
		if i > 0 && from <= 0 {
			t.Errorf("connection %d begins at %d", i, from)
		}
	}
	p.Clean()
}

// testStall makes the network swallow everything silently: the missing heartbeat reveals it.
func testStall(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.beat = 1
	p, proxy := s.openByProxy(b)
	s.put(rows(0, 10))
	p.WaitScreen(key, "row 9")
	p.FocusPane(key)
	proxy.Stall()
	s.put(rows(10, 10))
	p.Type("typed into the void")
	p.Wait(`window.test.states.at(-1) === "waiting" || window.test.states.filter(s => s === "connecting").length > 1`)
	proxy.Cut()
	proxy.Resume()
	checkRows(t, p, 20)
	s.untilTyped("typed into the void")
}

// testGarbled repeats output, in overlapping parts, and omits some.
func testGarbled(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	pieces := 0
	s.garble = func(off int64, piece []byte) []part {
		pieces++ // in the only goroutine of the only stream
		third := len(piece) / 3
		whole := []part{{off, piece[:2*third]}, {off + int64(third), piece[third:]}, {off, piece}}
		if pieces == 3 {
			return []part{{off + int64(third), piece[third:]}} // a gap
		}
		return whole
	}
	p := s.open(b)
	for i := range 10 {
		s.put(rows(100*i, 100))
		p.Wait(fmt.Sprintf(`window.test.pane.drawn === %d`, s.end())) // one piece each, and none behind the gap
	}
	checkRows(t, p, 1000)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.follows) != 2 || s.follows[1] <= 0 {
		t.Errorf("follows from %v, want one more than the first, from the hole on", s.follows)
	}
}

// testFlood sends far more than the window, and loses acknowledgements.
func testFlood(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.fault = func(what string, n int64) fault {
		if what == "ack" && rand.IntN(4) == 0 {
			return []fault{lose, drop}[rand.IntN(2)]
		}
		return none
	}
	p := s.open(b)
	p.Do(
		`window.peak = 0, window.test.stream.on("output", () => { window.peak = Math.max(window.peak, ` +
			`window.test.pane.undrawn) })`,
	)
	block := rows(0, 500)
	for range 400 {
		s.put(block)
	}
	s.put("that is all")
	p.WaitScreen(key, "that is all")
	if peak := browser.Eval[int64](p, `window.peak`); peak > s.window {
		t.Errorf("%d bytes were undrawn, the window is %d", peak, s.window)
	}
	s.until("almost everything acknowledged", func() bool { return s.acked > int64(len(s.out))-s.window/4 })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.acked > int64(len(s.out)) {
		t.Errorf("acknowledged up to %d of %d", s.acked, len(s.out))
	}
}

// testTypeInFlood types while the terminal has more to draw than it can.
func testTypeInFlood(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	p.FocusPane(key)
	block := bytes.Repeat([]byte("y\r\n"), 1<<20)
	s.change(func() { s.out = bytes.Repeat(block, 30) })
	s.until("the flood runs", func() bool { return s.acked > 1<<20 })
	p.Press("Ctrl+c")
	s.until("Ctrl+C arrives in the flood", func() bool { return len(s.typed) > 0 && s.acked < int64(len(s.out)) })
	s.change(func() {
		end := min(s.acked+s.window, int64(len(s.out)))
		s.out = append(s.out[:end:end], "\x1b[H\x1b[2J$ prompt"...)
	})
	p.WaitScreen(key, "$ prompt")
}

// testReset loses bytes in the middle of a character within a title.
func testReset(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p, proxy := s.openByProxy(b)
	s.put("before\x1b[?1049h\x1b[31m\x1b]0;a title \xf0\x9f")
	p.Wait(fmt.Sprintf(`window.test.pane.drawn === %d`, s.end()))
	proxy.Stop()
	s.change(func() {
		s.out = append(s.out, strings.Repeat("x", 1000)...)
		s.oldest = int64(len(s.out)) // the ring has wrapped around
		s.out = append(s.out, "\x99\x82after"...)
	})
	proxy.Resume()
	p.WaitScreen(key, "after")
	// The end of a character is not a character, alone or with the beginning of the previous one.
	if whole := browser.Eval[string](p, `window.test.pane.text(true)`); whole != "after" {
		t.Errorf("the terminal holds %q", whole)
	}
	p.Clean()
}

// testSizes changes the size between two pieces of output that are drawn together.
func testSizes(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.change(func() {
		for _, cols := range []int{40, 20, 60} {
			s.addMark("size", map[string]any{"rows": 10, "cols": cols})
			s.out = append(s.out, "\x1b[999C|\r\n"...) // marks the last column
		}
	})
	p := s.open(b)
	p.Wait(`window.test.pane.size.cols === 60 && window.test.pane.size.rows === 10`)
	p.Wait(fmt.Sprintf(`window.test.pane.drawn === %d`, s.end()))
	if text, want := p.Screen(key), fmt.Sprintf("%40s\n%20s\n%60s", "|", "|", "|"); text != want {
		t.Errorf("the screen shows %q, want %q", text, want)
	}
	// A new viewer reports its room, and changes nothing. With the focus it claims the size, and with a key it takes it
	// back from others.
	s.until("how much room there is", func() bool { return len(s.asked) == 1 })
	p.FocusPane(key)
	p.Wait(`window.test.pane.size.cols > 80`)
	s.mark("size", map[string]any{"rows": 200, "cols": 30}) // taller than the pane in any font
	p.Wait(`window.test.pane.size.cols === 30`)
	p.Wait(`document.querySelector(".shell-screen").scrollTop === 0`) // the cursor is in one of the first rows
	s.put("\x1b[200H")
	s.mark("size", map[string]any{"rows": 200, "cols": 31})
	p.Wait(
		`(e => e.scrollTop > 0 && e.scrollTop + e.clientHeight >= e.scrollHeight - ` +
			`8)(document.querySelector(".shell-screen"))`,
	)
	p.Type("x")
	p.Wait(`window.test.pane.size.cols > 80`)
	p.Do(`document.getElementById("frame").style.width = "400px"`)
	p.Wait(`window.test.pane.size.cols < 60 && window.test.pane.size.cols > 30`)
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := fmt.Sprint(s.asked); got != "[offer take take]" {
		t.Errorf("claims: %v, want one when it joined, one with the focus, one of another window", got)
	}
}

// questions make a terminal reply.
const questions = "\x1b[c\x1b[>c\x1b[=c\x1b[5n\x1b[6n\x1b[?6n\x1b[?25$p" +
	"\x1b[4$p\x1b[18t\x1b]10;?\x07\x1b]11;?\x07\x1b]12;?\x07\x1b]4;1;?\x07\x1bP$qm\x1b\\\x1b[?1004h"

// The shell's node replies to its program. A page's terminal never does, with or without focus, for old and for new
// output.
func testQueries(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put(questions + "\x1b[?1004lold")
	p := s.open(b)
	p.WaitScreen(key, "old")
	p.FocusPane(key)
	s.put(questions + "\x1b[?1004lnew")
	p.WaitScreen(key, "new")
	p.Type("a")
	s.untilTyped("a")
}

func testEnds(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put("bye\r\n")
	p := s.open(b)
	p.WaitScreen(key, "bye")
	p.FocusPane(key)
	s.mark("exit", map[string]any{"code": 1, "signal": ""})
	p.Wait(`document.querySelector(".shell-bar span")?.textContent === "ended with code 1"`)
	p.Type("too late")
	p.WaitScreen(key, "bye") // the last screen stays
	p.Wait(`[...document.querySelectorAll(".shell-bar button")].filter(e => e.checkVisibility()).map(e => ` +
		`e.textContent).join() === "Restart,Close"`)
	p.Wait(`window.test.events.map(e => e.split(" ")[0]).join() === "shell-ended"`)
	if typed := s.typedSoFar(); typed != "" {
		t.Errorf("typed %q into a shell that has ended", typed)
	}
	p.Clean()
}

func testReconnect(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put("last words")
	p := s.open(b)
	p.WaitScreen(key, "last words")
	s.mark("lost", map[string]any{"error": "unreachable"})
	p.Wait(`document.querySelector(".shell").dataset.state === "lost" && !document.querySelector(".shell-bar").hidden`)
	p.WaitScreen(key, "last words")
	s.mark("size", map[string]any{"rows": 24, "cols": 80})
	p.Wait(`document.querySelector(".shell-bar").hidden`)
	s.mark("lost", map[string]any{"error": "unreachable"})
	p.Wait(`!document.querySelector(".shell-bar").hidden`)
	s.put(", and more")
	p.WaitScreen(key, "last words, and more")
	p.Wait(`document.querySelector(".shell-bar").hidden`)
	s.mark("gone", map[string]any{"error": "this shell no longer exists"})
	p.Wait(`document.querySelector(".shell-bar").textContent.includes("no longer exists")`)
}

// testHidden opens a tab in the background. Its stream ends after a while, and opens again when the tab is looked at,
// not when the network changes.
func testHidden(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b, func(p *browser.Page) {
		p.BeforeLoad(`
			Object.defineProperty(document, "visibilityState", { get: () => window.look ?? "hidden" });
			const wait = window.setTimeout;
			window.setTimeout = (fn, ms) => (ms === 5000 ? (window.sleep = fn, 0) : wait(fn, ms));`)
	})
	p.Wait(`window.sleep`)
	p.Do(`sleep()`)
	p.Wait(`test.stream.state === "hidden"`)
	p.Do(`dispatchEvent(new Event("online"))`)
	p.Do(`test.stream.reconnect()`)
	if state := browser.Eval[string](p, `test.stream.state`); state != "hidden" {
		t.Errorf("the network is back: the hidden tab is %q", state)
	}
	s.put("meanwhile")
	p.Do(`window.look = "visible"; document.dispatchEvent(new Event("visibilitychange"))`)
	p.WaitScreen(key, "meanwhile")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams != 2 {
		t.Errorf("%d streams, want one before and one after", s.streams)
	}
}

func testLeave(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	p.FocusPane(key)
	p.Press("Tab")
	s.untilTyped("\t")
	if label := browser.Eval[string](
		p, `document.activeElement.getAttribute("aria-label")`,
	); !strings.Contains(label, "Shift+Escape") {
		t.Errorf("the terminal's label is %q", label)
	}
	p.Press("Shift+Escape")
	p.Wait(`window.test.events.includes("shell-leave ") && !document.activeElement.closest(".shell")`)
	s.untilTyped("\t")
}

func testLoggedOut(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p, proxy := s.openByProxy(b)
	s.change(func() { s.refuse = true })
	proxy.Cut()
	p.Wait(`window.test.stream.state === "loggedout"`)
	s.change(func() { s.refuse = false })
	p.Do(`window.test.stream.reconnect()`)
	p.Wait(`window.test.stream.state === "open"`)
}

// testNewPane removes the pane and shows the shell in another.
func testNewPane(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put(rows(0, 50))
	p := s.open(b)
	p.FocusPane(key)
	p.Type("one")
	s.untilTyped("one")
	p.Do(`window.test.pane.dispose()`)
	if n := browser.Eval[int](p, `window.convoy.panes.size + document.getElementById("pane").children.length`); n != 0 {
		t.Errorf("%d things are left of the pane", n)
	}
	p.Do(`window.test.pane = window.test.show({}); 0`)
	checkRows(t, p, 50)
	p.FocusPane(key)
	p.Type("two")
	s.untilTyped("onetwo")
	p.Clean()
}
