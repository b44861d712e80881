package e2e

import (
	"fmt"
	"testing"

	"convoy/internal/browser"
)

// The log of all nodes: its filters count lines, a pause holds new ones back, and its edge can be moved by mouse and
// keyboard.
func TestBrowser_LogOfAllNodes(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	selfShell(t, n, p)
	p.Press("Shift+Escape")
	p.Press("l")
	const dock = `document.querySelector("#fleet-log")`
	const count = dock + `.querySelector("[data-log-count]").textContent`
	p.Wait(`/^(\d+ of )?\d+ lines$/.test(` + count + `)`)
	p.Wait(dock + `.querySelectorAll("li:not([hidden])").length > 1`)
	p.Wait(`/^\d\d:\d\d:\d\d[.,]\d{3}$/.test(` + dock + `.querySelector("time").textContent)`)
	p.Click("#fleet-log [data-log-text]")
	p.Type("nothing has this")
	const blank = `%s.startsWith("0 of ") && %s.querySelector(".log-blank").textContent === "No matching lines."`
	p.Wait(fmt.Sprintf(blank, count, dock))
	p.Do(dock + `.querySelector("[data-log-text]").select()`)
	p.Press("Delete")
	p.Wait(`!` + count + `.startsWith("0 of ")`)
	p.Click("#fleet-log [data-log-pause]")
	p.Wait(dock + `.querySelector("[data-log-pause]").innerText === "Resume"`)

	height := dock + `.getBoundingClientRect().height`
	p.Do("window.before = " + height)
	p.Do(`document.querySelector(".grip").focus()`)
	p.Press("ArrowUp")
	p.Wait(height + ` > before`)
	p.Do("window.before = " + height)
	p.DragEdge("#fleet-log", -100)
	p.Wait(`Math.abs(` + height + ` - before - 100) < 20`)
	want := browser.Eval[float64](p, height)
	p.Reload()
	p.Wait(fmt.Sprintf(`%s === %v`, height, want))
	p.Clean()
}
