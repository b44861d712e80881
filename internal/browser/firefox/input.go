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
	p.show()
	p.call("input.performActions", values{"actions": []values{device}}, nil)
}

// middle returns the middle of an element, which is scrolled into view, once it has been there for two frames.
func (p *Page) middle(selector string) (x, y int) {
	p.t.Helper()
	p.show()
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
	// the window's events overtake the protocol's
	p.Do(`void (window.composed = new Promise((done) => {
		addEventListener("compositionend", () => setTimeout(done), { capture: true, once: true });
	}))`)
	list, err := json.Marshal(texts)
	testkit.Must(p.t, err)
	p.native(fmt.Sprintf(`
		const key = new KeyboardEvent("", { key: "Process", keyCode: KeyboardEvent.DOM_VK_PROCESSKEY });
		for (const text of %s) {
			tip.setPendingCompositionString(text);
			tip.appendClauseToPendingComposition(text.length, tip.ATTR_RAW_CLAUSE);
			tip.setCaretInPendingComposition(text.length);
			tip.flushPendingComposition(key);
			tip.keyup(key);
		}
		tip.commitComposition();`, list))
	p.Do(`window.composed`)
}

// PressAltGr presses a key while AltGr is held: key is what it types, code its place, as in KeyboardEvent.
func (p *Page) PressAltGr(key, code string) {
	p.t.Helper()
	const released = `new Promise((done) => addEventListener("keyup", () => setTimeout(done), { once: true }))`
	p.Do(`void (window.pressed = ` + released + `)`)
	p.native(fmt.Sprintf(`
		const keys = [{ key: "AltGraph", code: "AltRight" }, { key: %q, code: %q }];
		const events = keys.map((key) => new KeyboardEvent("", key));
		for (const event of events) tip.keydown(event);
		for (const event of events.reverse()) tip.keyup(event);`, key, code))
	p.Do(`window.pressed`)
}

// native runs statements with tip, a nsITextInputProcessor, which gives the tab in front what a keyboard's driver does.
// The protocol has nothing for it.
func (p *Page) native(script string) {
	p.t.Helper()
	p.show()
	p.b.inWindow(p.t, `
		const tip = Cc["@mozilla.org/text-input-processor;1"].createInstance(Ci.nsITextInputProcessor);
		if (!tip.beginInputTransactionForTests(window)) throw new Error("no input method");`+script)
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
