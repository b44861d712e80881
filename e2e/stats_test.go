package e2e

import (
	"fmt"
	"testing"

	"convoy/internal/browser"
)

// A busy shell shows on the card and on the pages of statistics, which keep their range while they are updated.
func TestBrowser_Statistics(t *testing.T) {
	t.Parallel()
	n := startBash(t, "-max-nodes", "1")
	p := browse(t, n, n.host())
	p.Resize(1440, 900)
	key := selfShell(t, n, p)
	other, _ := spawnByClick(t, n, p)
	enter(p, key, "while sleep 0.1; do for i in {1..5000}; do :; done; done") // a tenth of a core shows, too
	for _, name := range []string{onlySelf(tour{t: t, n: n}), other} {
		p.Wait(fmt.Sprintf(`(e => e && e.innerHTML.length <= 1024 && e.querySelectorAll("path:is([d*=l], [d*=h])").length === 4 &&
			/ %%.* %%/s.test(e.textContent))(document.querySelector(%q))`, card(name)+" .sparks"))
	}
	p.Reload()
	p.Wait(`document.querySelectorAll(".sparks .spark").length === 4`)
	p.Click("[data-self] .facts summary")
	p.Follow("[data-self] .facts .more a + a")
	p.Wait(`document.querySelector("#chart-shell-cpu .legend b")?.textContent.match(/^(0\.\d|1 core|[1-9])/)`)
	p.Follow("#range-6h")
	p.Wait(`location.search === "?range=6h" && document.querySelector("#range-6h[aria-current]")`)
	p.Click("#chart-cpu summary")
	was := browser.Eval[int](p, `performance.getEntriesByType("resource").length`)
	p.Wait(fmt.Sprintf(`performance.getEntriesByType("resource").length > %d`, was)) // an update
	p.Wait(`document.querySelector("#range-6h[aria-current]") && document.querySelector("#chart-cpu details[open] td")`)
	p.Follow("#stats > .more a + a")
	p.Wait(`document.querySelectorAll("#chart-cpu .legend a").length === 2`)
}
