package assets_test

import (
	"fmt"
	"strings"
	"testing"

	"convoy/internal/browser"
)

// testBlockContrast draws text after blocks in a colour that has no contrast: it looks as without blocks.
func testBlockContrast(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	p.Scheme("light")
	p.Do(`window.test.pane.refreshTheme()`)
	s.put("\x1b[37mplain\r\n█ after\r\nbefore █\r\n━━漢━\r\n█\r\n")
	p.WaitScreen(key, "before")
	color := func(text string) string {
		return browser.Eval[string](p, fmt.Sprintf(
			`getComputedStyle([...document.querySelectorAll(".xterm-rows span")]
				.findLast((e) => e.textContent.includes(%q))).color`, text))
	}
	p.Wait(`document.querySelector(".xterm-rows").textContent.includes("before")`)
	plain, block := color("plain"), color("█")
	for _, text := range []string{"fter", "befor", "漢"} {
		if got := color(text); got != plain {
			t.Errorf("%q beside a block is %s, want %s", text, got, plain)
		}
	}
	for _, text := range []string{"█", "━"} {
		if got := color(text); got != block || got == plain {
			t.Errorf("%q is %s, want the program's colour %s", text, got, block)
		}
	}
	for _, row := range []string{"█ after", "before █", "━━漢━"} {
		p.WaitScreen(key, row)
	}
}

// testSilentBinary draws what is no text: the browser's console stays empty.
func testSilentBinary(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b, func(p *browser.Page) {
		p.BeforeLoad(`window.said = []; for (const name of ["debug", "log", "info", "warn", "error", "trace"])
			console[name] = (...words) => { window.said.push(words.join(" ")) }`)
	})
	var binary strings.Builder
	for i := range 40_000 {
		binary.WriteByte(byte(i * i * 7 / 13 >> (i % 5)))
	}
	s.put(binary.String() + "\x18\x1bc the end")
	p.WaitScreen(key, "the end")
	if n := browser.Eval[int](p, `window.said.length`); n > 0 {
		said := browser.Eval[string](p, `window.said[0].slice(0, 200)`)
		t.Errorf("%d lines in the browser's console, the first: %s", n, said)
	}
}
