package e2e

import (
	"fmt"
	"strings"
	"testing"

	"convoy/internal/browser/firefox"
	"convoy/internal/faultproxy"
)

// What differs between browsers, in Firefox: keys, input methods, the clipboard, the mouse, the shared worker, streams
// that break, popovers and dialogs. One browser does it all, and shows one tab at a time.
func TestFirefox(t *testing.T) {
	t.Parallel()
	b := firefox.Start(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *firefox.Browser)
	}{
		{"has a console", foxConsole},
		{"has Option of Macs", foxOption},
		{"has seven tabs", foxTabs},
		{"resumes", foxResumes},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, b) })
	}
}

// fox opens a console in Firefox by its link, and returns the key of its first shell, which has a prompt.
func fox(t *testing.T, b *firefox.Browser, n *running, host string) (p *firefox.Page, key string) {
	t.Helper()
	p = b.Open(t, "http://"+host+"/?token="+n.Token)
	p.Wait(`convoy.panes.size === 1 && location.search === ""`)
	key = firefox.Eval[string](p, `[...convoy.panes.keys()][0]`)
	p.Wait(hasPrompt(key))
	return p, key
}

// foxBash is a node for it whose shells are bash without anybody's settings.
func foxBash(t *testing.T) *running {
	t.Helper()
	return startNode(t, nil, "-shell", "bash --norc --noprofile")
}

// foxEnter types a line into a shell.
func foxEnter(p *firefox.Page, key, line string) {
	p.Do(pane(key) + `.focus()`)
	p.Type(line)
	p.Press("Enter")
}

// foxConsole goes through what one page has.
func foxConsole(t *testing.T, b *firefox.Browser) {
	n := foxBash(t)
	p, key := fox(t, b, n, n.host())
	foxTypes(p, key)
	foxComposes(p, key)
	foxPastes(p, key)
	foxClicks(p, key)
	foxScrolls(p, key)
	foxFits(p, key)
	foxLog(p)
	foxMenu(p, key)
	p.Clean()
}

// foxTypes types, and loads the page again.
func foxTypes(p *firefox.Page, key string) {
	p.Click(paneSelector(key)+" .xterm-screen", 0)
	p.Type(`echo "typed $((40+2)) é ß €"`)
	p.Press("Enter")
	p.WaitScreen(key, "\ntyped 42 é ß €")
	foxEnter(p, key, "yes")
	p.WaitScreen(key, "y\ny\ny\ny")
	p.Press("Ctrl+c")
	p.WaitScreen(key, "^C")
	p.Wait(hasPrompt(key))
	foxEnter(p, key, "clear; echo rea''dy; cat -v")
	p.WaitScreen(key, "ready")
	p.PressAltGr("{", "Digit7")
	for _, chord := range []string{"ArrowUp", "Ctrl+ArrowLeft", "Alt+b", "Shift+Tab", "Ctrl+["} {
		p.Press(chord)
	}
	p.Press("Enter")
	p.WaitScreen(key, "\n{^[[A^[[1;5D^[b^[[Z^[")
	p.Press("Ctrl+d")
	foxEnter(p, key, "x=kept; clear")
	p.Reload()
	p.Wait(hasPrompt(key))
	foxEnter(p, key, "echo has-$x-")
	p.WaitScreen(key, "\nhas-kept-")
}

// foxFits gives the window other sizes: the terminal has that of its card, and follows it.
func foxFits(p *firefox.Page, key string) {
	for i, width := range []int{1440, 700, 1024} {
		cols := firefox.Eval[int](p, pane(key)+`.size.cols`)
		p.Resize(width, 800)
		p.Wait(fmt.Sprintf(`document.querySelector(".shell-screen").dataset.fit === "" && (!%d || %s.size.cols !== %d)`,
			i, pane(key), cols))
		foxEnter(p, key, "clear; stty size")
		p.Wait(fmt.Sprintf(`(({ rows, cols }) => %[1]s.text().includes(rows + " " + cols + "\n"))(%[1]s.size)`, pane(key)))
	}
}

// foxComposes composes; a dead key is a composition, too.
func foxComposes(p *firefox.Page, key string) {
	p.Do(pane(key) + `.focus()`)
	p.Type("echo com''posed-")
	p.Compose("^", "ê")
	p.Compose("ㅇ", "아", "안")
	p.Compose("ㄴ", "녀", "녕")
	p.Type("z")
	p.Compose("n", "に", "にh", "日")
	p.Press("Enter")
	p.WaitScreen(key, "\ncomposed-ê안녕z日\n")
}

// Option types what a German Mac's layout has there, and is Meta if asked to. A dead key swallows no later key.
func foxOption(t *testing.T, b *firefox.Browser) {
	n := foxBash(t)
	p, key := fox(t, b, n, n.host())
	p.Platform("MacIntel")
	p.Reload()
	p.Wait(hasPrompt(key))
	foxEnter(p, key, "clear; echo rea''dy; cat -v")
	p.WaitScreen(key, "ready")
	p.PressOption("@", "KeyL")
	p.PressOption("|", "Digit7")
	p.PressOption("[", "Digit5")
	p.PressDead("KeyN", "˜", "ñ")
	p.Do(`document.querySelector('[data-tool="Option key…"]').click()`)
	p.Do(`document.querySelector("dialog[open] select").value = "both"`)
	p.Click("dialog[open] .primary", 0)
	p.Wait(`!document.querySelector("dialog[open]") && document.activeElement.closest(".shell")`)
	p.PressOption("@", "KeyL")
	p.PressOption("Dead", "KeyN")
	p.Press("Enter")
	p.WaitScreen(key, "\n@|[ñ^[l^[n\n")
	p.Clean()
}

// foxPastes pastes with the keys for it.
func foxPastes(p *firefox.Page, key string) {
	p.Do(`navigator.clipboard.writeText("echo pas''ted; echo twi''ce")`)
	p.Do(pane(key) + `.focus()`)
	p.Press("Ctrl+Shift+V")
	p.Press("Enter")
	p.WaitScreen(key, "\npasted\ntwice\n")
}

// foxClicks presses the middle button, which is the program's that asked for the mouse, and pastes nothing.
func foxClicks(p *firefox.Page, key string) {
	p.Do(`navigator.clipboard.writeText("from the clipboard")`)
	foxEnter(p, key, `clear; printf '\e[?1000h\e[?1006hrea''dy\n'; cat -v`)
	p.WaitScreen(key, "ready")
	screen := paneSelector(key) + " .xterm-screen"
	p.Click(screen, 1)
	p.Type("done")
	p.Press("Enter")
	p.Wait(fmt.Sprintf(`/\n\^\[\[<1;\d+;\d+M\^\[\[<1;\d+;\d+mdone\n/.test(%s.text())`, pane(key)))
	p.Press("Ctrl+c")
	p.Wait(hasPrompt(key))
	foxEnter(p, key, `printf '\e[?1000l\e[?1006l'`)
}

// foxScrolls turns the wheel, in the history and in less.
func foxScrolls(p *firefox.Page, key string) {
	foxEnter(p, key, "clear; seq 1 300")
	p.WaitScreen(key, "\n300\n")
	screen := paneSelector(key) + " .xterm-screen"
	shows := func(n int) string {
		return fmt.Sprintf(`[...document.querySelectorAll(".xterm-rows > div")].some((e) => e.innerText.trim() === "%d")`, n)
	}
	p.Wait(shows(300))
	p.Wheel(screen, -400)
	p.Wait(`!` + shows(300))
	foxEnter(p, key, "seq 1 300 | less")
	p.Wait(shows(1))
	p.Wheel(screen, 200)
	p.Wait(`!` + shows(1))
	p.Press("q")
	p.Wait(hasPrompt(key))
}

func foxTabs(t *testing.T, b *firefox.Browser) {
	n := foxBash(t)
	first, key := fox(t, b, n, n.host())
	tabs := []*firefox.Page{first}
	for range 6 {
		tabs = append(tabs, first.Tab(n.Base+"/"))
	}
	for i, p := range tabs {
		p.Wait(hasPrompt(key))
		foxEnter(p, key, fmt.Sprintf("echo tab''-%d-", i))
		p.WaitScreen(key, fmt.Sprintf("tab-%d-", i))
	}
	for _, p := range tabs { // those that were hidden for a minute have no stream
		p.Show()
		p.Wait(`document.body.dataset.link === "open"`)
	}
	first.Wait(viewers(key) + `.split("|").length === 7`) // each is a viewer of its own
	tabs[0].Close()
	foxEnter(tabs[1], key, "echo la''ter")
	for _, p := range tabs[1:] {
		p.Show()
		p.WaitScreen(key, "\nlater")
		p.Clean()
	}
}

// The connection breaks, and stands still: every row is there, and what was typed meanwhile is typed once.
func foxResumes(t *testing.T, b *firefox.Browser) {
	n := foxBash(t)
	proxy := faultproxy.Start(t, n.host())
	p, key := fox(t, b, n, proxy.Addr())
	foxEnter(p, key, `clear; for i in {1..200}; do echo "row $i"; sleep 0.005; done`)
	p.WaitScreen(key, "\nrow ")
	proxy.Cut()
	p.WaitScreen(key, "\nrow 200\n")
	proxy.Stop()
	p.Type("echo in the dark $((1000-1))")
	p.Press("Enter")
	p.Wait(`document.body.dataset.link !== "open"`)
	proxy.Resume()
	p.WaitScreen(key, "\nin the dark 999\n")
	p.Wait(`document.body.dataset.link === "open"`)
	all := firefox.Eval[string](p, pane(key)+`.text(true)`)
	for i := range 200 {
		if n := strings.Count(all, fmt.Sprintf("row %d\n", i+1)); n != 1 {
			t.Errorf("row %d is there %d times", i+1, n)
		}
	}
}

// foxMenu uses the menu and dialogs, and closes the shell.
func foxMenu(p *firefox.Page, key string) {
	p.Click("#menu-button", 0)
	p.Wait(`document.activeElement.matches("#menu:popover-open input")`)
	p.Type("connect")
	p.Press("Enter")
	p.Wait(`document.querySelector("#connect").open && !document.querySelector("#menu:popover-open")`)
	p.Press("Escape")
	p.Wait(`!document.querySelector("dialog[open]")`)
	foxEnter(p, key, "sleep 1000")
	p.Wait(tabIs(key, "running"))
	p.Click(fmt.Sprintf(`.close[data-shell=%q]`, idOf(key)), 0)
	p.Wait(`document.querySelector("#asked[open] p").textContent.includes("sleep")`)
	p.Click("#asked [value=yes]", 0)
	p.Wait(fmt.Sprintf(`!convoy.panes.has(%q)`, key))
}

// foxLog finds the thumb of the slider at the edge of the log, and nothing of its track above.
func foxLog(p *firefox.Page) {
	p.Do(`document.querySelector("#log-toggle").click()`)
	const height = `document.querySelector("#fleet-log").getBoundingClientRect().height`
	const edge = `document.elementFromPoint(300, innerHeight - ` + height + ` - %d)?.matches(".grip") === %v`
	atEdge := fmt.Sprintf(edge+" && "+edge, 0, true, 60, false)
	p.Wait(atEdge)
	p.Do("window.before = " + height)
	p.Do(`document.querySelector(".grip").focus()`)
	for range 5 {
		p.Press("ArrowUp")
	}
	p.Wait(height + " > before + 20 && " + atEdge)
}
