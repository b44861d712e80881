package e2e

import (
	"fmt"
	"testing"

	"convoy/internal/browser"
)

// windows are sizes in CSS pixels, and the device pixels of each: a browser's zoom changes both.
var windows = []struct {
	width, height int64
	scale         float64
}{
	{1440, 900, 1},
	{390, 844, 3},
	{1024, 768, 1},
	{780, 360, 2},
	{800, 600, 1},
	{1152, 720, 1.25}, // 1440 × 900 at 125 %
	{720, 450, 2},
}

// The sizes that the page asks for when it opens shells.
const recordOpens = `window.opens = []; const send = window.fetch; window.fetch = (path, options) => {
	if (/\/shells$/.test(path) && options?.method === "POST") opens.push(Object.fromEntries(new URLSearchParams(String(options.body))));
	return send(path, options);
}`

// A shell is opened with exactly the size of its card, at any window size and zoom, the first of a console as well as
// others.
func TestBrowser_ShellsFillTheirCards(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	for _, w := range windows {
		t.Run(fmt.Sprintf("%dx%d at %v", w.width, w.height, w.scale), func(t *testing.T) {
			t.Parallel()
			n := startNode(t, nil)
			p := browse(t, n, n.host(), func(p *browser.Page) {
				p.Zoom(w.width, w.height, w.scale)
				p.BeforeLoad(recordOpens)
			})
			for shells := 1; shells <= 2; shells++ {
				p.Wait(fmt.Sprintf(`convoy.panes.size === %d && opens.length === %d`, shells, shells))
				p.Wait(`document.querySelector(".pane:not([hidden]) .shell-screen")?.dataset.fit !== undefined`)
				p.Wait(`(([pane, asked]) => pane.rows === +asked.rows && pane.cols === +asked.cols)` +
					`([[...convoy.panes.values()].at(-1).size, opens.at(-1)])`)
				if !browser.Eval[bool](p, `[...document.querySelectorAll(".shell-size")].at(-1).hidden`) {
					t.Errorf("shell %d has another size than its card", shells)
				}
				waitAnswers(p)
				p.Do(`document.activeElement.blur()`)
				p.Press("c")
			}
			p.Clean()
		})
	}
}

// A shell that was last used in another window fits the window of its only viewer.
func TestBrowser_OnlyViewerOwnsTheSize(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	n := startNode(t, nil)
	p := browse(t, n, n.host())
	before := 0
	for _, w := range windows[:4] {
		p.Zoom(w.width, w.height, w.scale)
		p.Reload() // another viewer, to whom the size is someone else's
		p.Wait(`(e => e?.dataset.fit === "")(document.querySelector(".shell-screen")) && convoy.panes.size === 1`)
		p.Wait(fmt.Sprintf(`[...convoy.panes.values()][0].size.cols !== %d`, before))
		before = browser.Eval[int](p, `[...convoy.panes.values()][0].size.cols`)
		if !browser.Eval[bool](p, `document.querySelector(".shell-size").hidden`) {
			t.Errorf("at %v the shell has another size than its card", w)
		}
	}
	p.Clean()
}
