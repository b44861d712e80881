package assets_test

import (
	"fmt"
	"strings"
	"testing"

	"convoy/internal/browser"
)

// TestKeyboard tests keyboards of other layouts and platforms, and input methods.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	b := browser.Shared(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser.Browser)
	}{
		{"types each key of an on-screen keyboard once", testOnScreenKeys},
		{"types each key once while the page is busy", testBusyKeys},
		{"deletes on Android", testAndroidDeletes},
		{"composes", testComposes},
		{"sends what is composed when the focus goes", testComposedBlur},
		{"keeps what is composed before a key", testComposedThenKey},
		{"does not type for viewers", testKeyboardViewOnly},
		{"types characters with Option", testOption},
		{"has Option as Meta if asked to", testOptionMeta},
		{"goes by the letter with Ctrl", testControlLetters},
		{"goes by the letter in shortcuts", testShortcutLetters},
		{"types once with screen reader support", testReaderKeys},
	} {
		t.Run(test.name, func(t *testing.T) { t.Parallel(); test.run(t, b) })
	}
}

// composed is a key that an input method handles.
func composed(name string) browser.Key { return browser.Key{Key: name, Virtual: 229} }

// down229 dispatches only the key going down, before the text is inserted.
const down229 = `document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { keyCode: 229, key: "Unidentified",
	bubbles: true, cancelable: true }))`

// ready opens the page with a focused terminal that shows a prompt.
func ready(s *script, b *browser.Browser) *browser.Page {
	s.t.Helper()
	s.put("$ ")
	p := s.open(b)
	p.WaitScreen(key, "$")
	hearKeys(p)
	p.FocusPane(key)
	return p
}

func testOnScreenKeys(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := ready(s, b)
	// both in one turn of the page's event loop
	p.Do(down229 + `, document.execCommand("insertText", false, "j"), ` + down229 +
		`, document.execCommand("insertText", false, "k")`)
	s.untilTyped("jk")
	want := "jk"
	for _, letter := range "the quick brown fox 1/2!" {
		p.PressKey(composed("Unidentified"))
		p.Type(string(letter))
		want += string(letter)
	}
	p.PressKey(composed("Unidentified"))
	p.Type("whole words at once, 漢字 🙂 ")
	p.Press("Enter")
	want += "whole words at once, 漢字 🙂 \r"
	s.untilTyped(want)
	if got := heard(p); got != want {
		t.Errorf("the page was told of %q, want %q", got, want)
	}
}

// testBusyKeys types while the page has no turn for timers, as in a flood of output.
func testBusyKeys(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := ready(s, b)
	p.Do(`(() => { for (const letter of "hello") ` + down229 + `, document.execCommand("insertText", false, letter) })()`)
	p.Press("Enter")
	s.untilTyped("hello\r")
	p.Do(`(() => { for (const letter of "a b c") ` + down229 + `, document.execCommand("insertText", false, letter) })()`)
	s.untilTyped("hello\ra b c")
}

const androidAgent = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"

// testAndroidDeletes deletes as Android's keyboards do, which never press Backspace, also where there is no text.
func testAndroidDeletes(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.openOn(b, "", func(p *browser.Page) { p.Platform("Linux armv81", androidAgent) })
	const del = `"delete"`
	insert := func(text string) string { return fmt.Sprintf(`"insertText", false, %q`, text) }
	for _, change := range []string{insert("ab"), del, del, del, insert("c "), del, insert("d")} {
		p.Do(down229 + `, document.execCommand(` + change + `)`)
	}
	s.untilTyped("ab\x7f\x7f\x7fc \x7fd")
	// a suggestion replaces a word
	p.Do(down229 + `, document.execCommand("delete")`)
	p.Type("dog ")
	s.untilTyped("ab\x7f\x7f\x7fc \x7fd\x7fdog ")
}

// openOn opens the page on the device that set makes of the tab.
func (s *script) openOn(b *browser.Browser, query string, set func(*browser.Page)) *browser.Page {
	s.t.Helper()
	return readyAgain(s, s.openAs(b, s.addr(), query, set))
}

// readyAgain waits for a page that was loaded, also again.
func readyAgain(s *script, p *browser.Page) *browser.Page {
	s.t.Helper()
	p.Wait(`window.test?.stream.state === "open"`)
	s.put("$ ")
	p.WaitScreen(key, "$")
	hearKeys(p)
	p.FocusPane(key)
	return p
}

func testComposes(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := ready(s, b)
	for _, text := range []string{"n", "に", "にほ", "にほん", "日本"} {
		p.PressKey(composed("Process"))
		p.Compose(text)
	}
	p.Wait(`document.querySelector(".composition-view.active")?.textContent === "日本"`)
	if got := s.typedSoFar(); got != "" {
		t.Errorf("%q was sent before it was final", got)
	}
	p.Type("日本")
	p.Wait(`!document.querySelector(".composition-view.active")`)
	// the next composition begins before the page has a turn
	p.Compose("a")
	p.Type("安")
	p.Compose("b")
	p.Type("全")
	p.Compose("no")
	p.Compose("")
	p.Press("Enter")
	s.untilTyped("日本安全\r")
	if got := heard(p); got != "日本安全\r" {
		t.Errorf("the page was told of %q", got)
	}
}

func testComposedBlur(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := ready(s, b)
	p.Compose("안")
	p.Type("안")
	p.Compose("녕")
	p.Click("#other")
	s.untilTyped("안녕")
	p.FocusPane(key)
	p.Compose("하")
	p.Do(`document.activeElement.blur()`)
	s.untilTyped("안녕하")
}

func testComposedThenKey(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := ready(s, b)
	p.Compose("ls")
	p.Press("ArrowLeft")
	p.Press("Ctrl+c")
	p.Type("x")
	s.untilTyped("ls\x1b[D\x03x")
	p.Compose("date")
	p.Press("Enter") // xterm.js clears the text area
	p.Type("y")
	s.untilTyped("ls\x1b[D\x03xdate\ry")
}

func testKeyboardViewOnly(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put("$ ")
	p := s.openAs(b, s.addr(), "watch=1")
	p.WaitScreen(key, "$")
	p.FocusPane(key)
	p.PressKey(composed("Unidentified"))
	p.Type("a")
	p.Compose("b")
	p.PressKey(browser.Key{Key: "c", Virtual: 13, Held: 2})
	p.Press("d")
	p.Do(down229 + `, document.activeElement.value += "e"`)
	p.Do(`window.test.pane.refreshTheme()`)
	s.put("end")
	p.WaitScreen(key, "end")
	if got := s.typedSoFar(); got != "" {
		t.Errorf("a viewer typed %q", got)
	}
}

// onMac opens the page as on a Mac.
func onMac(s *script, b *browser.Browser) *browser.Page {
	return s.openOn(b, "", func(p *browser.Page) {
		p.Platform("MacIntel", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Safari/537.36")
	})
}

// optionKeys are keys with Option of some Mac layouts.
var optionKeys = []browser.Key{
	{Key: "@", Code: "KeyL", Virtual: 'L', Text: "@", Held: 1}, // German
	{Key: "|", Code: "Digit7", Virtual: '7', Text: "|", Held: 1},
	{Key: "[", Code: "Digit5", Virtual: '5', Text: "[", Held: 1},
	{Key: "#", Code: "Digit3", Virtual: '3', Text: "#", Held: 1}, // British
	{Key: "€", Code: "KeyE", Virtual: 'E', Text: "€", Held: 1},
	{Key: "\\", Code: "Digit7", Virtual: '7', Text: "\\", Held: 9}, // German, with Shift
}

func testOption(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := onMac(s, b)
	for _, k := range optionKeys {
		p.PressKey(k)
	}
	// Option+n composes a tilde, which n completes
	p.PressKey(browser.Key{Key: "Dead", Code: "KeyN", Virtual: 229, Held: 1})
	p.Compose("˜")
	p.PressKey(composed("ñ"))
	p.Type("ñ")
	p.PressKey(browser.Key{Key: "ArrowLeft", Code: "ArrowLeft", Virtual: 37, Held: 1})
	s.untilTyped("@|[#€\\ñ\x1b[1;3D")
}

func testOptionMeta(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := onMac(s, b)
	choose := func(choice string) {
		t.Helper()
		p.Do(`document.querySelector('[data-tool="Option key…"]').click()`)
		p.Do(fmt.Sprintf(`document.querySelector("dialog select").value = %q`, choice))
		p.Click("dialog .primary")
		p.Wait(`!document.querySelector("dialog") && document.activeElement.closest(".shell")`)
	}
	alt := func(side int64) {
		code := []string{1: "AltLeft", 2: "AltRight"}[side]
		p.PressKey(browser.Key{Key: "Alt", Code: code, Virtual: 18, Held: 1, Location: side})
	}
	at := optionKeys[0]
	choose("both")
	p.PressKey(at)
	p.PressKey(browser.Key{Key: "Dead", Code: "KeyN", Virtual: 229, Held: 1})
	choose("left")
	alt(1)
	p.PressKey(at)
	alt(2)
	p.PressKey(at)
	s.untilTyped("\x1bl\x1bn\x1bl@")
	p.Reload()
	p = readyAgain(s, p)
	alt(1)
	p.PressKey(at)
	choose("off")
	p.PressKey(at)
	s.untilTyped("\x1bl\x1bn\x1bl@\x1bl@")
}

// testControlLetters presses Ctrl as iPads report it, and on other layouts.
func testControlLetters(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := ready(s, b)
	var want strings.Builder
	for letter := 'a'; letter <= 'z'; letter++ {
		p.PressKey(browser.Key{Key: string(letter), Virtual: 13, Held: 2})
		want.WriteRune(letter - 'a' + 1)
	}
	p.PressKey(browser.Key{Key: "c", Code: "KeyI", Virtual: 'C', Held: 2}) // Dvorak
	p.PressKey(browser.Key{Key: "с", Code: "KeyC", Virtual: 'C', Held: 2}) // Cyrillic
	p.PressKey(browser.Key{Key: "с", Code: "KeyC", Virtual: 13, Held: 2})  // Cyrillic, on an iPad
	p.PressKey(browser.Key{Key: "Enter", Code: "Enter", Virtual: 13, Held: 2})
	s.untilTyped(want.String() + "\x03\x03\x03\r")
}

func testShortcutLetters(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := ready(s, b)
	p.Do(`window.found = 0, window.test.pane.find = () => { window.found++ }`)
	find := browser.Key{Key: "F", Code: "KeyY", Virtual: 'F', Held: 10} // Dvorak
	p.PressKey(find)
	p.Wait(`window.found === 1`)
	find.Code, find.Virtual, find.Key = "KeyF", 'F', "А" // Cyrillic
	p.PressKey(find)
	p.Wait(`window.found === 2`)
	find.Key, find.Virtual = "U", 'U' // Dvorak's U, at the place of F
	p.PressKey(find)
	p.PressKey(browser.Key{Key: "Ć", Code: "KeyC", Virtual: 'C', Text: "Ć", Held: 11}) // Polish
	s.untilTyped("Ć")
	p.Wait(`window.found === 2`)
	copying := func(k browser.Key) {
		t.Helper()
		p.Do(`navigator.clipboard.writeText = async (text) => { window.copied = text }, window.copied = ""`)
		p.Do(`window.getSelection().removeAllRanges()`)
		p.PressKey(k)
		p.Wait(`window.copied.startsWith("$")`)
	}
	p.Do(`((e) => { for (const type of ["mousedown", "mouseup"]) e.dispatchEvent(new MouseEvent(type, { bubbles: true, detail: 3,
		clientX: 12, clientY: 12, buttons: 1 })) })(document.querySelector(".xterm-screen"))`)
	copying(browser.Key{Key: "C", Code: "KeyI", Virtual: 'C', Held: 10}) // Dvorak
	copying(browser.Key{Key: "С", Code: "KeyC", Virtual: 'C', Held: 10}) // Cyrillic
}

// testReaderKeys types with screen reader support, where the browser also changes the text area.
func testReaderKeys(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.openOn(b, "", func(p *browser.Page) { p.BeforeLoad(`localStorage.setItem("convoy.reader", "on")`) })
	for _, letter := range "ls" {
		p.PressKey(composed("Unidentified"))
		p.Type(string(letter))
	}
	p.Press("a")
	p.PressKey(browser.Key{Key: "B", Code: "KeyB", Virtual: 'B', Text: "B", Held: 8})
	p.Press("Backspace")
	p.PressKey(composed("Unidentified"))
	p.Type("c")
	p.Press("Enter")
	p.Compose("漢")
	p.Type("漢")
	p.Press("Ctrl+c")
	p.Type("j")
	s.untilTyped("lsaB\x7fc\r漢\x03j")
}
