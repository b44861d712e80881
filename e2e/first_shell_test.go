package e2e

import (
	"fmt"
	"testing"

	"convoy/internal/browser"
)

// The first shell of a fresh console fills its card at any window size, also if it was opened at another one.
func TestBrowser_FirstShellFillsItsCard(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	n := startNode(t, nil)
	p := browse(t, n, n.host())
	var before int
	for _, window := range [][2]int64{{1440, 900}, {390, 844}, {1024, 768}, {2880, 1800}, {780, 360}} {
		p.Resize(window[0], window[1])
		p.Reload() // another viewer, to whom the size is someone else's
		p.Wait(`(e => e?.dataset.fit === "")(document.querySelector(".shell-screen")) && convoy.panes.size === 1`)
		p.Wait(fmt.Sprintf(`[...convoy.panes.values()][0].size.cols !== %d`, before))
		before = browser.Eval[int](p, `[...convoy.panes.values()][0].size.cols`)
		if !browser.Eval[bool](p, `document.querySelector(".shell-size").hidden`) {
			t.Errorf("at %v the shell has another size than its card", window)
		}
	}
	p.Clean()
}
