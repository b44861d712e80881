package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"convoy/internal/browser"
)

// crowd is a console with three nodes, each of which has one shell.
type crowd struct {
	*browser.Page
	n     *running
	names []string // of the nodes
	short []string // as the cards have them
	keys  []string // of the shells
}

func gather(t *testing.T) crowd {
	t.Helper()
	n := startBash(t)
	p := browse(t, n, n.host())
	p.Resize(1400, 900)
	self := selfShell(t, n, p)
	c := crowd{Page: p, n: n, names: []string{self[:strings.LastIndex(self, "/")]}, keys: []string{self}}
	for range 2 {
		name, key := spawnByClick(t, n, p)
		c.names, c.keys = append(c.names, name), append(c.keys, key)
	}
	for _, name := range c.names {
		c.short = append(
			c.short, browser.Eval[string](p, fmt.Sprintf(`document.querySelector('%s').dataset.short`, card(name))),
		)
	}
	return c
}

// says waits until the bar says where typing goes, or what came of a line.
func (c crowd) says(text string) {
	c.Page.Wait(fmt.Sprintf(`document.querySelector("#broadcast [data-to]").textContent.startsWith(%q)`, text))
}

func (c crowd) told(text string) {
	c.Page.Wait(fmt.Sprintf(`document.querySelector("#broadcast [data-outcome]").textContent === %q`, text))
}

func (c crowd) noticed(text string) {
	c.Page.Wait(fmt.Sprintf(`document.querySelector("#notices").innerText.includes(%q)`, text))
}

// all begins to type into all shells, from one of them.
func (c crowd) all(from int) {
	c.FocusPane(c.keys[from])
	c.Press("Shift+Escape")
	c.Press("b")
	c.Click("[data-action=broadcast-all]")
	c.says(fmt.Sprintf("Typing goes to %d shells: ", len(c.keys)))
	c.FocusPane(c.keys[from])
}

// enter types a line where the focus is.
func (c crowd) enter(line string) {
	c.Type(line)
	c.Press("Enter")
}

// rows waits until a shell's screen has just so many rows that are text, and none that begins with it otherwise.
func (c crowd) rows(i, count int, text string) {
	c.Page.Wait(
		fmt.Sprintf(`%s.text().split("\n").filter(row => row.trimEnd() === %q).length === %d`, pane(c.keys[i]), text, count),
	)
}

// on is a condition of bash's that holds on one node.
func (c crowd) on(i int) string { return fmt.Sprintf(`[ "$CONVOY_NODE" = %q ]`, c.names[i]) }

const joined = `[...document.querySelectorAll("[data-ui-joined]")].map(e => e.dataset.short).join()`

func TestBrowser_Broadcast(t *testing.T) {
	t.Parallel()
	c := gather(t)
	c.choosesShells()
	c.FocusPane(c.keys[1])
	c.comparesAnswers()
	c.interruptsAll()
	c.typesAside(t)
	c.stopsByEscape(t)
	c.Clean()
}

// choosesShells begins with the shell that has the focus, and then chooses all.
func (c crowd) choosesShells() {
	c.FocusPane(c.keys[0])
	c.Press("Shift+Escape")
	c.Press("b")
	c.says("Typing goes to 1 shell: " + c.short[0] + ". For more,") // that of the focus, and no other
	c.Page.Wait(
		fmt.Sprintf(
			`%s === %q && document.title === "⇉ 1 · convoy · Convoy" && `+
				`document.querySelector("#broadcast-toggle").ariaPressed === "true"`,
			joined,
			c.short[0],
		),
	)
	c.Click("[data-action=broadcast-all]")
	c.says("Typing goes to 3 shells: " + strings.Join(c.short, ", "))
	c.Click("[data-action=broadcast-none]")
	c.says("No shell is chosen")
	c.Click("[data-action=broadcast-all]")
}

// comparesAnswers types into all shells, and is told which ones differ.
func (c crowd) comparesAnswers() {
	odd := c.short[2]
	c.enter("echo $((6*7))")
	for i := range c.keys {
		c.rows(i, 1, "42")
	}
	c.told("the same on 3")

	c.enter(c.on(2) + " && echo odd || echo even")
	c.told("2 agree, 1 differs: " + odd)
	c.Page.Wait(
		fmt.Sprintf(`[...document.querySelectorAll("[data-ui-differs]")].map(e => e.dataset.short).join() === %q`, odd),
	)
	c.Click("#broadcast .go")
	c.Page.Wait(fmt.Sprintf(`document.activeElement.closest(".shell")?.pane === %s`, pane(c.keys[2])))

	c.enter("echo I am $CONVOY_NODE") // own names do not count
	c.told("the same on 3")
	c.Page.Wait(`!document.querySelector("[data-ui-differs]")`)
	c.enter(fmt.Sprintf(`printf %%s "$(%s && echo odd || echo even)"`, c.on(2))) // the prompt stands behind it
	c.told("2 agree, 1 differs: " + odd)
	c.enter("clear; vim -n -u NONE")
	c.told("not compared, full screen: " + strings.Join(c.short, ", "))
	c.Press("Escape")
	c.enter(":q")
	for _, key := range c.keys {
		waitPrompt(c.Page, key)
	}
}

// interruptsAll ends what runs in one of them.
func (c crowd) interruptsAll() {
	c.enter(c.on(0) + " && sleep 600; echo slept")
	c.rows(1, 1, "slept")
	c.told("the same on 2; still running: " + c.short[0])
	c.Press("Ctrl+c")
	for _, key := range c.keys { // bash drops what is typed before it has dealt with that
		c.Page.Wait(fmt.Sprintf(`/\^C\n.*[$#]$/.test(%s.text().trimEnd())`, pane(key)))
	}
	c.rows(0, 0, "slept")
}

// typesAside types into a shell that is not chosen, and into no other.
func (c crowd) typesAside(t *testing.T) {
	t.Helper()
	c.Click(card(c.names[2]) + " .join")
	c.says("Typing goes to 2 shells: " + strings.Join(c.short[:2], ", "))
	c.FocusPane(c.keys[2])
	c.Do(`window.asides = []; // each is shown for a few seconds
		new MutationObserver(([{ target }]) => asides.push(target.textContent))
			.observe(document.querySelector("[data-aside]"), { childList: true });`)
	c.enter("echo al''one")
	c.rows(2, 1, "alone")
	c.Page.Wait(fmt.Sprintf(
		`asides.includes("Typing in %s goes only to that shell, because it is not chosen.")`, c.short[2],
	))
	for i := range 2 {
		if strings.Contains(c.Screen(c.keys[i]), "al''one") {
			t.Errorf("what was typed in a shell that is not chosen is in %s", c.short[i])
		}
	}
}

// stopsByEscape has the bar in sight above a card that fills the window. Escape first ends what is more dangerous.
func (c crowd) stopsByEscape(t *testing.T) {
	t.Helper()
	c.FocusPane(c.keys[1])
	c.Press("Shift+Escape")
	c.Press("m")
	c.Page.Wait(
		`((stop, card) => document.elementFromPoint(stop.left + 9, stop.top + 9)?.textContent === "Stop broadcasting" &&
			card.top >= stop.bottom)(
		document.querySelector(".broadcast-acts .primary").getBoundingClientRect(),
			document.querySelector("[data-ui-large]").getBoundingClientRect())`,
	)
	c.Press("Escape")
	c.Page.Wait(`!document.body.hasAttribute("data-broadcast") && document.querySelector("[data-ui-large]")`)
	c.Press("Escape")
	c.Page.Wait(`!document.querySelector("[data-ui-large]")`)
	c.Page.Wait(
		joined + ` === "" && document.title === "convoy · Convoy" && document.querySelector("#broadcast").offsetHeight === 0`,
	)
	c.FocusPane(c.keys[1])
	c.enter("echo o''ver")
	c.rows(1, 1, "over")
	if strings.Contains(c.Screen(c.keys[0]), "o''ver") {
		t.Error("it continues after Escape")
	}
}

// Each terminal has its own modes, and its own program's answers and reports.
func TestBrowser_BroadcastModes(t *testing.T) {
	t.Parallel()
	c := gather(t)
	c.all(1)
	c.enter(`clear; ` + c.on(0) + ` && printf '\e[?1h\e[?2004h\e[6n'; echo re''ady; cat -v`)
	for _, i := range []int{1, 2} { // the prompt had modes, too
		c.rows(i, 1, "ready")
	}
	c.Page.Wait(pane(c.keys[0]) + `.text().includes(";1R")`) // the answer of the terminal, which cat has not asked for
	for _, key := range []string{"ArrowUp", "Home", "F"} {
		c.Press(key)
	}
	c.Do(pasting("one"))
	c.Press("Enter")
	c.Page.Wait(pane(c.keys[0]) + `.text().split("\n").some(row => row.endsWith("^[OA^[OHF^[[200~one^[[201~"))`)
	for _, i := range []int{1, 2} {
		c.rows(i, 2, "^[[A^[[HFone") // the echo, and what cat makes of it; nothing else
		if strings.Contains(c.Screen(c.keys[i]), "R") {
			t.Errorf("an answer came to %s, where nothing was asked:\n%s", c.short[i], c.Screen(c.keys[i]))
		}
	}
	// From the terminal with other modes it is the same.
	c.FocusPane(c.keys[0])
	c.Press("ArrowLeft")
	c.Press("Enter")
	for _, i := range []int{1, 2} {
		c.rows(i, 2, "^[[D")
	}
	c.rows(0, 2, "^[OD")

	// Lines that would run are asked about once, for all.
	c.Do(pasting(`first\nsecond\n`))
	c.Page.Wait(`document.querySelector("dialog.asks h2").textContent === "Paste 2 lines into 3 shells?"`)
	c.Press("Enter")
	c.Page.Wait(`!document.querySelector("dialog.asks")`)
	for _, i := range []int{1, 2} {
		c.rows(i, 2, "first")
		c.rows(i, 2, "second")
	}
	c.Page.Wait(pane(c.keys[0]) + `.text().includes("^[[200~first")`)
	c.Do(pasting(`never\nand never\n`))
	c.Page.Wait(`document.querySelector("dialog.asks")`)
	c.Press("Escape")
	c.Page.Wait(`!document.querySelector("dialog.asks")`)
	c.Press("Ctrl+c")
	for _, key := range c.keys {
		waitPrompt(c.Page, key)
		if strings.Contains(c.Screen(key), "never") {
			t.Error("what was not agreed to was pasted")
		}
	}
	c.Clean()
}

// pasting pastes a text where the focus is.
func pasting(text string) string {
	return fmt.Sprintf(`{ const data = new DataTransfer(); data.setData("text/plain", "%s");
		document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true,
			cancelable: true })) }`, text)
}

// A node that does not answer for a while stays chosen, and gets what was typed meanwhile. On a phone, all is in sight.
func TestBrowser_BroadcastWaits(t *testing.T) {
	t.Parallel()
	c := gather(t)
	c.all(0)
	resume := stall(t, processOf(t, c.n, c.names[2]))
	defer resume()
	c.Page.Wait(
		fmt.Sprintf(
			`document.querySelector("[data-wait]").textContent === "%s does not answer. Your input waits for it."`, c.short[2],
		),
	)
	c.enter("echo typed in the d''ark")
	c.rows(0, 1, "typed in the dark")
	resume()
	c.rows(2, 1, "typed in the dark")
	c.Page.Wait(`document.querySelector("[data-wait]").textContent === ""`)
	c.fitsPhone(t)
	c.Clean()
}

// fitsPhone loads the page again on a phone, where the bar wraps, and the boxes are as large as a thumb.
func (c crowd) fitsPhone(t *testing.T) {
	t.Helper()
	c.Touch(390, 844)
	c.Reload()
	c.Page.Wait(`document.body.dataset.link === "open"`)
	c.Click("#broadcast-toggle")
	c.Click("[data-action=broadcast-all]")
	c.says("Typing goes to 3 shells")
	if wide := browser.Eval[int](c.Page, `document.documentElement.scrollWidth`); wide > 390 {
		t.Errorf("the page is %d pixels wide on a phone of 390", wide)
	}
	if low := browser.Eval[float64](
		c.Page,
		`Math.min(...[...document.querySelectorAll(".join, .broadcast-acts button")].map(e => `+
			`e.getBoundingClientRect().height))`,
	); low < 44 {
		t.Errorf("something to touch is %v pixels high, want 44", low)
	}
}

// A shell that changes after it was chosen drops out, and the page says why.
func TestBrowser_BroadcastDropsOut(t *testing.T) {
	t.Parallel()
	c := gather(t)
	c.all(0)
	c.enter(c.on(1) + " && exec sleep 0")
	c.noticed(c.short[1] + ": the shell has ended.")
	c.Page.Wait(fmt.Sprintf(`!document.querySelector('%s').hasAttribute("data-ui-joinable")`, card(c.names[1])))
	c.says("Typing goes to 2 shells: " + c.short[0] + ", " + c.short[2])
	c.Click("[data-action=broadcast-all]") // not that one
	c.says("Typing goes to 2 shells: " + c.short[0] + ", " + c.short[2])
	c.Click(card(c.names[2]) + " [data-pane=log]")
	c.noticed(c.short[2] + ": its card shows another tab.")
	c.says("Typing goes to 1 shell: " + c.short[0])
	c.Click(card(c.names[2]) + " [role=tab][data-shell]")
	c.Click("[data-action=broadcast-all]")
	c.says("Typing goes to 2 shells: " + c.short[0] + ", " + c.short[2])
	filter := func(text string) {
		c.Do(fmt.Sprintf(`filter.value = %q, filter.dispatchEvent(new Event("input"))`, text))
	}
	filter(c.short[2])
	c.noticed(c.short[0] + ": the filter hides it.")
	filter("")
	c.Click("[data-action=broadcast-all]")
	pressTool(c.Page, c.keys[0], "detach")
	c.noticed(c.short[0] + ": the shell is detached.")
	c.Click(fmt.Sprintf(`.close[data-shell=%q]`, idOf(c.keys[2])))
	c.noticed(c.short[2] + ": the shell ") // has ended, or is closed, whichever the page learns first
	c.says("No shell is chosen")

	c.Reload()
	c.Page.Wait(
		`document.body.dataset.link === "open" && document.querySelector("#broadcast-toggle").ariaPressed === "false" && ` +
			joined + ` === ""`,
	)
	c.Clean()
}

// A page that only watches types into no shell, and so not into several.
func TestBrowser_BroadcastNotForWatchers(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browseAs(t, n, "Eve", "watch=1")
	p.Press("b")
	p.Wait(`document.querySelector("#broadcast-toggle").hidden && !document.body.hasAttribute("data-broadcast")`)
	p.Clean()
}

// TestBrowser_BroadcastPictures shows the mode: go test -run BroadcastPictures . -pictures DIR
func TestBrowser_BroadcastPictures(t *testing.T) {
	t.Parallel()
	if *pictures == "" {
		t.Skip("-pictures names no directory")
	}
	c := gather(t)
	c.all(0)
	c.enter("clear; uname -sr; nproc; " + c.on(2) + " && echo convoy 1.4.1 || echo convoy 1.4.2")
	c.told("2 agree, 1 differs: " + c.short[2])
	for _, scheme := range []string{"dark", "light"} {
		c.Scheme(scheme)
		c.Do(`new Promise(requestAnimationFrame)`) // what changes its colour has begun to
		c.Page.Wait(`document.getAnimations().every(a => a.playState === "finished")`)
		c.Screenshot(filepath.Join(*pictures, "broadcast-"+scheme+".png"))
	}
	c.Touch(390, 844)
	c.Screenshot(filepath.Join(*pictures, "broadcast-phone.png"))
}
