package assets_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"convoy/assets"
	"convoy/internal/browser"
)

// hearKeys records the reported input as one text; heard returns it.
func hearKeys(p *browser.Page) {
	p.Do(`window.heard = "", document.addEventListener("shell-typed", e => { window.heard += e.detail.text })`)
}

func heard(p *browser.Page) string { return browser.Eval[string](p, `window.heard`) }

// testReportsKeys types, and makes the terminal send everything else that it can: only typed input is reported.
func testReportsKeys(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put("$ ")
	p := s.open(b)
	p.WaitScreen(key, "$")
	hearKeys(p)
	p.FocusPane(key)
	p.Press("a")
	p.Type("ü") // like an input method
	p.Press("Ctrl+c")
	p.Press("ArrowUp")
	p.Press("Enter")
	const typed = "aü\x03\x1b[A\r"
	s.untilTyped(typed)

	// The mouse in each encoding, the wheel, which makes cursor keys, the focus, and the program's queries.
	s.put("\x1b[?1000h")
	p.WaitScreen(key, "$")
	click := func(modes, then string) {
		t.Helper()
		s.put(modes + then)
		p.WaitScreen(key, then)
		before := len(s.typedSoFar())
		p.Click(".xterm-screen")
		s.until("the mouse is reported", func() bool { return len(s.typed) > before })
	}
	click("\x1b[?1000h", "bytes")
	click("\x1b[?1006h", "text")
	s.put("\x1b[?1000l\x1b[?1006l\x1b[?1049h\x1b[H full")
	p.WaitScreen(key, "full")
	before := len(s.typedSoFar())
	p.Do(
		`document.querySelector(".xterm-screen").dispatchEvent(new WheelEvent("wheel", { deltaY: -400, bubbles: true, ` +
			`cancelable: true }))`,
	)
	s.until("the wheel is reported", func() bool { return strings.Contains(string(s.typed[before:]), "\x1b[A") })
	s.put("\x1b[?1004h focus")
	p.WaitScreen(key, "focus")
	before = len(s.typedSoFar())
	p.Do(`document.getElementById("other").focus()`)
	p.FocusPane(key)
	s.until("the focus is reported", func() bool { return strings.HasSuffix(string(s.typed[before:]), "\x1b[O\x1b[I") })
	s.put("\x1b[?1004l" + questions + "\x1b[?1004l answered")
	p.WaitScreen(key, "answered")
	p.Press("z")
	s.until("the last key", func() bool { return strings.HasSuffix(string(s.typed), "z") })
	if got := heard(p); got != typed+"z" {
		t.Errorf("the page was told of %q, want %q", got, typed+"z")
	}
	p.Clean()
}

// testReportsComposed composes characters like input methods: xterm.js sends them after the event.
func testReportsComposed(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	hearKeys(p)
	p.FocusPane(key)
	p.Do(
		`{ const area = document.activeElement, say = (name, data) => area.dispatchEvent(new CompositionEvent(name, { data,
			bubbles: true }));
		say("compositionstart", ""); say("compositionupdate", "漢"); area.value += "漢"; say("compositionend", "漢") }`,
	)
	s.untilTyped("漢")
	p.Do(
		`document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { keyCode: 229, bubbles: true })), ` +
			`document.activeElement.value += "字"`,
	)
	s.untilTyped("漢字")
	p.Wait(`window.heard === "漢字"`)
}

// testTypesElsewhere types what another terminal has sent: cursor keys are sent as this shell's program expects them.
func testTypesElsewhere(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put("$ ")
	p := s.open(b)
	p.WaitScreen(key, "$")
	hearKeys(p)
	for _, text := range []string{"a", `\x1bOA`, `\x1b[H`, `\x1b[1;5C`, `\x1bOP`} {
		p.Do(`window.test.pane.relay.type("` + text + `")`)
	}
	s.put("\x1b[?1h app")
	p.WaitScreen(key, "app")
	for _, text := range []string{`\x1bOA`, `\x1b[F`, `\x1b[1;5C`, `\x03`} {
		p.Do(`window.test.pane.relay.type("` + text + `")`)
	}
	s.untilTyped("a\x1b[A\x1b[H\x1b[1;5C\x1bOP" + "\x1bOA\x1bOF\x1b[1;5C\x03")
	if got := heard(p); got != "" {
		t.Errorf("input from another pane is reported as typed here: %q", got)
	}
	s.mark("exit", map[string]any{"code": 0, "signal": ""})
	p.Wait(`!window.test.pane.takes`)
	p.Do(`window.test.pane.relay.type("late"), window.test.pane.paste.put("late")`)
	p.Clean()
}

// testSince reads the text below a mark: wrapped lines are joined, and erased or scrolled rows are missing.
func testSince(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.mark("size", map[string]any{"rows": 10, "cols": 20})
	s.put("before\r\n$ ")
	p := s.open(b)
	p.Wait(`window.test.pane.size.cols === 20`)
	p.WaitScreen(key, "$")
	mark := func() { p.Do(`window.mark = window.test.pane.relay.mark()`) }
	since := func(put, shows, want string) {
		t.Helper()
		s.put(put)
		p.Wait(fmt.Sprintf(`window.test.pane.drawn === %d`, s.end()))
		p.WaitScreen(key, shows)
		if got := browser.Eval[string](p, `JSON.stringify(window.test.pane.relay.since(window.mark))`); got != want {
			t.Errorf("after %q: %s, want %s", put, got, want)
		}
	}
	mark()
	// the echo came after the mark
	since(
		"a command that is longer than a row\r\n"+strings.Repeat("0123456789", 5)+"\r\n\r\nend  \r\n$ ",
		"end",
		`{"entered":"$ a command that is longer than a row","rows":["`+strings.Repeat(
			"0123456789", 5,
		)+`","","end  "],"last":"$ "}`,
	)
	mark()
	since("x\r\nno end$ ", "no end$", `{"entered":"$ x","rows":[],"last":"no end$ "}`)
	since(strings.Repeat("漢", 15), "漢", `{"entered":"$ x","rows":[],"last":"no end$ `+strings.Repeat("漢", 15)+`"}`)
	mark()
	since("clear\x1b[H\x1b[2J\x1b[3Jnew\r\n$ ", "new", `{"entered":"","rows":["new"],"last":"$ "}`)
	mark()
	since("\x1b[?1049hfull", "full", `null`)
	since("\x1b[?1049l\r\n$ ", "new", `{"entered":"$ ","rows":[],"last":"$ "}`)
	mark()
	s.mark("size", map[string]any{"rows": 10, "cols": 40})
	p.Wait(`window.test.pane.size.cols === 40`)
	since(
		"go\r\n"+strings.Repeat("row\r\n", 30)+"$ ", "row",
		`{"entered":"$ go","rows":[`+strings.TrimSuffix(strings.Repeat(`"row",`, 30), ",")+`],"last":"$ "}`,
	)
}

// outputTests are rows below a typed line, and the output in them.
var outputTests = []struct {
	about, seen, want string
}{
	{"prompt", `{ entered: "web $ ls", rows: ["a  ", "b"], last: "web $ " }`, "a\nb"},
	{"prompt after output without a newline", `{ entered: "web $ curl x", rows: [], last: '{"v": 1}web $ ' }`,
		`{"v": 1}`},
	{"another prompt", `{ entered: "~ $ cd /usr", rows: [], last: "/usr $ " }`, ""},
	{"a question", `{ entered: "$ rm x", rows: ["x is precious"], last: "Remove it? " }`, "x is precious"},
	{"next input", `{ entered: "$ a", rows: ["1"], last: "$ nex" }`, "1"},
	{"empty lines", `{ entered: "$ a", rows: ["", "1", "", " "], last: "$ " }`, "\n1"},
	{"unknown prompt", `{ entered: "", rows: ["1"], last: "$ " }`, "1"},
}

// compareTests are outputs of several nodes, and their comparison.
var compareTests = []struct {
	about, texts, words, odd string // texts are those of the nodes web, db and web-2
}{
	{"equal", `["1", "1", "1"]`, "the same on 3", ""},
	{"all empty", `["", "", ""]`, "the same on 3", ""},
	{"one is odd", `["1", "2", "1"]`, "2 agree, 1 differs", "db"},
	{"the first is odd", `["2", "1", "1"]`, "2 agree, 1 differs", "web"},
	{"all differ", `["1", "2", "3"]`, "all 3 differ", "web db web-2"},
	{"two differ", `["1", "2"]`, "the two differ", "web db"},
	{"two and two", `["1", "2", "1", "2"]`, "2 and 2 differ", "web web-2 db x"},
	{"two are odd", `["1", "2", "1", "3", "1"]`, "3 agree, 2 differ", "db x"},
	{"only one", `["1"]`, "", ""},
	{"none", `[]`, "", ""},
	{"own names", `["I am web, convoy@web.net at web.net", "I am db, convoy@db.net at db.net", "I am web-2, ` +
		`convoy@web-2.net at web-2.net"]`, "the same on 3", ""},
	{"own names within words", `["website", "dbsite", "website"]`, "2 agree, 1 differs", "db"},
	{"a name that is a word", `["the web 1", "the web 1", "the web 1"]`, "the same on 3", ""},
	{"a name that is a word, and a name", `["web: the web 1", "db: the web 1", "web-2: the web 1"]`, "the same on 3", ""},
	{"another node's name", `["leader db", "leader db", "leader web"]`, "2 agree, 1 differs", "web-2"},
	{"special characters", `["a.*\\b $& web", "a.*\\b $& db", "a.*\\b $& web-2"]`, "the same on 3", ""},
}

// TestCompare compares outputs in a browser, without a terminal.
func TestCompare(t *testing.T) {
	t.Parallel()
	b := browser.Shared(t)
	s := newScript(t)
	p := s.open(b)
	run := func(expression string) string {
		return browser.Eval[string](
			p, fmt.Sprintf(`import(%q).then(m => JSON.stringify(%s))`, assets.URL("js/compare.js"), expression),
		)
	}
	for _, test := range outputTests {
		var got string
		if err := json.Unmarshal([]byte(run(fmt.Sprintf(`m.outputOf(%s)`, test.seen))), &got); err != nil ||
			got != test.want {
			t.Errorf("%s: output %q, %v; want %q", test.about, got, err, test.want)
		}
	}
	for _, test := range compareTests {
		got := run(fmt.Sprintf(`m.compare(%s.map((text, i) => {
			const who = ["web", "db", "web-2", "x", "y"][i];
			return { who, text, names: ["convoy@" + who + ".net", who + ".net", who] };
		}))`, test.texts))
		var said struct {
			Words string
			Odd   []string
		}
		if err := json.Unmarshal([]byte(got), &said); err != nil || said.Words != test.words ||
			strings.Join(said.Odd, " ") != test.odd {
			t.Errorf("%s: %s, want %q with %q", test.about, got, test.words, test.odd)
		}
	}
}
