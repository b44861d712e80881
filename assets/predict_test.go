package assets_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"convoy/internal/browser"
)

// TestPredict tests letters that are drawn before their echo.
func TestPredict(t *testing.T) {
	t.Parallel()
	b := browser.Shared(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser.Browser)
	}{
		{"draws a letter with its key", testPredictsAtOnce},
		{"draws in the cells of a graphics card", testPredictsOnCard},
		{"draws deletions and the cursor", testPredictsEdits},
		{"draws nothing before a proof", testPredictsProved},
		{"draws no password", testPredictsNoPassword},
		{"is not proved by a deleted letter", testPredictsDeleted},
		{"draws nothing typed ahead", testPredictsNothingAhead},
		{"follows other output", testPredictsCorrected},
		{"removes a letter without an echo", testPredictsSwallowed},
		{"draws nothing elsewhere", testPredictsNowhereElse},
		{"draws on slow links", testPredictsSlow},
		{"dims what is late", testPredictsLate},
	} {
		t.Run(test.name, func(t *testing.T) { t.Parallel(); test.run(t, b) })
	}
}

const (
	predicted = `document.querySelector(".shell-predicted")`
	// followPredicted records all that is drawn, and what is drawn when the first frame after a key is.
	followPredicted = `{ window.drawn = []; window.framed = [];
		const view = ` + predicted + `;
		new MutationObserver(() => drawn.push(view.textContent)).observe(view, { childList: true });
		addEventListener("keydown", () => requestAnimationFrame(() => framed.push(view.textContent)), { capture: true }) }`
	// everyTrip lets the page measure the round trip that the test chooses, in ms.
	everyTrip = `{ let clock = 0; performance.now = () => clock; window.trip = 0;
		const send = fetch;
		window.fetch = (...a) => send(...a).finally(() => { clock += trip }) }`
)

// atPrompt opens the page of a shell with a prompt, in which letters are always predicted.
func atPrompt(t *testing.T, b *browser.Browser, prompt string) (*script, *browser.Page) {
	t.Helper()
	s := newScript(t)
	s.echo = "program"
	p := s.open(b)
	p.Do(`localStorage.setItem("convoy-echo", "on")`)
	begin(s, p, prompt)
	return s, p
}

// begin types Enter, which gives the shell its size, and prints a prompt.
func begin(s *script, p *browser.Page, prompt string) {
	s.t.Helper()
	p.FocusPane(key)
	p.Press("Enter")
	answered(s, p, "\r")
	print(s, p, prompt)
	p.Do(followPredicted)
}

// answered waits until all that was typed is text, and answered.
func answered(s *script, p *browser.Page, text string) {
	s.t.Helper()
	s.untilTyped(text)
	p.Wait(`window.test.pane.pending === 0`)
}

// echoed types a letter, waits for its answer, and echoes it.
func echoed(s *script, p *browser.Page, letter string) {
	s.t.Helper()
	before := s.typedSoFar()
	p.Press(letter)
	answered(s, p, before+letter)
	print(s, p, letter)
}

// print prints, and waits until that is drawn.
func print(s *script, p *browser.Page, text string) {
	s.t.Helper()
	s.put(text)
	p.Wait(`window.test.pane.drawn === ` + fmt.Sprint(s.end()))
}

// hold keeps input from being answered, until release.
func hold(s *script) (release func()) {
	held := make(chan struct{})
	s.change(func() { s.held = held })
	release = sync.OnceFunc(func() {
		s.change(func() { s.held = nil })
		close(held)
	})
	s.t.Cleanup(release) // before the server closes
	return release
}

func waitPredicted(p *browser.Page, text string) {
	p.Wait(predicted + `.textContent === ` + strconv.Quote(text))
}

func neverDrew(t *testing.T, p *browser.Page) {
	t.Helper()
	if all := browser.Eval[[]string](p, `drawn`); len(all) > 0 {
		t.Errorf("drawn: %q", all)
	}
}

// testPredictsAtOnce types while nothing is answered.
func testPredictsAtOnce(t *testing.T, b *browser.Browser) {
	s, p := atPrompt(t, b, "$ ")
	echoed(s, p, "l")
	release := hold(s)
	p.Press("s")
	p.Wait(`framed.length === 2`)
	p.Press(" ")
	p.Wait(`framed.length === 3`)
	p.Type("é")
	waitPredicted(p, "s é ") // the last cell is the cursor
	if framed := browser.Eval[[]string](p, `framed`); strings.Join(framed[1:], "|") != "s |s  " {
		t.Errorf("drawn with the frame after each key: %q", framed)
	}
	if browser.Eval[string](p, predicted+`.ariaHidden`) != "true" || p.Screen(key) != "$ l" {
		t.Errorf("the prediction is not only drawn: %q", p.Screen(key))
	}
	at := browser.Eval[[]float64](p, `(() => { const { left, top, width } = `+predicted+`.getBoundingClientRect();
		const cursor = document.querySelector(".xterm-cursor").getBoundingClientRect();
		return [left - cursor.left, top - cursor.top, width - 4 * cursor.width] })()`)
	for _, off := range at {
		if off < -1 || off > 1 {
			t.Errorf("drawn %v px beside the cells", at)
		}
	}
	print(s, p, "s ")
	waitPredicted(p, "é ")
	release()
	print(s, p, "é")
	waitPredicted(p, "")
	p.WaitScreen(key, "$ ls é")
	p.Clean()
}

func testPredictsOnCard(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.echo = "program"
	p := s.open(b, (*browser.Page).GraphicsCard)
	p.Do(`localStorage.setItem("convoy-echo", "on")`)
	begin(s, p, "$ ")
	p.Wait(`document.querySelector(".xterm-screen canvas:not(.xterm-link-layer)")`)
	for range 20 {
		echoed(s, p, "l")
	}
	hold(s)
	p.Press("s")
	waitPredicted(p, "s ")
	off := browser.Eval[float64](p, `(() => { const { width } = test.pane.term._core._renderService.dimensions.css.cell;
		const screen = document.querySelector(".xterm-screen").getBoundingClientRect();
		return `+predicted+`.getBoundingClientRect().left - screen.left - 22 * width })()`)
	if off < -1 || off > 1 {
		t.Errorf("drawn %v px beside the cell", off)
	}
}

func testPredictsEdits(t *testing.T, b *browser.Browser) {
	s, p := atPrompt(t, b, "$ ")
	echoed(s, p, "l")
	release := hold(s)
	p.Press("s")
	p.Press("Backspace")
	waitPredicted(p, "")
	p.Press("Backspace")
	waitPredicted(p, "  ") // over the letter, and over its cursor
	release()
	answered(s, p, "\rls\x7f\x7f")
	print(s, p, "s\b\x1b[K\b\x1b[K")
	waitPredicted(p, "")
	release = hold(s)
	p.Press("a")
	waitPredicted(p, "a ")
	p.Press("ArrowLeft")
	p.Wait(predicted + `.querySelector(".cursor").textContent === "a"`)
	p.Press("ArrowRight")
	p.Wait(predicted + `.querySelector(".cursor").textContent === " "`)
	release()
	answered(s, p, "\rls\x7f\x7fa\x1b[D\x1b[C")
	print(s, p, "a\b\x1b[C")
	waitPredicted(p, "")
	release = hold(s)
	p.Press("b")
	waitPredicted(p, "b ")
	release()
	print(s, p, "b")
	waitPredicted(p, "")
	p.WaitScreen(key, "$ ab")
}

func testPredictsProved(t *testing.T, b *browser.Browser) {
	s, p := atPrompt(t, b, "$ ")
	hold(s)
	p.Press("l")
	p.Press("s")
	print(s, p, "ls") // nothing is answered
	p.Press("x")
	p.Wait(`framed.length === 3`)
	neverDrew(t, p)
}

// testPredictsNoPassword types a password, for each way to ask for one, and each thing that a prompt may draw for it.
func testPredictsNoPassword(t *testing.T, b *browser.Browser) {
	for _, test := range []struct{ echo, drawn, typed string }{
		{"none", "", "secret"},
		{"program", "", "secret"},
		{"program", "*", "*secret"},
		{"program", "x", "xsecret"},
		{"terminal", "s", "sssss"},
		{"", "s", "sssss"}, // a node that does not know
	} {
		t.Run(test.echo+test.drawn, func(t *testing.T) {
			t.Parallel()
			s, p := atPrompt(t, b, "$ ")
			echoed(s, p, "l")
			echoed(s, p, "s")
			p.Do(`drawn.length = 0`)
			s.change(func() { s.echo = test.echo })
			p.Press("Enter")
			answered(s, p, "\rls\r")
			print(s, p, "\r\nPassword: ")
			typed := "\rls\r"
			for _, letter := range test.typed {
				p.Type(string(letter))
				typed += string(letter)
				answered(s, p, typed)
				print(s, p, test.drawn)
			}
			neverDrew(t, p)
		})
	}
}

// testPredictsDeleted types a letter of a password, and deletes it: the row is as if both had been drawn.
func testPredictsDeleted(t *testing.T, b *browser.Browser) {
	s, p := atPrompt(t, b, "Password: ")
	release := hold(s)
	p.Press("s")
	p.Press("Backspace")
	release()
	answered(s, p, "\rs\x7f")
	p.Do(`new Promise((done) => setTimeout(done, 150))`) // the page's timer for a missing echo runs before this one
	p.Press("e")
	answered(s, p, "\rs\x7fe")
	p.Press("c")
	p.Wait(`framed.length === 4`)
	neverDrew(t, p)
}

// testPredictsNothingAhead types before a program has printed its prompt.
func testPredictsNothingAhead(t *testing.T, b *browser.Browser) {
	s, p := atPrompt(t, b, "$ ")
	echoed(s, p, "l")
	release := hold(s)
	p.Press("Enter")
	p.Press("a")
	release()
	answered(s, p, "\rl\ra")
	print(s, p, "\r\nlogin: a")
	echoed(s, p, "b")
	echoed(s, p, "c")
	neverDrew(t, p)
	p.Press("Enter")
	answered(s, p, "\rl\rabc\r")
	print(s, p, "\r\n$ ")
	echoed(s, p, "d")
	hold(s)
	p.Press("e")
	waitPredicted(p, "e ")
}

func testPredictsCorrected(t *testing.T, b *browser.Browser) {
	s, p := atPrompt(t, b, "$ ")
	echoed(s, p, "l")
	release := hold(s)
	p.Press("s")
	waitPredicted(p, "s ")
	print(s, p, "\r\n[1]+  Done\r\n$ l")
	waitPredicted(p, "")
	p.Do(`drawn.length = 0`)
	release()
	p.Wait(`window.test.pane.pending === 0`)
	print(s, p, "s")
	echoed(s, p, "a")
	echoed(s, p, "b")
	neverDrew(t, p)
}

func testPredictsSwallowed(t *testing.T, b *browser.Browser) {
	s, p := atPrompt(t, b, "$ ")
	echoed(s, p, "l")
	release := hold(s)
	p.Press("s")
	p.Press("a")
	waitPredicted(p, "sa ")
	release()
	waitPredicted(p, "")
	p.Press("b")
	p.Wait(`framed.length === 4`)
	waitPredicted(p, "")
}

// testPredictsNowhereElse types where letters are not predicted, on proved lines and others.
func testPredictsNowhereElse(t *testing.T, b *browser.Browser) {
	for _, test := range []struct{ name, prompt, typed, then string }{
		{"alternate screen", "\x1b[?1049h$ ", "a", "b"},
		{"no prompt", "hello\r\n", "a", "b"},
		{"within a line", "$ abc\b\b", "a", "b"},
		{"wide letter", "$ ", "a", "字"},
		{"control key", "$ ", "a", "Tab"},
		{"off", "$ ", "a", "b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, p := atPrompt(t, b, test.prompt)
			if test.name == "off" {
				p.Do(`localStorage.setItem("convoy-echo", "off")`)
			}
			echoed(s, p, test.typed)
			hold(s)
			if test.then == "字" {
				p.Type(test.then)
			} else {
				p.Press(test.then)
			}
			p.Press("c")
			p.Wait(`framed.length >= 2`)
			neverDrew(t, p)
		})
	}
	t.Run("last column", func(t *testing.T) {
		t.Parallel()
		s, p := atPrompt(t, b, "$ ")
		cols := browser.Eval[int64](p, `window.test.pane.size.cols`)
		print(s, p, "\x1b["+fmt.Sprint(cols-3)+"C\b\b$ ")
		echoed(s, p, "a")
		hold(s)
		p.Press("b")
		p.Wait(`framed.length === 2`)
		neverDrew(t, p)
	})
	for name, change := range map[string]string{
		"resize": `document.querySelector("#frame").style.width = "500px"`,
		"scroll": `window.test.pane.term.scrollLines(-1)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := atPrompt(t, b, strings.Repeat("\r\n", 60)+"$ ")
			echoed(s, p, "a")
			hold(s)
			p.Press("b")
			waitPredicted(p, "b ")
			p.Do(change)
			waitPredicted(p, "")
		})
	}
}

// testPredictsSlow types over links of several round trips, which are shown.
func testPredictsSlow(t *testing.T, b *browser.Browser) {
	for _, test := range []struct{ trip, shown, draws string }{{"60", "60 ms", ""}, {"152", "152 ms", "s "}} {
		t.Run(test.shown, func(t *testing.T) {
			t.Parallel()
			s := newScript(t)
			s.echo = "program"
			p := s.open(b, func(p *browser.Page) { p.BeforeLoad(everyTrip) })
			begin(s, p, "$ ")
			p.Do(`trip = ` + test.trip)
			for range 9 {
				echoed(s, p, "a")
			}
			release := hold(s)
			p.Press("s")
			p.Wait(`framed.length === 10`)
			waitPredicted(p, test.draws)
			const button = `document.querySelector(".shell-trip span:last-child")`
			p.Wait(button + `.textContent === ` + strconv.Quote(test.shown))
			p.Click(".shell-trip")
			p.Wait(`document.querySelector(".shell-trips").matches(":popover-open")`)
			const hop = `document.querySelector("[data-trip=node]").innerText`
			if shown := browser.Eval[string](p, hop); shown != "12 ms" {
				t.Errorf("the hop from console to node takes %q, want 12 ms", shown)
			}
			release()
			p.Clean()
		})
	}
}

func testPredictsLate(t *testing.T, b *browser.Browser) {
	s, p := atPrompt(t, b, "$ ")
	echoed(s, p, "l")
	release := hold(s)
	p.Do(stopQuiet)
	p.Press("s")
	waitPredicted(p, "s ")
	const color = `getComputedStyle(` + predicted + `).color`
	fresh := browser.Eval[string](p, color)
	p.Do(`quiet()`)
	p.Wait(`document.querySelector(".shell-bar").innerText.trim() === "no answer yet · 1 key waits"`)
	if late := browser.Eval[string](p, color); late == fresh {
		t.Errorf("a late letter is drawn as before: %s", late)
	}
	release()
	print(s, p, "s")
	waitPredicted(p, "")
	p.Wait(`document.querySelector(".shell-bar").hidden`)
}
