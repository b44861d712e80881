package firefox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// keys are the protocol's names of the keys that type nothing.
var keys = map[string]string{
	"Backspace": "\ue003", "Tab": "\ue004", "Enter": "\ue006", "Shift": "\ue008", "Ctrl": "\ue009", "Alt": "\ue00a",
	"Escape": "\ue00c", "PageUp": "\ue00e", "PageDown": "\ue00f", "End": "\ue010", "Home": "\ue011",
	"ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015", "Delete": "\ue017",
}

// Press presses and releases a key with its modifiers, such as "Enter", "Ctrl+c" or "Shift+Escape".
func (p *Page) Press(chord string) {
	p.t.Helper()
	var actions []values
	parts := strings.Split(chord, "+")
	for i, name := range parts {
		if special, ok := keys[name]; ok {
			parts[i] = special
		}
		actions = append(actions, values{"type": "keyDown", "value": parts[i]})
	}
	for _, name := range slices.Backward(parts) {
		actions = append(actions, values{"type": "keyUp", "value": name})
	}
	p.act(values{"type": "key", "id": "keys", "actions": actions})
}

// Type presses the key of each character, on a keyboard that has it.
func (p *Page) Type(text string) {
	p.t.Helper()
	var actions []values
	for _, r := range text {
		actions = append(actions, values{"type": "keyDown", "value": string(r)}, values{"type": "keyUp", "value": string(r)})
	}
	p.act(values{"type": "key", "id": "keys", "actions": actions})
}

// Click clicks on the first element that matches a CSS selector; button 0 is the left one, 1 the middle one. It waits
// until the element rests.
func (p *Page) Click(selector string, button int) {
	p.t.Helper()
	x, y := p.middle(selector)
	p.act(values{"type": "pointer", "id": "mouse", "actions": []values{
		{"type": "pointerMove", "x": x, "y": y},
		{"type": "pointerDown", "button": button},
		{"type": "pointerUp", "button": button},
	}})
}

// Wheel turns the wheel over an element by dy pixels; down is positive.
func (p *Page) Wheel(selector string, dy int) {
	p.t.Helper()
	x, y := p.middle(selector)
	p.act(values{"type": "wheel", "id": "wheel", "actions": []values{
		{"type": "scroll", "x": x, "y": y, "deltaX": 0, "deltaY": dy},
	}})
}

// act performs the actions of one device in the tab, in front of the others.
func (p *Page) act(device values) {
	p.t.Helper()
	p.Show()
	p.call("input.performActions", values{"actions": []values{device}}, nil)
}

// middle returns the middle of an element, which is scrolled into view, once it has been there for two frames.
func (p *Page) middle(selector string) (x, y int) {
	p.t.Helper()
	p.Show()
	at := Eval[[]int](p, fmt.Sprintf(`new Promise((rested) => {
		let before = "";
		const look = () => {
			const element = document.querySelector(%q);
			element?.scrollIntoView({ block: "nearest" });
			const { x, y, width, height } = element?.getBoundingClientRect() ?? {};
			const now = width ? JSON.stringify([x + width / 2, y + height / 2].map(Math.floor)) : "";
			if (now && now === before) return rested(JSON.parse(now));
			before = now;
			requestAnimationFrame(look);
		};
		look();
	})`, selector))
	return at[0], at[1]
}

// Compose has an input method compose each text at the focus, one key after the other, and commit the last one. A dead
// key does the same.
func (p *Page) Compose(texts ...string) {
	p.t.Helper()
	list, err := json.Marshal(texts)
	testkit.Must(p.t, err)
	p.nativeUntil("compositionend", fmt.Sprintf(`
		const key = new KeyboardEvent("", { key: "Process", keyCode: KeyboardEvent.DOM_VK_PROCESSKEY });
		for (const text of %s) {
			compose(text, key);
			tip.keyup(key);
		}
		tip.commitComposition();`, list))
}

// PressAltGr presses a key while AltGr is held: key is what it types, code its place, as in KeyboardEvent.
func (p *Page) PressAltGr(key, code string) {
	p.t.Helper()
	p.nativeUntil("keyup", fmt.Sprintf(`
		const keys = [new KeyboardEvent("", { key: "AltGraph", code: "AltRight" }), press(%q, %q)];
		for (const key of keys) tip.keydown(key);
		for (const key of keys.reverse()) tip.keyup(key);`, key, code))
}

// PressOption presses a key while Option of a Mac is held, as PressAltGr does. Only keydown has the modifier there.
func (p *Page) PressOption(key, code string) {
	p.t.Helper()
	p.holdOption()
	p.nativeUntil("keyup", fmt.Sprintf(`
		const key = press(%q, %q);
		tip.keydown(key);
		tip.keyup(key);`, key, code))
}

// PressDead presses a dead key with Option, which shows accent, and then the key at its place, which makes it text.
func (p *Page) PressDead(code, accent, text string) {
	p.t.Helper()
	p.holdOption()
	p.nativeUntil("compositionend", fmt.Sprintf(`
		const dead = press("Dead", %[1]q);
		compose(%[2]q, dead, tip.KEY_DONT_MARK_KEYDOWN_AS_PROCESSED);
		tip.keyup(dead);
		tip.commitCompositionWith(%[3]q, press(%[1]q.at(-1).toLowerCase(), %[1]q));`, code, accent, text))
}

// holdOption holds Option for the next key.
func (p *Page) holdOption() {
	p.t.Helper()
	p.Do(`addEventListener("keydown", (e) => Object.defineProperty(e, "altKey", { value: true }),
		{ capture: true, once: true })`)
}

// nativeUntil runs native statements, and waits for the last event that they cause: the window's events overtake the
// protocol's.
func (p *Page) nativeUntil(event, script string) {
	p.t.Helper()
	p.Do(fmt.Sprintf(`void (window.caused = new Promise((done) => {
		addEventListener(%q, () => setTimeout(done), { capture: true, once: true });
	}))`, event))
	p.native(script)
	p.Do(`window.caused`)
}

// native runs statements with tip, a nsITextInputProcessor, which gives the tab in front what a keyboard's driver does.
// The protocol has nothing for it.
func (p *Page) native(script string) {
	p.t.Helper()
	p.Show()
	p.b.inWindow(p.t, `
		const tip = Cc["@mozilla.org/text-input-processor;1"].createInstance(Ci.nsITextInputProcessor);
		if (!tip.beginInputTransactionForTests(window)) throw new Error("no input method");
		const press = (key, code) => new KeyboardEvent("", { key, code, keyCode: code.charCodeAt(code.length - 1) });
		const compose = (text, key, flags = 0) => {
			tip.setPendingCompositionString(text);
			tip.appendClauseToPendingComposition(text.length, tip.ATTR_RAW_CLAUSE);
			tip.setCaretInPendingComposition(text.length);
			tip.flushPendingComposition(key, flags);
		};`+script)
}

// inWindow runs statements in the browser's window, outside of pages.
func (b *Browser) inWindow(t testing.TB, script string) {
	t.Helper()
	var tree struct{ Contexts []struct{ Context string } }
	b.call(t, "browsingContext.getTree", values{"moz:scope": "chrome"}, &tree)
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	_, err := b.evaluate(ctx, tree.Contexts[0].Context, "(() => {"+script+"})()")
	if err != nil {
		t.Fatalf("firefox: in the window: %v", err)
	}
}
