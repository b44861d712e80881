package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"convoy/internal/browser"
)

// looks checks what can be measured of a page: nothing scrolls sideways, no text is cut off without a mark, and on a
// phone a finger can touch each control.
func looks(t *testing.T, p *browser.Page, what string) {
	t.Helper()
	check := func(where string, checks ...string) {
		t.Helper()
		for _, check := range checks {
			if found := browser.Eval[string](p, `(`+check+`)(`+top+`)`); found != "" {
				t.Errorf("%s, %s: %s", what, where, found)
			}
		}
	}
	check("on a desktop", wide, cut, shortened)
	p.Touch(390, 844)
	p.Wait(`matchMedia("(pointer: coarse)").matches && document.getAnimations().every((a) =>
		a.playState === "finished" || a.effect.getComputedTiming().endTime === Infinity)`) // quick answers are armed
	check("on a phone", wide, cut, small)
	p.Resize(1440, 900)
}

// top is the element that takes the input: a dialog, a menu, an enlarged card, or the page.
const top = `document.querySelector("dialog[open]") ?? document.querySelector(":popover-open") ??
	document.querySelector("[data-ui-large]") ?? document.body`

// wide are elements that scroll sideways, but for those that show what has its own width.
const wide = `(top) => [document.documentElement, ...top.querySelectorAll("*")].filter((e) =>
	e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(e).overflowX) && e.checkVisibility() &&
	!e.closest(".tabs, .shell-keys, .shell-screen, .player-screen, .frame, .wide, pre, .xterm, input")
).map((e) => "scrolls sideways: " + e.outerHTML.slice(0, 90)).join("\n")`

// cut are texts that are cut off without an ellipsis, and words that stand out of their button.
const cut = `(top) => {
	const found = [];
	for (const e of top.querySelectorAll("*")) {
		if (!e.checkVisibility() || e.closest(".sr, .skip, .tabs, .shell-keys, .xterm, pre, svg")) continue;
		const text = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent.trim());
		if (!text && !e.matches(".button")) continue;
		if (e.scrollWidth <= e.clientWidth + 1 || !e.clientWidth) continue;
		const { textOverflow, clipPath } = getComputedStyle(e);
		if (textOverflow === "ellipsis" || clipPath !== "none" || e.matches("select")) continue;
		found.push("cut off: " + e.outerHTML.slice(0, 90));
	}
	return found.join("\n");
}`

// shortened are names of nodes that end in an ellipsis, though they are short.
const shortened = `(top) => [...top.querySelectorAll(".name")].filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth)
	.map((e) => "shortened: " + e.outerHTML.slice(0, 90)).join("\n")`

// small are controls of which less than 44 px can be touched. Links in a text may be as high as it.
const small = `(top) => {
	const found = [];
	const at = [scrollX, scrollY];
	for (const e of top.querySelectorAll("button, a, input, select, summary, [role=tab]")) {
		const area = e.closest("label") ?? e;
		if (!e.checkVisibility({ visibilityProperty: true }) || e.disabled || e.closest(".skip, .xterm, .grip, .facts[open] ~ *")) continue;
		if (e.matches("p a, li a:not(nav a), td a, dd a, div > a:not([class]), .go, .shell-go, [readonly]")) continue;
		area.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
		const { left, top, width, height } = area.getBoundingClientRect();
		const [x, y] = [left + (e.matches("summary") ? width - 22 : width / 2), top + height / 2]; // its arrow
		const reaches = (dx, dy) => {
			const hit = document.elementFromPoint(x + dx, y + dy);
			return area.contains(hit) || e.contains(hit) || x + dx < 0 || x + dx >= innerWidth || y + dy < 0 || y + dy >= innerHeight;
		};
		const hits = [[0, 0]].concat(width < 43.5 ? [[-21, 0], [21, 0]] : [], height < 43.5 ? [[0, -21], [0, 21]] : []);
		if (hits.every(([dx, dy]) => reaches(dx, dy))) continue;
		found.push("small or covered: " + Math.round(width) + " × " + Math.round(height) + " " + e.outerHTML.slice(0, 110));
	}
	scrollTo(...at);
	return found.join("\n");
}`

// TestBrowser_Looks takes a screenshot of all that axe-core sees, in six windows and two themes.
func TestBrowser_Looks(t *testing.T) {
	t.Parallel()
	if *pictures == "" {
		t.Skip("-pictures names no directory")
	}
	walk(t, func(_ *testing.T, p *browser.Page, what, _ string) {
		for _, window := range [][2]int64{{2880, 1800}, {1440, 900}, {1024, 768}, {390, 844}, {390, 420}, {780, 360}} {
			if p.Resize(window[0], window[1]); window[0] < 1000 {
				p.Touch(window[0], window[1])
			}
			for _, scheme := range []string{"dark", "light"} {
				p.Scheme(scheme)
				p.Do(`new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))`)
				p.Wait(`document.getAnimations().every((a) => a.playState === "finished" || a.effect.getTiming().iterations > 9)`)
				name := fmt.Sprintf("%s-%dx%d-%s.png", strings.ReplaceAll(what, " ", "-"), window[0], window[1], scheme)
				p.Screenshot(filepath.Join(*pictures, name))
			}
		}
		p.Resize(1440, 900)
	})
}
