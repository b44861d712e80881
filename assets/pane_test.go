package assets_test

import (
	"fmt"
	"strings"
	"testing"

	"convoy/internal/browser"
)

// TestPanes tests what surrounds a terminal: presence, size, find bar.
func TestPanes(t *testing.T) {
	t.Parallel()
	b := browser.Shared(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser.Browser)
	}{
		{"shows the viewers", testPresence},
		{"accepts any name", testNames},
		{"renames", testRename},
		{"scales a larger grid", testScale},
		{"pins the size", testPin},
		{"finds", testFind},
		{"fetches the history once", testHistory},
		{"works without the history", testNoHistory},
		{"detaches and continues", testDetach},
		{"is view-only", testViewOnly},
		{"has keyboard access to the tools", testToolKeys},
		{"keeps contrast beside blocks", testBlockContrast},
		{"draws binary files in silence", testSilentBinary},
	} {
		t.Run(test.name, func(t *testing.T) { t.Parallel(); test.run(t, b) })
	}
}

// participant is a viewer in a presence event.
type participant map[string]any

func viewer(n int, name string, types bool) participant {
	return participant{"n": n, "name": name, "types": types, "typing": false}
}

// present sends the page a presence; the page is number 1.
func (s *script) present(owner int, pinned bool, viewers ...participant) {
	s.mark(
		"presence", map[string]any{"you": 1, "count": len(viewers), "viewers": viewers, "owner": owner, "pinned": pinned},
	)
}

const chips = `[...document.querySelectorAll(".chips li")].map(e => e.textContent).join("|")`

func testPresence(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	height := browser.Eval[float64](p, `document.querySelector(".shell-tools").getBoundingClientRect().height`)
	ada, grace, linus := viewer(2, "Ada Lovelace", true), viewer(3, "", true), viewer(4, "linus", false)
	s.present(1, false, viewer(1, "", true))
	s.put("alone")
	p.WaitScreen(key, "alone")
	if got := browser.Eval[string](p, chips); got != "" {
		t.Errorf("alone: chips %q, want none", got)
	}
	s.present(1, false, ada, viewer(1, "", true), grace, linus)
	p.Wait(chips + ` === "1Viewer 1 (you): change your name|ALAda Lovelace|3Viewer 3|LIlinus, view only"`)
	if n := browser.Eval[int](p, `document.querySelectorAll(".chips .watches .icon").length`); n != 1 {
		t.Errorf("%d chips have an eye, want that of who only watches", n)
	}
	p.Do(`{ window.said = []; // what is shown, which goes on its own, and what is spoken
		const [shown, spoken] = [".shell-types", ".shell-there [role=status]"].map((e) => document.querySelector(e));
		new MutationObserver(() => said.push(shown.textContent + "|" + spoken.textContent)).observe(shown, { childList: true }) }`)
	ada["typing"] = true
	s.present(1, false, ada, viewer(1, "", true), grace, linus)
	p.Wait(`said.includes("Ada Lovelace is typing|Ada Lovelace is typing")`)
	p.Wait(`document.querySelector(".shell-types").textContent === ""`)
	if got := browser.Eval[float64](
		p, `document.querySelector(".shell-tools").getBoundingClientRect().height`,
	); got != height {
		t.Errorf("the line is %v px high, it was %v", got, height)
	}
	s.present(1, false, viewer(1, "", true), ada, grace, linus, viewer(5, "Ken", true), viewer(6, "Rob Pike", true))
	p.Wait(chips + `.endsWith("|+3")`)
	p.Click(".chip.rest")
	p.Wait(
		`document.querySelector(".chips-all").matches(":popover-open") && ` +
			`document.querySelectorAll(".chips-all li").length === 6`,
	)
	if text := browser.Eval[string](
		p, `document.querySelector(".chips-all").innerText`,
	); !strings.Contains(text, "Rob Pike") || !strings.Contains(text, "linus, view only") {
		t.Errorf("the list of all says %q", text)
	}
	p.Clean()
}

func testNames(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	const hostile = `<img src=x onerror=alert(1)>`
	s.present(2, true, viewer(1, "", true), viewer(2, hostile, true))
	p.Wait(`document.querySelectorAll(".chips .chip").length === 2`)
	if n := browser.Eval[int](p, `document.querySelectorAll(".shell-tools img").length`); n != 0 {
		t.Error("a name became HTML")
	}
	p.Wait(fmt.Sprintf(`document.querySelector(".chip:not(.you)").title === %q`, hostile))
	p.Clean()
}

func testRename(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.openAs(b, s.addr(), "name=Old")
	s.put("before ")
	p.WaitScreen(key, "before")
	s.present(1, false, viewer(1, "Old", true), viewer(2, "Ada", true))
	p.Wait(`document.querySelector(".chip.you")`)
	p.Click(".chip.you")
	p.Wait(`document.activeElement.matches("dialog.asks input") && document.activeElement.value === "Old"`)
	p.Type("Zoë‍\u202e King")
	p.Press("Enter")
	s.until("a stream with the new name", func() bool { return s.streams == 2 })
	p.Wait(`window.test.stream.state === "open" && !document.querySelector("dialog")`)
	s.put("after")
	p.WaitScreen(key, "before after")
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.Join(s.names, "|"); got != "Old|Zoë King" {
		t.Errorf("the streams' names are %q", got)
	}
	if from := s.follows[1]; from != int64(len("before ")) {
		t.Errorf("the new stream begins at %d, want the byte that was reached", from)
	}
	if kept := browser.Eval[string](p, `localStorage.getItem("convoy-name")`); kept != "Zoë King" {
		t.Errorf("kept for later pages: %q", kept)
	}
}

// visible reports whether the whole grid is inside its container.
const visible = `((grid, box) => grid.width > 0 && grid.right <= box.right + 1 && grid.bottom <= box.bottom + 1)(
	document.querySelector(".xterm-screen").getBoundingClientRect(),
		document.querySelector(".shell-screen").getBoundingClientRect())`

const font = `parseFloat(getComputedStyle(document.querySelector(".xterm-rows")).fontSize)`

func testScale(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	s.until("how much room there is", func() bool { return s.room != nil })
	s.mu.Lock()
	room := sizeOf(s.room)
	s.mu.Unlock()
	natural := browser.Eval[float64](p, font)
	s.present(2, false, viewer(1, "", true), viewer(2, "Ada", true))
	for _, size := range []struct{ rows, cols int }{{30, 160}, {40, 100}, {33, 140}} {
		s.mark("size", map[string]any{"rows": size.rows, "cols": size.cols})
		p.Wait(fmt.Sprintf(`window.test.pane.size.rows === %d && window.test.pane.size.cols === %d`, size.rows, size.cols))
		p.Wait(visible)
		if now := browser.Eval[float64](p, font); now >= natural || now < 6 {
			t.Errorf("%v: the font is %v px, the page's is %v", size, now, natural)
		}
		p.Wait(
			fmt.Sprintf(
				`document.querySelector(".shell-size").checkVisibility() && document.querySelector(".shell-size").textContent `+
					`=== "%d × %d (Ada’s)"`,
				size.cols,
				size.rows,
			),
		)
	}
	// Smaller than the pane: unscaled, with a margin.
	s.mark("size", map[string]any{"rows": 10, "cols": 40})
	p.Wait(fmt.Sprintf(`window.test.pane.size.rows === 10 && %s === %v`, font, natural))
	p.Wait(`document.querySelector(".shell-screen").dataset.fit === "other"`)
	// The page always reports the room for its own font.
	p.FocusPane(key)
	s.until("the claim of the focus", func() bool { return len(s.asked) >= 2 }) // of two at once the page sends the last
	p.Do(`document.getElementById("other").focus()`)
	s.mark("size", map[string]any{"rows": 30, "cols": 160})
	p.Wait(`window.test.pane.size.cols === 160`)
	p.Do(`window.test.pane.fit()`)
	s.until("one more claim", func() bool { return len(s.asked) >= 3 })
	s.mu.Lock()
	if now := sizeOf(s.room); now != room {
		t.Errorf("the reported room is %s beside a large grid, %s before", now, room)
	}
	s.mu.Unlock()
	// No font is small enough: it scrolls in both directions.
	s.mark("size", map[string]any{"rows": 200, "cols": 500})
	p.Wait(`window.test.pane.size.cols === 500`)
	p.Wait(
		`(e => e.scrollHeight > e.clientHeight && e.scrollWidth > e.clientWidth)(document.querySelector(".shell-screen"))`,
	)
	p.Clean()
}

func testPin(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	both := []participant{viewer(1, "", true), viewer(2, "Ada", true)}
	s.until("how much room there is", func() bool { return len(s.asked) == 1 })
	s.present(1, false, both...)
	p.Click(`[data-tool="Pin the size"]`)
	s.until("the pin", func() bool { return len(s.asked) > 0 && s.asked[len(s.asked)-1] == "pin" })
	s.present(1, true, both...)
	p.Wait(
		`document.querySelector(".shell-size").textContent.endsWith("(yours, pinned)") && ` +
			`document.querySelector('[data-tool="Pin the size"]').ariaPressed === "true"`,
	)
	p.Click(`[data-tool="Pin the size"]`)
	s.until("its end", func() bool { return s.asked[len(s.asked)-1] == "unpin" })
	s.mark("size", map[string]any{"rows": 10, "cols": 40})
	s.present(2, true, both...)
	p.Wait(`document.querySelector(".shell-size").textContent === "40 × 10 (Ada’s, pinned)"`)
	p.Wait(
		`(e => !e.hidden && e.disabled && e.title.includes("pinned"))(document.querySelector('[data-tool="Fit to my ` +
			`window"]'))`,
	)
	s.present(0, false, both...)
	p.Wait(`(e => !e.hidden && !e.disabled)(document.querySelector('[data-tool="Fit to my window"]'))`)
	p.Click(`.shell-acts [title="More"]`)
	p.Click(`[data-tool="Fit to my window"]`)
	s.until("the size is taken", func() bool { return s.asked[len(s.asked)-1] == "take" })
	p.Wait(`window.test.pane.size.cols > 80`)
	p.Clean()
}

// counts waits for the text of the find bar.
func counts(p *browser.Page, text string) {
	p.Wait(fmt.Sprintf(`document.querySelector(".find-count").textContent === %q`, text))
}

func testFind(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put("Foo foo food\r\nfoo.\r\n" + strings.Repeat("x\r\n", 50) + "foo end")
	p := s.open(b)
	p.WaitScreen(key, "foo end")
	p.FocusPane(key)
	p.Press("Ctrl+Shift+f")
	p.Wait(`document.activeElement.matches(".shell-find input")`)
	p.Type("foo")
	counts(p, "1 of 5")
	p.Press("Enter")
	counts(p, "2 of 5")
	p.Press("Shift+Enter")
	p.Press("Shift+Enter")
	counts(p, "5 of 5")
	p.Wait(`document.querySelectorAll(".xterm-decoration-container > *").length > 0`)
	p.Click("[data-option=caseSensitive]")
	p.Wait(`document.querySelector(".find-count").textContent.endsWith("of 4")`)
	p.Click("[data-option=wholeWord]")
	p.Wait(`document.querySelector(".find-count").textContent.endsWith("of 3")`)
	p.Click("[data-option=regex]")
	p.Click("[data-option=wholeWord]")
	p.Do(`document.querySelector(".shell-find input").select()`)
	p.Type("fo+[")
	p.Wait(
		`document.querySelector(".find-count").textContent === "invalid" && document.querySelector(".shell-find ` +
			`input").ariaInvalid === "true" && document.querySelector(".find-count").title`,
	)
	p.Do(`document.querySelector(".shell-find input").select()`)
	p.Type(`fo+\.`)
	counts(p, "1 of 1")
	p.Do(`document.querySelector(".shell-find input").select()`)
	p.Type("nowhere")
	counts(p, "none")
	p.Press("Escape")
	p.Wait(`document.querySelector(".shell-find").hidden && document.activeElement.closest(".shell-screen")`)
	p.Type("z")
	s.untilTyped("z") // nothing typed into the find bar went to the shell
	p.Clean()
}

func testHistory(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put(rows(900, 100))
	p := s.open(b)
	p.WaitScreen(key, "row 999")
	s.change(func() { s.whole = "\x18\x1bc" + rows(0, 1000) + rows(1000, 5) })
	p.FocusPane(key)
	for range 4 { // of 24 rows, to the top of 101
		p.Press("Shift+PageUp")
	}
	p.Wait(
		`window.test.pane.text(true).startsWith("row 0 of this shell") && ` +
			`document.querySelector(".shell-note").textContent === ""`,
	)
	// The scroll position is the same, although the end is further down and the beginning further up.
	p.Wait(`document.querySelector(".xterm-rows > div").textContent.startsWith("row 900 of")`)
	p.FocusPane(key)
	p.Press("Ctrl+Shift+f")
	p.Wait(`document.activeElement.matches(".shell-find input")`)
	p.Type("row 3 of")
	counts(p, "1 of 1")
	s.put("more")
	p.Wait(`window.test.pane.text().endsWith("more")`)
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := 0
	for _, from := range s.follows {
		if from == -3 {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("the history was asked for %d times, want once: %v", asked, s.follows)
	}
}

func testNoHistory(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put(rows(0, 100))
	p := s.open(b)
	p.WaitScreen(key, "row 99")
	p.FocusPane(key)
	p.Press("Ctrl+Shift+f")
	s.until("the history is requested", func() bool { return len(s.follows) == 2 && s.follows[1] == -3 })
	p.Wait(
		`document.querySelector(".shell-note").textContent === "" && document.activeElement.matches(".shell-find input")`,
	)
	p.Type("row 7 of")
	counts(p, "1 of 1")
	p.Press("Escape")
	p.Press("Ctrl+Shift+f")
	s.put("goes on")
	p.Wait(`window.test.pane.text().endsWith("goes on")`)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.follows) != 2 || s.streams != 1 {
		t.Errorf("after the refusal: follows %v, %d streams", s.follows, s.streams)
	}
}

func testDetach(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put(rows(0, 10))
	p := s.open(b)
	p.WaitScreen(key, "row 9")
	p.Do(`window.test.pane.detach()`)
	p.Wait(`document.querySelector(".shell-bar").textContent.startsWith("Detached. The shell keeps running.")`)
	s.put(rows(10, 10))
	p.FocusPane(key)
	p.Wait(`document.activeElement.textContent === "Reattach"`)
	p.Do(`window.test.pane.reattach()`)
	checkRows(t, p, 20)
	p.Wait(`document.querySelector(".shell-bar").hidden`)
	p.FocusPane(key)
	p.Type("x")
	s.untilTyped("x")
	// A page that starts detached does not follow the shell.
	p.Do(`window.test.pane.dispose(), window.test.pane = window.test.show({ detached: true }), 0`)
	s.mu.Lock()
	asked := len(s.follows)
	s.mu.Unlock()
	p.Do(`window.test.pane.reattach()`)
	checkRows(t, p, 20)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.follows) != asked+1 || s.follows[asked] != -2 {
		t.Errorf("follows %v, want one more, of the screen, after the first %d", s.follows, asked)
	}
	p.Clean()
}

func testViewOnly(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put("look, but do not touch")
	p := s.openAs(b, s.addr(), "watch=1&name=Eve")
	p.WaitScreen(key, "look")
	s.present(2, false, viewer(2, "Ada", true), viewer(1, "Eve", false))
	p.Wait(`document.querySelector(".chip.you.watches") && document.querySelector('[data-tool="Pin the size"]').hidden`)
	p.FocusPane(key)
	p.Type("x")
	p.Press("Enter")
	paste(p, `"pasted"`)
	p.Do(`document.getElementById("frame").style.width = "500px"`)
	s.put(strings.Repeat("x", 200<<10))
	s.until("watchers acknowledge too", func() bool { return s.acked > 64<<10 })
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.typed) > 0 || len(s.asked) > 0 {
		t.Errorf("a watcher typed %q and claimed %v", s.typed, s.asked)
	}
}

func testToolKeys(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	p.Do(`window.test.pane.tools.focus()`)
	p.Wait(`document.activeElement.dataset.tool.startsWith("Find")`)
	p.Press("ArrowRight")
	p.Wait(`document.activeElement.dataset.tool === "Pin the size"`)
	p.Press("ArrowLeft")
	p.Press("ArrowLeft")
	p.Wait(`document.activeElement.title === "More"`)
	p.Press("Enter")
	p.Wait(`document.querySelector(".shell-more").matches(":popover-open")`)
	p.Press("ArrowDown")
	p.Wait(`document.activeElement.dataset.tool === "Your name…"`)
	p.Clean()
}
