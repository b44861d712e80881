package e2e

import (
	"fmt"
	"testing"

	"convoy/internal/browser"
)

// A shell fills its card and keeps its size whether it draws with a graphics card or without: when it gets the focus,
// when another shell does, and when the card is lost.
func TestBrowser_GraphicsCard(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	for _, scale := range []float64{1, 1.25, 2} {
		t.Run(fmt.Sprint(scale), func(t *testing.T) {
			t.Parallel()
			n := startBash(t)
			p := browse(t, n, n.host(), func(p *browser.Page) {
				p.Zoom(1440, 900, scale)
				p.GraphicsCard()
			})
			first := selfShell(t, n, p)
			second := openTab(p)
			size := browser.Eval[string](p, fmt.Sprintf(`JSON.stringify(%s.size)`, pane(second)))
			filled := func(key string, drawn bool) string {
				return fmt.Sprintf(`%t === !!document.querySelector('%[2]s .xterm-screen canvas') &&
					document.querySelector('%[2]s .shell-screen').dataset.fit === "" && JSON.stringify(%[3]s.size) === %[4]q`,
					drawn, paneSelector(key), pane(key), size)
			}
			p.Wait(filled(second, true))
			p.Click(fmt.Sprintf(`[role=tab][data-shell=%q]`, idOf(first)))
			p.Do(pane(first) + `.focus()`)
			p.Wait(filled(first, true) + `&&` + `!document.querySelector('` + paneSelector(second) + ` .xterm-screen canvas')`)
			p.Clean()
			p.Do(`lose()`) // xterm.js warns
			p.Wait(filled(first, false))
			enter(p, first, "clear; stty size")
			p.Wait(fmt.Sprintf(
				`(({ rows, cols }) => %[1]s.text().startsWith(rows + " " + cols + "\n"))(%[1]s.size)`, pane(first),
			))
		})
	}
}
