package assets_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"convoy/internal/browser"
)

// inFlight is how many inputs a page has in flight over HTTP/1.1: of a browser's six connections, a stream has one.
const inFlight = 5

// stopQuiet keeps the page's inputs from counting as unanswered (quiet in input.js) until the test calls quiet.
// patience is how long the page would have waited for an answer, in ms.
const stopQuiet = `{ const real = setTimeout;
	window.setTimeout = (run, ms) => {
		if (!/#quiet/.test(run)) return real(run, ms);
		[window.quiet, window.patience] = [run, ms];
		return 0;
	} }`

// typeWords types n numbered words, each its own key event, and returns them.
func typeWords(p *browser.Page, n int) string {
	var all strings.Builder
	for i := range n {
		word := fmt.Sprintf("%d,", i)
		p.Type(word)
		all.WriteString(word)
	}
	return all.String()
}

func testKeyOrder(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	var mu sync.Mutex
	now, peak := 0, 0
	busy := make(chan struct{}) // closed when the page has as many requests at once as it may
	s.fault = func(what string, _ int64) fault {
		mu.Lock()
		now++
		if peak < 4 && now == 4 {
			close(busy)
		}
		peak = max(peak, now)
		mu.Unlock()
		<-busy
		time.Sleep(rand.N(60 * time.Millisecond)) // a network on which requests overtake each other
		mu.Lock()
		now--
		mu.Unlock()
		return none
	}
	p := s.open(b)
	p.Do(stopQuiet)
	p.FocusPane(key)
	s.untilTyped(typeWords(p, 200))
	if peak > 5 { // all connections that the stream leaves
		t.Errorf("%d concurrent requests, want at most 5", peak)
	}
}

// testKeyTouchesNothing types a key, which must not change what the page reports about input. After a key that changes
// the page, browsers hold its echo back until the next frame is drawn.
func testKeyTouchesNothing(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	p.Do(stopQuiet)
	p.FocusPane(key)
	p.Do(`{ window.changes = [];
		const note = (list) => changes.push(...list.map(({ target }) => target.className));
		for (const part of [".shell-paste", ".shell-bar"])
			new MutationObserver(note).observe(document.querySelector(part),
				{ subtree: true, childList: true, attributes: true, characterData: true }) }`)
	p.Press("a")
	s.untilTyped("a")
	p.Wait(`window.test.pane.pending === 0`)
	if changed := browser.Eval[[]string](p, `changes`); len(changed) > 0 {
		t.Errorf("a key changes %q", changed)
	}
}

// testLostAnswers loses every third request, half of them after they were done.
func testLostAnswers(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.fault = func(what string, n int64) fault {
		if what != "input" || rand.IntN(3) > 0 {
			return none
		}
		return []fault{lose, drop}[rand.IntN(2)]
	}
	p := s.open(b)
	p.FocusPane(key)
	s.untilTyped(typeWords(p, 60))
}

// testRefusedInput refuses one request permanently: later input is still written.
func testRefusedInput(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.gap = 100 * time.Millisecond
	var once sync.Once
	s.fault = func(what string, n int64) (f fault) {
		if what == "input" && n == 1 {
			once.Do(func() { f = refuse }) // later the number is reused
		}
		return f
	}
	p := s.open(b)
	p.FocusPane(key)
	p.Type("a")
	s.untilTyped("a")
	p.Type("b")
	p.Wait(`window.test.events.some(e => e.startsWith("shell-trouble"))`)
	p.Type("c")
	p.Type("d")
	s.untilTyped("acd")
}

// testLateRefusal delays the first request until those after it have been refused, and these responses until the first
// is written: by then there is no gap.
func testLateRefusal(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.slow = make(chan struct{})
	s.gap = 100 * time.Millisecond
	refused := make(chan struct{})
	letFirst, letRefusals := sync.OnceFunc(func() { close(refused) }), sync.OnceFunc(func() { close(s.slow) })
	defer letFirst()
	defer letRefusals()
	s.fault = func(what string, n int64) fault {
		if what == "input" && n == 0 {
			<-refused
		}
		return none
	}
	p := s.open(b)
	p.Do(stopQuiet)
	p.FocusPane(key)
	for _, letter := range "abcde" {
		p.Type(string(letter))
	}
	s.until("all after the first are refused", func() bool { return s.rejected == inFlight-1 })
	letFirst()
	s.until("the first is written", func() bool { return len(s.typed) > 0 })
	letRefusals()
	s.untilTyped("abcde")
}

// testInputBeforeEnd reloads the page while the network delays all input.
func testInputBeforeEnd(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	arrived, gone := make(chan struct{}, inFlight), make(chan struct{})
	defer close(gone)
	var held atomic.Int32
	s.fault = func(what string, _ int64) fault {
		if what != "input" || held.Add(1) > inFlight {
			return none
		}
		arrived <- struct{}{}
		<-gone
		return drop
	}
	p := s.open(b)
	p.Do(stopQuiet)
	p.FocusPane(key)
	for i, letter := range "abcdefg" { // the first fill the window, the rest waits
		p.Type(string(letter))
		if i < inFlight {
			<-arrived
		}
	}
	p.Do(`quiet()`) // the next page needs a connection
	p.Reload()
	s.untilTyped("abcdefg")
}

// testRemovedViewer makes the server count from 0 again.
func testRemovedViewer(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.gap = 100 * time.Millisecond
	p := s.open(b)
	p.FocusPane(key)
	p.Type("one")
	s.untilTyped("one")
	s.change(func() { clear(s.next) })
	p.Type("two")
	p.Type("three")
	s.untilTyped("onetwothree")
}

// testForgottenViewer makes the server count from 0 again while all requests in flight may have been written: they are
// not repeated, and what waits behind them is sent.
func testForgottenViewer(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.gap = 100 * time.Millisecond
	p, proxy := s.openByProxy(b)
	p.Do(stopQuiet)
	p.FocusPane(key)
	p.Type("a")
	answered(s, p, "a")
	s.change(func() { clear(s.next) })
	release := hold(s)
	for _, letter := range "bcdefg" { // the first fill the window, the last waits
		p.Type(string(letter))
	}
	p.Wait(`window.test.pane.pending === 6`)
	proxy.Cut()
	p.Wait(`window.test.states.filter((state) => state === "open").length === 2`)
	release()
	s.untilTyped("ag")
	p.Wait(`window.test.pane.pending === 0`)
}

func testTypeOffline(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p, proxy := s.openByProxy(b)
	p.FocusPane(key)
	p.Type("before,")
	p.Type("just before,")
	proxy.Stop()
	want := "before,just before," + typeWords(p, 50)
	p.Wait(`["waiting", "offline"].includes(window.test.stream.state)`)
	proxy.Resume()
	p.Type("after")
	s.untilTyped(want + "after")
	p.Wait(`window.test.stream.state === "open"`)
}

// paste simulates a paste.
func paste(p *browser.Page, expression string) {
	p.Do(`{ const data = new DataTransfer(); data.setData("text/plain", ` + expression + `);
		document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true,
			cancelable: true })) }`)
}

// testInterrupt presses Ctrl+C while a program does not read: the inputs before it are held, on all connections, until
// the last one gives its connection up. It is sent again once there is an answer.
func testInterrupt(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.held = make(chan struct{})
	arrived := make(chan int64, 100)
	s.fault = func(what string, n int64) fault {
		if what == "input" {
			arrived <- n
		}
		return none
	}
	p := s.open(b)
	p.Do(stopQuiet)
	p.FocusPane(key)
	paste(p, `"x".repeat(1_000_000)`)
	p.Click("dialog .primary")
	for range inFlight {
		<-arrived
	}
	p.Press("Ctrl+c")
	p.Do(`quiet()`)
	if n := <-arrived; n != inFlight {
		t.Errorf("request %d arrives after Ctrl+C, want %d", n, inFlight)
	}
	close(s.held)
	if n := <-arrived; n != inFlight-1 {
		t.Errorf("request %d arrives again, want %d", n, inFlight-1)
	}
	s.untilTyped(strings.Repeat("x", inFlight*64<<10) + "\x03")
}

// testHeldInput types while a program does not read: a connection becomes free for requests of other kinds, and stays
// free while more is typed.
func testHeldInput(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	held := make(chan struct{})
	s.held = held
	inputs := make(chan int64, 100)
	s.fault = func(what string, n int64) fault {
		if what == "input" {
			inputs <- n
		}
		return none
	}
	p := s.open(b)
	p.Do(stopQuiet)
	p.FocusPane(key)
	for i := range inFlight {
		p.Type("x")
		if n := <-inputs; n != int64(i) {
			t.Errorf("input %d arrives, want %d", n, i)
		}
	}
	p.Do(`quiet()`)
	for range 2 {
		p.Do(`fetch("` + place + `")`)
		p.Type("y")
	}
	if len(inputs) > 0 {
		t.Errorf("input %d arrives while none is answered", <-inputs)
	}
	s.change(func() { s.held = nil })
	close(held)
	s.untilTyped("xxxxxyy")
}

// testSlowLink types over a link with a long round trip, in which several inputs are in flight: none counts as
// unanswered, and is repeated, before its answer can be there.
func testSlowLink(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p, proxy := s.openByProxy(b)
	p.Do(stopQuiet)
	p.FocusPane(key)
	proxy.Delay(300 * time.Millisecond)
	p.Type("a")
	answered(s, p, "a")
	p.Type("b")
	if ms := browser.Eval[float64](p, `patience`); ms < 1100 {
		t.Errorf("the page waits %.0f ms for an answer that takes at least 600", ms)
	}
	answered(s, p, "ab")
}

// testWaits types while nothing is answered, and while the node cannot be reached.
func testWaits(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	held := make(chan struct{})
	s.held = held
	p := s.open(b)
	p.FocusPane(key)
	const bar = `document.querySelector(".shell-bar").innerText.trim()`
	for _, letter := range []string{"a", "b", "c", "d", "e", "f"} { // more than may be in flight
		p.Press(letter)
	}
	p.Wait(bar + ` === "no answer yet · 6 keys wait"`)
	p.Press("ArrowUp")
	p.Wait(bar + ` === "no answer yet · 7 keys wait"`)
	s.mark("lost", map[string]any{"error": "unreachable"})
	p.Wait(bar + ` === "node unreachable, showing the last screen · 7 keys wait"`)
	s.change(func() { s.held = nil })
	close(held)
	s.untilTyped("abcdef\x1b[A")
	p.Wait(bar + ` === "node unreachable, showing the last screen"`)
	s.put("$ ")
	p.Wait(`document.querySelector(".shell-bar").hidden`)
	p.Clean()
}

// testOneAtATime types into a node that cannot be reached. The browser's other tabs need its connections.
func testOneAtATime(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	var first atomic.Int32 // attempts of the first input since another one's
	var up atomic.Bool
	s.fault = func(what string, n int64) fault {
		if what != "input" || up.Load() {
			return none
		}
		if n == 0 {
			first.Add(1)
		} else {
			first.Store(0)
		}
		s.change(func() {})
		return drop
	}
	p := s.open(b)
	p.FocusPane(key)
	for _, letter := range "abcd" {
		p.Type(string(letter))
	}
	s.until("the first input is the only one that is retried", func() bool { return first.Load() == 3 })
	p.Type("e")
	p.Press("Ctrl+c")
	s.until("an interrupt goes, too", func() bool { return first.Load() == 0 })
	up.Store(true)
	s.untilTyped("abcde\x03")
}
