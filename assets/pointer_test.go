package assets_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"convoy/internal/browser"
)

// TestPointers tests fingers, the middle button, and the keys for touch screens.
func TestPointers(t *testing.T) {
	t.Parallel()
	b := browser.Shared(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser.Browser)
	}{
		{"scrolls by finger", testSwipe},
		{"scrolls on after a fling", testFling},
		{"lets the page scroll", testSwipePage},
		{"sends arrows to full-screen programs", testSwipeArrows},
		{"reports the wheel to programs that ask for it", testSwipeWheel},
		{"scrolls for viewers, and sends nothing", testSwipeViewOnly},
		{"reports the middle button, and does not paste", testMiddle},
		{"has touch keys", testTouchKeys},
		{"holds Ctrl and Alt", testHeldKeys},
		{"holds Ctrl for composed text", testHeldComposed},
	} {
		t.Run(test.name, func(t *testing.T) { t.Parallel(); test.run(t, b) })
	}
}

// fitted is met when the touch keys have their place and the terminal's rows, in their own font and not in that of a
// larger grid, fill what they leave.
const fitted = `(() => {
  const grid = document.querySelector(".xterm-screen"), keys = document.querySelector(".shell-keys");
  const { paddingTop, paddingBottom } = getComputedStyle(grid.closest(".xterm"));
  const room = grid.closest(".xterm").clientHeight - parseFloat(paddingTop) - parseFloat(paddingBottom);
  const left = room - grid.offsetHeight, row = grid.offsetHeight / window.test.pane.size.rows;
  const watches = document.querySelector(".shell[data-watches]"); // without touch keys
  const placed = !keys || watches || keys.offsetHeight > 0;
  const natural = parseFloat(getComputedStyle(grid.closest(".shell-screen")).fontSize);
  const own = watches || window.test.pane.term.options.fontSize >= natural - 0.2;
  return document.fonts.status === "loaded" && placed && own && left >= 0 && left < row;
})()`

// touchPage opens the page on a touch screen.
func touchPage(s *script, b *browser.Browser, query string) *browser.Page {
	s.t.Helper()
	p := s.openOn(b, query, func(p *browser.Page) { p.Touch(390, 800) })
	p.Wait(fitted)
	return p
}

// first is the number of the first row that a pane with rows(0, n) shows.
const first = `Number(/row (\d+)/.exec(document.querySelector(".xterm-rows").textContent)[1])`

// drawn is met when that row is drawn, not only in the terminal's buffer.
func drawn(row int) string {
	return fmt.Sprintf(`document.querySelector(".xterm-rows").textContent.includes("row %d")`, row)
}

func testSwipe(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put(rows(0, 300))
	p := touchPage(s, b, "")
	p.Wait(drawn(299))
	end := browser.Eval[int](p, first)
	p.Swipe(".xterm-screen", 200, true)
	height := browser.Eval[float64](p, `document.querySelector(".xterm-screen").clientHeight / window.test.pane.size.rows`)
	want := end - int(200/height)
	p.Wait(fmt.Sprintf(`Math.abs(%s - %d) <= 1`, first, want))
	p.Swipe(".xterm-screen", -200, true)
	p.Wait(fmt.Sprintf(`%s === %d`, first, end))
	if got := s.typedSoFar(); got != "" {
		t.Errorf("scrolling typed %q", got)
	}
	p.Clean()
}

func testFling(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put(rows(0, 900))
	p := touchPage(s, b, "")
	p.Motion()
	p.Wait(drawn(899))
	end := browser.Eval[int](p, first)
	p.Swipe(".xterm-screen", 200, false)
	p.Wait(fmt.Sprintf(`%d - %s > 16`, end, first)) // 200 pixels are fewer rows
	// a finger stops it
	p.Swipe(".xterm-screen", 1, true)
	at := browser.Eval[int](p, first)
	p.Do(`new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))`)
	if now := browser.Eval[int](p, first); now != at {
		t.Errorf("row %d was first when the finger stopped the momentum, then %d", at, now)
	}
}

// testSwipePage swipes where the terminal has nothing to scroll.
func testSwipePage(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := touchPage(s, b, "")
	p.Do(`document.body.style.height = "3000px"`)
	p.Screenshot(filepath.Join(t.TempDir(), "tall.png")) // then the compositor, which scrolls, knows the height
	p.Swipe(".xterm-screen", -150, true)
	p.Wait(`window.scrollY > 50`)
}

// swiped returns what a swipe makes the terminal send, after modes.
func swiped(s *script, b *browser.Browser, modes string, dy float64) string {
	s.t.Helper()
	p := touchPage(s, b, "")
	s.put(modes + "modes")
	p.WaitScreen(key, "modes")
	p.Swipe(".xterm-screen", dy, true)
	p.Press("x")
	s.until("the key after the swipe", func() bool { return strings.HasSuffix(string(s.typed), "x") })
	if got := heard(p); got != "x" {
		s.t.Errorf("a swipe is reported as typed: %q", got)
	}
	return strings.TrimSuffix(s.typedSoFar(), "x")
}

func testSwipeArrows(t *testing.T, b *browser.Browser) {
	for _, test := range []struct {
		modes string
		dy    float64
		want  string
	}{
		{"\x1b[?1049h\x1b[H", 100, "\x1b[A"},
		{"\x1b[?1049h\x1b[H", -100, "\x1b[B"},
		{"\x1b[?1049h\x1b[H\x1b[?1h", -100, "\x1bOB"},
	} {
		got := swiped(newScript(t), b, test.modes, test.dy)
		if n := strings.Count(got, test.want); n < 4 || n > 7 || strings.Repeat(test.want, n) != got {
			t.Errorf("%q, %v pixels: sent %q, want 5 or 6 times %q", test.modes, test.dy, got, test.want)
		}
	}
}

func testSwipeWheel(t *testing.T, b *browser.Browser) {
	for _, modes := range []string{"\x1b[?1000h\x1b[?1006h", "\x1b[?1002h\x1b[?1006h\x1b[?1049h\x1b[H"} {
		got := swiped(newScript(t), b, modes, 100)
		if n := strings.Count(got, "\x1b[<64;"); n < 4 || n > 7 || strings.Count(got, "M") != n {
			t.Errorf("%q: sent %q, want 5 or 6 turns of the wheel", modes, got)
		}
	}
}

func testSwipeViewOnly(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put(rows(0, 300))
	p := touchPage(s, b, "watch=1")
	p.Wait(drawn(299))
	end := browser.Eval[int](p, first)
	p.Swipe(".xterm-screen", 100, true)
	p.Wait(fmt.Sprintf(`%s < %d`, first, end))
	s.put("\x1b[?1049h\x1b[H full")
	p.WaitScreen(key, "full")
	p.Swipe(".xterm-screen", 100, true)
	if got := s.typedSoFar(); got != "" {
		t.Errorf("a viewer's swipe sent %q", got)
	}
}

// testMiddle clicks the middle button in each mode of mouse reports.
func testMiddle(t *testing.T, b *browser.Browser) {
	for _, mode := range []int{9, 1000, 1002, 1003} {
		s := newScript(t)
		p := ready(s, b)
		s.put(fmt.Sprintf("\x1b[?%dh\x1b[?1006h mouse", mode))
		p.WaitScreen(key, "mouse")
		p.Do(`document.addEventListener("auxclick", (e) => { window.aux = (window.aux ?? 0) + 1 })`)
		p.ClickMiddle(".xterm-screen", 0)
		s.until("the report", func() bool { return strings.Contains(string(s.typed), "\x1b[<1;") })
		paste(p, `"pasted"`) // as Linux' browsers do
		p.ClickMiddle(".xterm-screen", 8)
		paste(p, `"shifted"`)
		s.until("the paste with Shift", func() bool { return strings.HasSuffix(string(s.typed), "shifted") })
		p.ClickMiddle(".xterm-screen", 0)
		p.Press("x")
		paste(p, `"by keys"`)
		s.until("the paste by keys", func() bool { return strings.HasSuffix(string(s.typed), "by keys") })
		if got := s.typedSoFar(); strings.Contains(got, "pasted") {
			t.Errorf("mode %d: the middle button pasted, too: %q", mode, got)
		}
	}
}

func testTouchKeys(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b, func(p *browser.Page) { p.Touch(390, 800) })
	p.Wait(`document.querySelectorAll(".shell-keys button").length === 15`)
	hearKeys(p)
	p.FocusPane(key)
	p.Click(".shell-keys [aria-label=Escape]")
	p.Click(".shell-keys [aria-label=Tab]")
	p.Click(".shell-keys [aria-label=Ctrl]")
	p.Type("c")
	p.Click(".shell-keys [aria-label=Up]")
	s.untilTyped("\x1b\t\x03\x1b[A")
	s.put("\x1b[?1h app")
	p.WaitScreen(key, "app")
	p.Click(".shell-keys [aria-label=Left]")
	p.Type("c")
	const typed = "\x1b\t\x03\x1b[A\x1bODc"
	s.untilTyped(typed)
	if got := heard(p); got != typed {
		t.Errorf("the page was told of %q, want %q", got, typed)
	}
}

// tapKeys presses keys of the row.
func tapKeys(p *browser.Page, names ...string) {
	for _, name := range names {
		p.Do(fmt.Sprintf(`document.querySelector(".shell-keys [aria-label=%s]").click()`, name))
	}
}

func testHeldKeys(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := touchPage(s, b, "")
	want := ""
	check := func(more string) {
		t.Helper()
		want += more
		s.untilTyped(want)
		if held := browser.Eval[int](p, `document.querySelectorAll(".shell-keys [aria-pressed=true]").length`); held != 0 {
			t.Errorf("after %q, %d keys are held", more, held)
		}
	}
	for _, test := range []struct{ held, types, want string }{
		{"Ctrl", "c", "\x03"}, {"Ctrl", "ca", "\x03a"}, {"Ctrl", " ", "\x00"}, {"Ctrl", "/", "\x1f"}, {"Ctrl", "[", "\x1b"},
		{"Alt", "b", "\x1bb"}, {"Ctrl Alt", "x", "\x1b\x18"}, {"", "cd", "cd"},
	} {
		tapKeys(p, strings.Fields(test.held)...)
		p.Type(test.types)
		check(test.want)
	}
	for _, test := range []struct{ taps, want string }{
		{"Ctrl Right", "\x1b[1;5C"}, {"Alt Left", "\x1b[1;3D"}, {"Ctrl Alt Up", "\x1b[1;7A"}, {"Ctrl Home", "\x1b[1;5H"},
		{"Ctrl PageDown", "\x1b[6;5~"}, {"PageUp", "\x1b[5~"}, {"End", "\x1b[F"}, {"Alt Tab", "\x1b\t"},
		{"Pipe Tilde Minus", "|~-"}, {"Ctrl Ctrl Escape", "\x1b"},
	} {
		tapKeys(p, strings.Fields(test.taps)...)
		check(test.want)
	}
	tapKeys(p, "Ctrl")
	p.Press("ArrowUp") // of a hardware keyboard
	check("\x1b[1;5A")
	if got := heard(p); got != want {
		t.Errorf("the page was told of %q, want %q", got, want)
	}
	// reports of the mouse are no keys
	s.put("\x1b[?1000h\x1b[?1006h mouse")
	p.WaitScreen(key, "mouse")
	tapKeys(p, "Ctrl")
	p.ClickMiddle(".xterm-screen", 0)
	s.until("the report", func() bool { return strings.HasSuffix(string(s.typed), "m") })
	p.Type("c")
	s.until("Ctrl+C", func() bool { return strings.HasSuffix(string(s.typed), "m\x03") })
}

// testHeldComposed types with an on-screen keyboard that composes words.
func testHeldComposed(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := touchPage(s, b, "")
	tapKeys(p, "Ctrl")
	p.PressKey(composed("Unidentified"))
	p.Compose("c")
	s.untilTyped("\x03") // before it is final
	p.Type("c")
	p.Compose("l")
	p.Compose("ls")
	tapKeys(p, "Tab") // after the text
	p.Type("ls ")
	s.untilTyped("\x03ls\t ")
}
