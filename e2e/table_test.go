package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/client"
)

// spawnSeveral spawns nodes by the dialog, and waits until all are alive and have a shell.
func spawnSeveral(t *testing.T, n *running, p *browser.Page, many int) {
	t.Helper()
	all := len(names(t, n)) + many
	p.Press("Shift+Escape")
	p.Press("N")
	p.Wait(`document.querySelector("#spawn-many").open`)
	p.Do(fmt.Sprintf(`document.querySelector("#spawn-count").value = %d`, many))
	p.Click("#spawn-many [type=submit]")
	p.Wait(`!document.querySelector("#spawn-many").open`)
	n.until(t, fmt.Sprintf("%d nodes have a shell", all), func(list []client.Node) bool {
		for _, one := range list {
			if one.Status != "alive" || len(one.Shells) == 0 {
				return false
			}
		}
		return len(list) == all
	})
	p.Wait(fmt.Sprintf(`document.querySelectorAll(".node[data-status=alive] [role=tab][data-shell]").length >= %d`, all))
}

// shortNames are the names in the rows of the table, as it shows them.
func shortNames(p *browser.Page) []string {
	return strings.Fields(browser.Eval[string](p, `[...document.querySelectorAll("#node-table tr[data-node]")]
		.filter((row) => row.checkVisibility()).map((row) => row.dataset.short).join(" ")`))
}

// groupBy groups the rows of the table by their names, a column, or nothing.
func groupBy(p *browser.Page, by string) {
	p.Do(fmt.Sprintf(`(select => { select.value = %q; select.dispatchEvent(new Event("change", { bubbles: true })) })(
		document.querySelector("[data-group-by]"))`, by))
}

// Many nodes as a table: sorted, filtered, grouped, and with the keyboard.
func TestBrowser_Table(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	n := startNode(t, map[string]string{"RAILWAY_REPLICA_REGION": "europe-west4"}, "-shell", "bash --norc --noprofile")
	p := browse(t, n, n.host())
	selfShell(t, n, p)
	spawnSeveral(t, n, p, 3)
	p.Press("Shift+Escape")
	p.Press("v")
	p.Wait(`document.querySelector("#node-table").checkVisibility() && location.search === "?view=table"`)
	if cards := browser.Eval[int](
		p, `[...document.querySelectorAll(".node")].filter((e) => e.checkVisibility()).length`,
	); cards > 0 {
		t.Errorf("%d cards beside the table", cards)
	}
	byAge := shortNames(p)
	p.Click(`th[data-column=name] button`)
	p.Wait(`document.querySelector("th[data-column=name]").ariaSort === "ascending" &&
		location.search.endsWith("sort=name")`)
	up := shortNames(p)
	p.Click(`th[data-column=name] button`)
	p.Wait(`document.querySelector("th[data-column=name]").ariaSort === "descending"`)
	down := shortNames(p)
	order := browser.Eval[string](p, fmt.Sprintf(
		`%q.split(" ").sort(new Intl.Collator([], { numeric: true }).compare).join(" ")`, strings.Join(up, " "),
	))
	back := slices.Clone(down)
	slices.Reverse(back)
	if !slices.Equal(up, back) || strings.Join(up, " ") != order {
		t.Errorf("sorted: %q, in reverse, read backwards: %q", up, back)
	}
	p.Reload()
	p.Wait(`document.querySelector("th[data-column=name]").ariaSort === "descending"`)
	if again := shortNames(p); strings.Join(again, " ") != strings.Join(down, " ") {
		t.Errorf("after a reload: %q, before: %q", again, down)
	}
	p.Click(`th[data-column=name] button`)
	if got := shortNames(p); strings.Join(got, " ") != strings.Join(byAge, " ") {
		t.Errorf("not sorted again: %q, at first: %q", got, byAge)
	}
	p.Do(`document.querySelector(".row-go").focus()`)
	p.Press("ArrowDown")
	p.Wait(fmt.Sprintf(`document.activeElement.closest("tr").dataset.short === %q`, byAge[1]))
	groupBy(p, "prefix")
	p.Wait(`document.querySelector("tr.group").textContent.trim().replace(/\s+/g, " ") === "convoy 4 nodes"`)
	groupBy(p, "region")
	p.Wait(`document.querySelector("tr.group .name").textContent === "europe-west4" && /=region/.test(location.search)`)
	p.Back()
	p.Wait(`document.querySelector("tr.group .name").textContent === "convoy"`)
	groupBy(p, "")
	p.Wait(`!document.querySelector("tr.group")`)
	tableUses(t, p)
	tableLeads(p, byAge)
	p.Clean()
}

// tableUses waits for what the nodes use, and changes a row that has it.
func tableUses(t *testing.T, p *browser.Page) {
	t.Helper()
	const cell = `document.querySelector("tr[data-node] td[data-column=%s]")`
	p.Wait(fmt.Sprintf(cell+`.textContent.includes("%%")`, "memory"))
	p.Wait(`document.querySelector("[data-self] .sparks").childElementCount === 1`)
	p.Wait(fmt.Sprintf(cell+`.checkVisibility()`, "region"))
	p.Do(`document.querySelector("[data-self] [data-action=open-shell]").click()`)
	p.Wait(fmt.Sprintf(cell+`.textContent === "2"`, "shells")) // its card and its row have changed
	p.Wait(fmt.Sprintf(cell+`.textContent.includes("%%")`, "memory"))
	p.Wait(`document.querySelector("[data-self] .sparks").childElementCount === 1`)
	p.Click(`th[data-column=memory] button`)
	p.Wait(`document.querySelector("th[data-column=memory]").ariaSort === "ascending"`)
	picture(p, "table")
	if numbers := browser.Eval[string](
		p, `[...document.querySelectorAll("#node-table tr[data-node] .name")].map((e) => e.dataset.uiKey).join("")`,
	); numbers != "1234" {
		t.Errorf("the rows of a sorted table have the numbers %s", numbers)
	}
	p.Click(`th[data-column=memory] button`)
	p.Click(`th[data-column=memory] button`)
}

// tableLeads goes from the table to nodes, by the filter and by a number, and back.
func tableLeads(p *browser.Page, byAge []string) {
	large := func(short string) string {
		return fmt.Sprintf(`document.querySelector("[data-ui-large]")?.dataset.short === %q &&
			document.activeElement.closest("[data-ui-large] .shell")`, short)
	}
	p.Click("#filter")
	p.Type(byAge[2])
	p.Wait(`[...document.querySelectorAll("#node-table tr[data-node]")].filter((e) => e.checkVisibility()).length === 1`)
	p.Press("Enter")
	p.Wait(large(byAge[2]))
	p.Back()
	p.Wait(`!document.querySelector("[data-ui-large]") && document.querySelector("#node-table").checkVisibility()`)
	p.Click("#filter")
	p.Press("Escape")
	p.Press("2")
	p.Wait(large(byAge[1]))
	p.Back()
	p.Wait(`!document.querySelector("[data-ui-large]")`)
}

// What is done to several nodes takes one question each.
func TestBrowser_SeveralNodes(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	selfShell(t, n, p)
	spawnSeveral(t, n, p, 2)
	p.Press("Shift+Escape")
	p.Press("v")
	p.Wait(`!document.querySelector("td[data-column=region]").checkVisibility()`) // none has one
	p.Click(`[data-pick=all]`)
	p.Wait(`document.querySelector("#bulk [data-chosen]").textContent === "3 chosen"`)
	p.Click(`#bulk [data-bulk^="Open"]`)
	p.Wait(`document.querySelector("#confirm h2")?.textContent === "Open a shell on 3 nodes?"`)
	p.Click(`#confirm [value=yes]`)
	n.until(t, "each node has two shells", func(list []client.Node) bool {
		for _, one := range list {
			if len(one.Shells) != 2 {
				return false
			}
		}
		return true
	})
	p.Wait(`document.querySelectorAll("td[data-column=shells][data-value='2']").length === 3`)
	p.Click(`[command=show-modal][commandfor=run]`)
	p.Wait(`document.querySelector("#run").open`)
	p.Type(`echo here-$((40+2))`)
	p.Click(`#run-all`)
	p.Wait(`document.querySelector("#results-1 pre")?.textContent.includes("here-42") &&
		document.querySelector("#results-1 .result-names")?.children.length === 3`)
	p.Click(`#run [command=close]`)
	p.Click(`tr[data-node]:first-child [name=nodes]`) // the control plane is not retired
	p.Click(`#bulk [data-bulk=Retire]`)
	p.Wait(`document.querySelector("#confirm h2")?.textContent === "Retire 2 nodes?"`)
	p.Click(`#confirm [value=yes]`)
	p.Wait(`document.querySelectorAll("#node-table tr[data-node]").length === 1 && document.querySelector("#bulk").hidden`)
	p.Wait(`document.querySelectorAll(".node").length === 1`)
	p.Clean()
}
