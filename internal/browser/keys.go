package browser

import (
	"context"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// modifiers are the bits of the keys that are held.
var modifiers = map[string]int64{"Alt": 1, "Ctrl": 2, "Meta": 4, "Shift": 8}

// key is what a key of a keyboard sends: its code, its Windows virtual key code
// and the text that it types.
type key struct {
	code    string
	virtual int64
	text    string
}

// keys are the keys without a letter. Their codes are real ones: a wrong code
// makes the browser press another key.
var keys = map[string]key{
	"Enter":      {"Enter", 13, "\r"},
	"Escape":     {"Escape", 27, ""},
	"Tab":        {"Tab", 9, ""},
	"Backspace":  {"Backspace", 8, ""},
	"Delete":     {"Delete", 46, ""},
	"ArrowLeft":  {"ArrowLeft", 37, ""},
	"ArrowUp":    {"ArrowUp", 38, ""},
	"ArrowRight": {"ArrowRight", 39, ""},
	"ArrowDown":  {"ArrowDown", 40, ""},
	"Home":       {"Home", 36, ""},
	"End":        {"End", 35, ""},
	"PageUp":     {"PageUp", 33, ""},
	"PageDown":   {"PageDown", 34, ""},
	"?":          {"Slash", 191, "?"},
	"|":          {"Backslash", 220, "|"},
	"-":          {"Minus", 189, "-"},
	"F1":         {"F1", 112, ""},
	"F2":         {"F2", 113, ""},
	" ":          {"Space", 32, " "},
}

// Press presses and releases a key with its modifiers, such as "Enter",
// "Ctrl+c" or "Shift+Escape". Letters and digits are keys, too.
func (p *Page) Press(chord string) {
	p.t.Helper()
	parts := strings.Split(chord, "+")
	name := parts[len(parts)-1]
	var held int64
	for _, part := range parts[:len(parts)-1] {
		bit, ok := modifiers[part]
		if !ok {
			p.t.Fatalf("browser: no modifier %q", part)
		}
		held |= bit
	}
	k, ok := keyOf(name)
	if !ok {
		p.t.Fatalf("browser: no key %q", name)
	}
	text := k.text
	if held&^modifiers["Shift"] != 0 {
		text = "" // a chord types nothing
	}
	p.PressKey(Key{Key: name, Code: k.code, Virtual: k.virtual, Text: text, Held: held})
}

// Key is a key as a browser sees it: of any layout, platform or input method.
type Key struct {
	Key, Code string // as in KeyboardEvent
	Virtual   int64  // its keyCode
	Text      string // what it types, if anything
	Held      int64  // modifiers: Alt, Ctrl, Meta and Shift are 1, 2, 4 and 8
	Location  int64  // 1: left, 2: right
}

// PressKey presses and releases a key.
func (p *Page) PressKey(k Key) {
	p.t.Helper()
	down := input.DispatchKeyEventParams{
		Type:                  input.DispatchKeyEventTypeKeyDown,
		Modifiers:             k.Held,
		Key:                   k.Key,
		Code:                  k.Code,
		Text:                  k.Text,
		WindowsVirtualKeyCode: k.Virtual,
		NativeVirtualKeyCode:  k.Virtual,
		Location:              k.Location,
	}
	if down.Text == "" {
		down.Type = input.DispatchKeyEventTypeRawKeyDown
	}
	up := down
	up.Type, up.Text = input.DispatchKeyEventTypeKeyUp, ""
	call(p, input.DispatchKeyEvent, down)
	call(p, input.DispatchKeyEvent, up)
}

// keyOf finds a key by its name.
func keyOf(name string) (key, bool) {
	if k, ok := keys[name]; ok {
		return k, true
	}
	if len(name) != 1 {
		return key{}, false
	}
	upper := strings.ToUpper(name)
	switch c := upper[0]; {
	case c >= 'A' && c <= 'Z':
		return key{"Key" + upper, int64(c), name}, true
	case c >= '0' && c <= '9':
		return key{"Digit" + upper, int64(c), name}, true
	}
	return key{}, false
}

// call runs one protocol command within the deadline and returns its result.
func call[P, R any](p *Page, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, deadline)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		p.t.Fatalf("browser: command %T: %v", params, err)
	}
	return result
}
