package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"convoy/internal/browser"
	"convoy/internal/testkit"
)

// browseAs opens the console with a name; query may be "watch=1".
func browseAs(t *testing.T, n *running, name, query string) *browser.Page {
	t.Helper()
	p := browser.Shared(t).Open(t, n.Base+"/?"+query) // leads to the login page, which keeps the address
	p.Do(fmt.Sprintf(`localStorage.setItem("convoy-name", %q)`, name))
	p.Go(n.Base + "/?token=" + n.Token)
	p.Wait(fmt.Sprintf(`document.body.dataset.link === "open" && location.search === %q`,
		strings.TrimSuffix("?"+query, "?")))
	return p
}

// pane is a shell's pane in a page.
func pane(key string) string { return fmt.Sprintf(`convoy.panes.get(%q)`, key) }

// inPane is the first element of a pane that matches.
func inPane(key, selector string) string {
	return fmt.Sprintf(`document.querySelector(%q).querySelector(%q)`, paneSelector(key), selector)
}

// paneSelector is the selector of a shell's pane.
func paneSelector(key string) string {
	return fmt.Sprintf(`.pane[aria-labelledby$="-%s"]`, idOf(key))
}

// cellsOf is a script that returns a terminal's screen: each row's runs of equal style, as [text, foreground,
// background, attributes].
const cellsOf = `term => {
	const flags = ["Bold", "Italic", "Dim", "Underline", "Blink", "Inverse", "Invisible", "Strikethrough", "Overline"];
	const color = (cell, which) => cell["get" + which + "ColorMode"]() + ":" + cell["get" + which + "Color"]();
	const runs = line => {
		const list = [];
		for (let x = 0; x < Math.min(line.length, term.cols); x++) { // an alternate screen keeps what a wider one had
			const cell = line.getCell(x);
			const look = [color(cell, "Fg"), color(cell, "Bg"), flags.filter(flag => cell["is" + flag]()).join()];
			const last = list.at(-1);
			const text = cell.getWidth() ? cell.getChars() || " " : "";
			if (last && last.slice(1).join() === look.join()) last[0] += text;
			else list.push([text, ...look]);
		}
		return list;
	};
	const { active } = term.buffer;
	const rows = Array.from({ length: term.rows }, (_, i) => runs(active.getLine(active.baseY + i)));
	return { rows, cursor: [active.cursorY, active.cursorX], alternate: active.type === "alternate" };
}`

// cells is a pane's screen with colours and attributes.
func cells(p *browser.Page, key string) string {
	return browser.Eval[string](p, fmt.Sprintf(`JSON.stringify((%s)(%s.term))`, cellsOf, pane(key)))
}

// viewers is an expression for the names of a pane's viewers, this page's first; "" if it is alone.
func viewers(key string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.textContent).join("|")`,
		paneSelector(key)+" .chips-all .chip-name")
}

// sameCells waits until another page shows a shell as this one does, cell for cell.
func sameCells(t *testing.T, p, other *browser.Page, key, what string) {
	t.Helper()
	other.Wait(`!!` + pane(key))
	var want, got string
	for late := testkit.Context(t); late.Err() == nil; {
		if want, got = cells(p, key), cells(other, key); want == got {
			return
		}
	}
	t.Errorf("%s: one page shows\n%s\nthe other\n%s", what, want, got)
}

// A viewer who comes late to a full-screen program sees it cell for cell as earlier viewers, in a window of another
// size, and so does a page that is loaded again. The screen before the program comes back for all.
func TestBrowser_LateViewerCellForCell(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	first := browseAs(t, n, "Ada", "")
	key := selfShell(t, n, first)
	file := filepath.Join(t.TempDir(), "page.go")
	testkit.Must(
		t,
		os.WriteFile(
			file, []byte(strings.Repeat("// 漢字 and ümlaut\nfunc f() { return \"text\" } // a comment\n", 60)), 0o644,
		),
	)
	for i, program := range []struct{ command, shows, leave string }{
		{"seq 200; vim -n -u NONE -c 'syntax on' -c 'set number ruler hlsearch' -c '/return' " + file, "漢字", ":q\r"},
		{"ls -la --color=always / | less -R; printf '\\e[1;3;4;7;38;5;208;48;2;10;20;30mlook\\e[0m'", "total", "q"},
	} {
		enter(first, key, program.command)
		first.WaitScreen(key, program.shows)
		late := browseAs(t, n, "Grace", "")
		late.Resize(700, 600)
		sameCells(t, first, late, key, program.command)
		if i == 0 {
			first.Reload()
			sameCells(t, late, first, key, "loaded again: "+program.command)
			first.FocusPane(key)
		}
		first.Type(strings.TrimSuffix(program.leave, "\r"))
		if strings.HasSuffix(program.leave, "\r") {
			first.Press("Enter")
		}
		waitPrompt(first, key)
		first.WaitScreen(key, "\n200\n")
		sameCells(t, first, late, key, "after "+program.command)
		late.Clean()
		late.Go("about:blank")
	}
}

// Two pages in one shell: names, who types, the pin, and the grid of one in the window of the other.
func TestBrowser_TwoInOneShell(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	ada := browseAs(t, n, "Ada", "")
	ada.Resize(1400, 900)
	key := selfShell(t, n, ada)
	enter(ada, key, "clear; printf '\\e[31mred\\e[0m %s\\n' {1..30}")
	grace := browseAs(t, n, "Grace", "")
	grace.Resize(620, 700)
	ada.Wait(viewers(key) + ` === "Ada (you)|Grace"`)
	grace.Wait(viewers(key) + ` === "Grace (you)|Ada"`)
	size := browser.Eval[string](ada, fmt.Sprintf(`JSON.stringify(%s.size)`, pane(key)))
	grace.Wait(fmt.Sprintf(`JSON.stringify(%s.size) === %q`, pane(key), size)) // she joined, and nothing changed
	grace.Wait(inPane(key, ".shell-size") + `.textContent.endsWith("(Ada’s)")`)
	grace.Wait(
		fmt.Sprintf(
			`((grid, box) => grid.right <= box.right + 1 && grid.bottom <= box.bottom + 1)(%s.getBoundingClientRect(), `+
				`%s.getBoundingClientRect())`,
			inPane(key, ".xterm-screen"),
			inPane(key, ".shell-screen"),
		),
	)
	sameCells(t, ada, grace, key, "the scaled grid")

	ada.Click(paneSelector(key) + ` [data-tool="Pin the size"]`)
	grace.Wait(inPane(key, ".shell-size") + `.textContent.endsWith("(Ada’s, pinned)")`)
	ada.Do(fmt.Sprintf(`{ const shown = %s; window.typed = []; // the text stays for two seconds
		new MutationObserver(() => typed.push(shown.textContent)).observe(shown, { childList: true }) }`,
		inPane(key, ".shell-types")))
	enter(grace, key, "echo typed by gr''ace")
	ada.WaitScreen(key, "typed by grace")
	ada.Wait(`typed.includes("Grace is typing")`)
	grace.Wait(fmt.Sprintf(`JSON.stringify(%s.size) === %q`, pane(key), size)) // though she typed
	grace.Click(paneSelector(key) + ` [data-tool="Pin the size"]`)             // unpins
	grace.FocusPane(key)
	grace.Type("#")
	ada.Wait(fmt.Sprintf(`%s.size.cols < %s.cols`, pane(key), size))
	ada.Wait(inPane(key, ".shell-size") + `.textContent.endsWith("(Grace’s)")`)
	sameCells(t, grace, ada, key, "the smaller grid")
	ada.Clean()
	grace.Clean()
}

// A new size is the same byte's for everybody: what is put out around it is wrapped alike, on every page.
func TestBrowser_SizeChangesAtOneByte(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browseAs(t, n, "Ada", "")
	key := selfShell(t, n, p)
	other := browseAs(t, n, "Grace", "watch=1")
	waitPrompt(other, key) // a later viewer would get history as the grid has it then
	enter(p, key, `for i in {1..4000}; do printf '\e[999C|\r%d' $i; ((i % 7)) || echo; done; echo done-$((1+1))`)
	for i := range 12 {
		p.Resize(int64(700+i%3*200), int64(700+i%2*150))
		before := browser.Eval[int64](p, pane(key)+`.drawn`)
		p.Wait(fmt.Sprintf(`%s.drawn > %d || %s.text().includes("done-2")`, pane(key), before, pane(key)))
	}
	for _, page := range []*browser.Page{p, other} {
		page.WaitScreen(key, "done-2")
	}
	// The last size may still be on its way to one of them.
	whole := fmt.Sprintf(`%s.text(true).slice(-200000)`, pane(key))
	a, b := browser.Eval[string](p, whole), ""
	for ctx := testkit.Context(t); a != b && ctx.Err() == nil; a = browser.Eval[string](p, whole) {
		b = browser.Eval[string](other, whole)
	}
	if a != b {
		t.Errorf("what scrolled away differs between the pages: %d and %d bytes\n%.400q\n%.400q", len(a), len(b), a, b)
	}
	sameCells(t, p, other, key, "after all sizes")
}

// Five in one shell, two of whom type and three watch; one watcher's page hangs in the middle of a flood. The others do
// not notice, and the one that hung shows the same as they when it goes on.
func TestBrowser_FiveInAFlood(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	ada := browseAs(t, n, "Ada", "")
	key := selfShell(t, n, ada)
	grace := browseAs(t, n, "Grace", "")
	watchers := []*browser.Page{
		browseAs(t, n, "Eve", "watch=1"),
		browseAs(t, n, "Mallory", "watch=1"),
		browseAs(t, n, "Trent", "watch=1"),
	}
	ada.Wait(viewers(key) + `.split("|").length === 5`)
	frozen := watchers[0]
	waitPrompt(frozen, key)
	// interrupt has Grace end the flood that Ada began, and enter a command; it returns how long that took.
	interrupt := func(says string) time.Duration {
		enter(ada, key, "yes this is a flood")
		drawn := browser.Eval[int64](ada, pane(key)+`.drawn`)
		if says == "two" {
			frozen.Freeze()
		}
		ada.Wait(fmt.Sprintf(`%s.drawn > %d`, pane(key), drawn+1<<19)) // windows beyond a page that hangs
		began := time.Now()
		grace.FocusPane(key)
		grace.Press("Ctrl+c")
		waitPrompt(grace, key)
		enter(grace, key, "echo echo''ed-"+says)
		ada.WaitScreen(key, "\nechoed-"+says)
		return time.Since(began)
	}
	whole, hung := interrupt("one"), interrupt("two")
	t.Logf("Ctrl+C in a flood to the echo of the next command: %v, beside a page that hangs %v", whole, hung)
	for _, page := range watchers[1:] {
		page.WaitScreen(key, "\nechoed-two")
	}
	frozen.Thaw()
	frozen.WaitScreen(key, "\nechoed-two")
	sameCells(t, ada, frozen, key, "the page that hung")
}

// pressTool clicks a shell's tool in the menu of its line.
func pressTool(p *browser.Page, key, tool string) {
	p.Click(paneSelector(key) + ` .shell-acts [title="More"]`)
	p.Click(paneSelector(key) + fmt.Sprintf(` [data-action=%q]`, tool))
}

func TestBrowser_DetachLastsOverReload(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	enter(p, key, "echo left''-here")
	p.WaitScreen(key, "left-here")
	pressTool(p, key, "detach")
	viewers := func(want int) {
		t.Helper()
		for late := testkit.Context(t); ; { // the end of the last viewer is published to no page
			var s struct{ Viewers int }
			testkit.Must(t, n.Do(late, "GET", path(key), nil, &s))
			if s.Viewers == want {
				return
			}
		}
	}
	viewers(0)
	p.Reload()
	p.Wait(fmt.Sprintf(`document.querySelector(%q)?.textContent.startsWith("Detached")`, paneSelector(key)+" .shell-bar"))
	viewers(0)
	p.Click(paneSelector(key) + " [data-action=reattach]")
	p.WaitScreen(key, "left-here")
	viewers(1)
	p.Clean()
}

// idOf is the shell's part of a key.
func idOf(key string) string { return key[strings.LastIndex(key, "/")+1:] }

// path is the address of a shell.
func path(key string) string {
	cut := strings.LastIndex(key, "/")
	return "/nodes/" + key[:cut] + "/shells/" + key[cut+1:]
}

func TestBrowser_ShellsOfAllNodes(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	_, far := spawnByClick(t, n, p)
	enter(p, far, `printf '\e]0;a <b>title</b>\a'; cd /usr; sleep 1000`)
	row := func(key string) string { return fmt.Sprintf(`#shell-list li[data-shell=%q]`, idOf(key)) }
	p.Wait(
		fmt.Sprintf(`document.querySelector('[role=tab][data-shell=%q]').innerText.includes("a <b>title</b>")`, idOf(far)),
	)
	p.Press("Shift+Escape")
	p.Press("s")
	p.Wait(fmt.Sprintf(`document.querySelector('%s')?.innerText.includes("sleep runs in bash /usr")`, row(far)))
	p.Wait(fmt.Sprintf(`document.querySelector('%s') && document.activeElement.matches(".shell-go")`, row(key)))
	if text := browser.Eval[string](
		p, fmt.Sprintf(`document.querySelector('%s').innerText`, row(far)),
	); !regexp.MustCompile(`(?s)a <b>title</b>.*started .*active .*1 viewer.*\d+ × \d+`).
		MatchString(text) {
		t.Errorf("the list says of the far shell: %q", text)
	}
	p.Wait(fmt.Sprintf(`[...document.querySelectorAll('%s relative-time')].filter((e) =>
		e.shadowRoot.textContent.endsWith(" ago")).length === 3`, row(far)))
	p.Click(row(far) + " [data-action=detach-shell]")
	p.Wait(
		fmt.Sprintf(`document.querySelector('%s').hasAttribute("data-ui-detached") && %s.detached`, row(far), pane(far)),
	)
	// it is looked at again and again
	p.Wait(fmt.Sprintf(`document.querySelector('%s').innerText.includes("0 viewers")`, row(far)))
	p.Click(row(far) + " [data-action=reattach-shell]")
	p.Wait(
		fmt.Sprintf(`!document.querySelector('%s').hasAttribute("data-ui-detached") && !%s.detached`, row(far), pane(far)),
	)
	p.Click(row(key) + " [hx-delete]") // nothing runs in it
	p.Wait(fmt.Sprintf(`!document.querySelector('%s') && !convoy.panes.has(%q)`, row(key), key))
	p.Click(row(far) + " [data-action=go-to-shell]")
	p.Wait(
		fmt.Sprintf(
			`!document.querySelector("#shells").open && document.activeElement.closest(".shell")?.pane === %s`, pane(far),
		),
	)
	p.Clean()
}

// The page's HTML has the shells' screens, here and on other nodes; the terminals take their place without a jump.
func TestBrowser_FirstScreens(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	p.Resize(1300, 900)
	key := selfShell(t, n, p)
	name, far := spawnByClick(t, n, p)
	for i, one := range []string{key, far} {
		enter(p, one, fmt.Sprintf("clear; seq 40; echo screen-$((%d+1))", i))
		p.WaitScreen(one, fmt.Sprintf("screen-%d", i+1))
	}
	testkit.Eventually(t, "the page's HTML has both screens", func() bool { // unless the other node answers late
		html := get(t, n.Client, "/", "text/html")
		return strings.Contains(html, "\nscreen-1\n") && strings.Contains(html, "\nscreen-2\n")
	})
	p.BeforeLoad(`addEventListener("DOMContentLoaded", () => {
		const place = pre => { const range = document.createRange(); range.selectNodeContents(pre);
			const b = range.getBoundingClientRect(); return [b.left, b.top, b.height].map(Math.round) };
		window.before = [...document.querySelectorAll(".first-screen pre")].map(pre => ({ at: place(pre),
			rows: pre.textContent.split("\n").length, card: pre.closest(".node").getBoundingClientRect().height }));
		window.moved = [];
		new PerformanceObserver(list => {
			for (const e of list.getEntries()) window.moved.push(...e.sources.filter(s => s.node?.closest?.(".panes")).map(s => s.node.outerHTML.slice(0, 80) + JSON.stringify([s.previousRect, s.currentRect]))) }).observe({ type: "layout-shift", buffered: true });
	})`)
	testkit.Eventually(t, "the page comes with both screens", func() bool {
		p.Reload()
		return browser.Eval[int](p, `window.before.length`) == 2
	})
	p.WaitScreen(key, "screen-1")
	p.WaitScreen(far, "screen-2")
	p.Wait(`!document.querySelector(".first-screen")`)
	after := browser.Eval[string](p, `JSON.stringify([...document.querySelectorAll(".node")].map((card, i) => {
		const grid = card.querySelector(".xterm-screen").getBoundingClientRect(),
			rows = card.querySelector(".pane").pane.size.rows;
		return { at: [grid.left, grid.top, Math.round(grid.height / rows * window.before[i].rows)].map(Math.round),
			rows: window.before[i].rows, card: card.getBoundingClientRect().height } }))`)
	if before := browser.Eval[string](p, `JSON.stringify(window.before)`); before != after {
		t.Errorf("before the scripts ran: %s, after that: %s", before, after)
	}
	if moved := browser.Eval[[]string](p, `window.moved`); len(moved) > 0 {
		t.Errorf("the layout shifted: %q", moved)
	}
	p.Clean()
	// What is kept as text comes from the node that has it.
	if text := get(t, n.Client, path(far)+"/text?history=1", "*/*"); !strings.Contains(text, "\nscreen-2\n") {
		t.Errorf("the text of %s's shell: %q", name, text)
	}
}

// A program may draw links (OSC 8) that lead anywhere. A click opens those of the web, in another tab, and no other.
func TestBrowser_HostileLinks(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browseAs(t, n, "Ada", "")
	key := selfShell(t, n, p)
	p.Do(`window.opened = []; window.open = (...args) => { window.opened.push(args.join(" ")); }`)
	for i, uri := range []string{"javascript:opened.push('ran')", "data:text/html,x", "file:///etc/passwd",
		"https://example.com/"} {
		// The whole screen is one link, so that a click in its middle meets it.
		enter(
			p,
			key,
			fmt.Sprintf(
				`clear; printf '\e]8;;%%s\a' "%s"; printf '%%*s' $((COLUMNS * 40)) '' | tr ' ' x; printf '\e]8;;\a'; echo `+
					`link-$((%d+0))`,
				uri,
				i,
			),
		)
		p.Wait(fmt.Sprintf(`%s.text().includes("link-%d")`, pane(key), i))
		p.Do(fmt.Sprintf(`{
			const screen = %s, {left, top, width, height} = screen.getBoundingClientRect();
			for (const [type, shift] of [["mousemove", 40], ["mousemove", 0], ["mousedown", 0], ["mouseup", 0]]) {
				screen.dispatchEvent(new MouseEvent(type, {bubbles: true, clientX: left + width / 2,
					clientY: top + height / 2 + shift}));
			}
		}`, inPane(key, ".xterm-screen")))
	}
	p.Wait(`window.opened.length > 0`) // the last one; the clicks before it were done in order
	if opened := browser.Eval[string](
		p, `JSON.stringify(window.opened)`,
	); opened != `["https://example.com/ _blank noopener,noreferrer"]` {
		t.Errorf("opened %s", opened)
	}
	p.Clean()
}
