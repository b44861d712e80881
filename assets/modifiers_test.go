package assets_test

import (
	"fmt"
	"strings"
	"testing"

	"convoy/internal/browser"
)

// Modifiers of a browser.Key.
const (
	heldAlt   = 1
	heldCtrl  = 2
	heldShift = 8
)

// TestModifiers tests keys with Ctrl, Alt and Shift where a browser's keyCode is another key's, and where one modifier
// is held on the row of touch keys and another on a keyboard.
func TestModifiers(t *testing.T) {
	t.Parallel()
	b := browser.Shared(t)
	t.Run("go by the key, not its code", func(t *testing.T) { t.Parallel(); testOddCodes(t, b) })
	t.Run("come from the row and a keyboard", func(t *testing.T) { t.Parallel(); testBothModifiers(t, b) })
	t.Run("hold for the keys of the row", func(t *testing.T) { t.Parallel(); testRowModifiers(t, b) })
}

func testOddCodes(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := ready(s, b)
	want := ""
	for _, test := range []struct {
		held      int64
		key, want string
	}{
		{heldCtrl, "c", "\x03"}, {heldCtrl, "с", "\x03"}, // the second is Cyrillic
		{heldCtrl | heldAlt, "c", "\x1b\x03"}, {heldCtrl | heldAlt, "[", "\x1b\x1b"}, {heldCtrl | heldAlt, "ć", "ć"},
		{heldAlt, "c", "\x1bc"}, {heldAlt | heldShift, "C", "\x1bC"}, {heldAlt, ".", "\x1b."}, {heldAlt, "5", "\x1b5"},
		{heldCtrl, " ", "\x00"}, {heldCtrl, "/", "\x1f"}, {heldCtrl, "\\", "\x1c"}, {heldCtrl, "6", "\x1e"},
		{heldCtrl | heldShift, "_", "\x1f"}, {heldCtrl | heldShift, "^", "\x1e"},
	} {
		for _, code := range []int64{13, 8, 0, 229} {
			p.PressKey(browser.Key{Key: test.key, Code: "KeyC", Virtual: code, Held: test.held})
			want += test.want
		}
	}
	p.PressKey(browser.Key{Key: "/", Code: "Slash", Virtual: 191, Held: heldCtrl}) // xterm.js has no code for it
	p.PressKey(browser.Key{Key: "'", Code: "KeyQ", Virtual: 222, Held: heldCtrl})  // Dvorak
	p.PressKey(browser.Key{Key: "-", Code: "Minus", Virtual: 189, Held: heldCtrl}) // the browser's zoom
	p.PressKey(browser.Key{Key: "Enter", Code: "Enter", Virtual: 13, Held: heldAlt})
	s.untilTyped(want + "\x1f\x1b\r")
}

func testBothModifiers(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := touchPage(s, b, "")
	want := ""
	for _, test := range []struct{ row, keys, want string }{
		{"Ctrl", "Shift+ArrowLeft", "\x1b[1;6D"}, {"Alt", "Shift+ArrowUp", "\x1b[1;4A"},
		{"Alt", "Ctrl+ArrowRight", "\x1b[1;7C"}, {"Ctrl", "Ctrl+ArrowRight", "\x1b[1;5C"},
		{"Ctrl Alt", "Shift+ArrowDown", "\x1b[1;8B"}, {"Ctrl", "Alt+Delete", "\x1b[3;7~"},
		{"Alt", "Shift+F2", "\x1b[1;4Q"}, {"Ctrl", "Shift+Home", "\x1b[1;6H"}, {"Ctrl", "F1", "\x1b[1;5P"},
		{"Ctrl", "Alt+c", "\x1b\x03"}, {"Alt", "Alt+c", "\x1bc"}, {"Alt", "Ctrl+c", "\x1b\x03"}, {"Ctrl", "Ctrl+c", "\x03"},
		{"Ctrl", "Shift+Tab", "\x1b[Z"}, {"Alt", "Escape", "\x1b\x1b"}, {"Ctrl", "Alt+Backspace", "\x1b\b"},
	} {
		tapKeys(p, strings.Fields(test.row)...)
		p.Press(test.keys)
		want += test.want
		s.untilTyped(want)
		if held := browser.Eval[int](p, `document.querySelectorAll(".shell-keys [aria-pressed=true]").length`); held != 0 {
			t.Errorf("after %s %s, %d keys are held", test.row, test.keys, held)
		}
	}
}

// testRowModifiers taps keys of the row while a modifier is held on a keyboard.
func testRowModifiers(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := touchPage(s, b, "")
	want := ""
	for _, test := range []struct{ row, held, taps, want string }{
		{"", "shiftKey", "Left", "\x1b[1;2D"}, {"Ctrl", "shiftKey", "Right", "\x1b[1;6C"}, {"", "ctrlKey", "Up", "\x1b[1;5A"},
		{"Alt", "ctrlKey", "PageUp", "\x1b[5;7~"}, {"", "altKey", "Pipe", "\x1b|"}, {"", "shiftKey", "Tab", "\x1b[Z"},
	} {
		tapKeys(p, strings.Fields(test.row)...)
		p.Do(fmt.Sprintf(`document.querySelector(".shell-keys [aria-label=%s]").dispatchEvent(
			new MouseEvent("click", { bubbles: true, %s: true }))`, test.taps, test.held))
		want += test.want
		s.untilTyped(want)
	}
}
