package browser

import (
	"fmt"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
)

// Compose makes text what an input method composes at the focus. Type ends it with the final text.
func (p *Page) Compose(text string) {
	p.t.Helper()
	end := int64(len([]rune(text)))
	call(p, input.ImeSetComposition, input.ImeSetCompositionParams{Text: text, SelectionStart: end, SelectionEnd: end})
}

// Platform makes the page believe that it is on another platform, as navigator.platform and the user agent name it. It
// holds from the next load.
func (p *Page) Platform(platform, agent string) {
	p.t.Helper()
	call(p, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, Platform: platform})
}

// middle scrolls the first element that matches a CSS selector into view, and returns its middle, or that of its first
// line, once it has been at one place for two frames: a click goes to a place, and misses what moves. Without scripts
// nothing moves, and there are no frames.
func (p *Page) middle(selector string) (x, y float64) {
	p.t.Helper()
	at := Eval[[]float64](p, fmt.Sprintf(`new Promise((rested) => {
		let before = "";
		const look = () => {
			const e = document.querySelector(%q);
			e?.scrollIntoViewIfNeeded();
			const [first] = e?.getClientRects() ?? [];
			const now = first?.width ? JSON.stringify(first) : "";
			if (now && (%t || now === before)) return rested([first.x + first.width / 2, first.y + first.height / 2]);
			before = now;
			requestAnimationFrame(look);
		};
		look();
	})`, selector, p.noScripts))
	return at[0], at[1]
}

// Swipe moves a finger from the middle of an element by dy pixels, within 80 ms by the events' times. A finger that
// rests before it leaves gives no momentum.
func (p *Page) Swipe(selector string, dy float64, rests bool) {
	p.t.Helper()
	x, y := p.middle(selector)
	now := float64(time.Now().UnixMicro()) / 1e6 // s
	touch := func(kind input.DispatchTouchEventType, points ...*input.TouchPoint) {
		call(p, input.DispatchTouchEvent, input.DispatchTouchEventParams{
			Type: kind, TouchPoints: append([]*input.TouchPoint{}, points...), Timestamp: input.TimeSinceEpoch(now),
		})
	}
	touch(input.DispatchTouchEventTypeTouchStart, &input.TouchPoint{X: x, Y: y})
	const steps = 10
	for range steps {
		y += dy / steps
		now += 0.008
		touch(input.DispatchTouchEventTypeTouchMove, &input.TouchPoint{X: x, Y: y})
	}
	if rests {
		now += 0.15
	}
	touch(input.DispatchTouchEventTypeTouchEnd)
}

// ClickMiddle clicks an element with the middle mouse button, with modifiers as in Key.
func (p *Page) ClickMiddle(selector string, held int64) {
	p.t.Helper()
	x, y := p.middle(selector)
	for _, kind := range []input.DispatchMouseEventType{
		input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMousePressed,
		input.DispatchMouseEventTypeMouseReleased,
	} {
		call(p, input.DispatchMouseEvent, input.DispatchMouseEventParams{
			Type: kind, X: x, Y: y, Button: input.MouseButtonMiddle, Modifiers: held, ClickCount: 1,
		})
	}
}

// DragEdge drags what is at the upper edge of an element by dy pixels, downwards if positive.
func (p *Page) DragEdge(selector string, dy float64) {
	p.t.Helper()
	at := Eval[[]float64](p, fmt.Sprintf(
		`(({ x, y, width }) => [x + width / 2, y])(document.querySelector(%q).getBoundingClientRect())`, selector))
	for i, kind := range []input.DispatchMouseEventType{
		input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMousePressed,
		input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMouseReleased,
	} {
		y := at[1]
		if i > 1 {
			y += dy
		}
		call(p, input.DispatchMouseEvent, input.DispatchMouseEventParams{
			Type: kind, X: at[0], Y: y, Button: input.MouseButtonLeft, ClickCount: 1,
		})
	}
}
