package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/faultproxy"
	"convoy/internal/testkit"
)

// browse logs a fresh page in to a console at host, such as "localhost:4000". What prepare does to the tab is done
// before it loads anything.
func browse(t *testing.T, n *running, host string, prepare ...func(*browser.Page)) *browser.Page {
	t.Helper()
	p := browser.Shared(t).Open(t, "http://"+host+"/?token="+n.Token, prepare...)
	p.Wait(`document.querySelector("#nodes") && location.search === ""`)
	return p
}

// onTouch makes a tab be on a touch screen of that size.
func onTouch(width, height int64) func(*browser.Page) {
	return func(p *browser.Page) { p.Touch(width, height) }
}

// fromMenu opens a page by its entry of the menu.
func fromMenu(p *browser.Page, path string) {
	p.Click("#menu-button")
	p.Follow(fmt.Sprintf(`.menu-item[href=%q]`, path))
}

// withKey begins an expression that calls the server as the page's scripts do.
const withKey = `import(document.querySelector("script[type=module]").src.replace(/dist.*/, "js/key.js"))` +
	`.then(({ call }) => `

// startBash starts a node for a page, whose shells are bash without anybody's settings.
func startBash(t *testing.T, args ...string) *running {
	t.Helper()
	browser.Need(t)
	return startNode(t, nil, append(args, "-shell", "bash --norc --noprofile")...)
}

func (n *running) host() string { return strings.TrimPrefix(n.Base, "http://") }

// card is the selector of a node's card.
func card(name string) string { return fmt.Sprintf(`.node[data-node="%s"]`, name) }

// spawnByClick presses the button and returns the new node once its shell has a prompt.
func spawnByClick(t *testing.T, n *running, p *browser.Page) (name, key string) {
	t.Helper()
	before := names(t, n)
	p.Click("#spawn")
	list := n.until(t, "there is a new node that is alive", func(list []client.Node) bool {
		for _, one := range list {
			if !before[one.Name] && one.Status == "alive" && len(one.Shells) > 0 {
				return true
			}
		}
		return false
	})
	for _, one := range list {
		if !before[one.Name] {
			name, key = one.Name, one.Shells[0].Key()
		}
	}
	waitPrompt(p, key)
	waitAnswers(p)
	return name, key
}

// hasPrompt is whether a shell's screen ends with a prompt, root's or another user's.
func hasPrompt(key string) string {
	return fmt.Sprintf(`/[$#]$/.test(window.convoy?.panes.get(%q)?.text().trimEnd())`, key)
}

// waitPrompt waits until a shell has a prompt.
func waitPrompt(p *browser.Page, key string) {
	p.Wait(hasPrompt(key))
}

// enter types a line into a shell.
func enter(p *browser.Page, key, line string) {
	p.FocusPane(key)
	p.Type(line)
	p.Press("Enter")
}

func names(t *testing.T, n *running) map[string]bool {
	t.Helper()
	list, err := n.Nodes(testkit.Context(t))
	testkit.Must(t, err)
	have := map[string]bool{}
	for _, one := range list {
		have[one.Name] = true
	}
	return have
}

// selfShell waits for the shell that the page opens on the control plane.
func selfShell(t *testing.T, n *running, p *browser.Page) (key string) {
	t.Helper()
	n.until(t, "the control plane has a shell", func(list []client.Node) bool {
		if len(list) == 0 || len(list[0].Shells) == 0 {
			return false
		}
		key = list[0].Shells[0].Key()
		return true
	})
	waitPrompt(p, key)
	return key
}

// The main job, as a new user meets it.
func TestBrowser_MainJob(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	p.Motion()
	selfShell(t, n, p)
	name, key := spawnByClick(t, n, p)
	p.Wait(fmt.Sprintf(`document.querySelector('%s').dataset.status === "alive"`, card(name)))

	enter(p, key, "echo wor''king on $CONVOY_NODE")
	p.WaitScreen(key, "working on "+name)

	p.Reload()
	p.WaitScreen(key, "working on "+name) // the shell is as it was

	second := browse(t, n, n.host())
	second.WaitScreen(key, "working on "+name) // and the same for all viewers
	enter(second, key, "echo from''-the-second")
	p.WaitScreen(key, "from-the-second")

	p.Click(card(name) + " .retire")
	p.Wait(`document.querySelector("dialog[open]")`)
	p.Click("dialog[open] [value=yes]")
	for _, page := range []*browser.Page{p, second} {
		page.Wait(fmt.Sprintf(`!document.querySelector('%s')`, card(name)))
		page.Clean()
	}
}

// The network goes, in the middle of output and of typing, and comes back: every row is there once, every line was
// typed once.
func TestBrowser_UnpluggedAndBack(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	proxy := faultproxy.Start(t, n.host())
	p := browse(t, n, proxy.Addr())
	key := selfShell(t, n, p)
	enter(p, key, `for i in {1..3000}; do echo "row $i of three thousand"; ((i % 300)) || sleep 0.1; done`)
	for i := range 4 {
		p.WaitScreen(key, "thousand")
		if i%2 == 0 {
			proxy.Cut()
		} else {
			proxy.Stop()
			proxy.Resume()
		}
		p.Wait(`document.body.dataset.link === "open"`)
	}
	proxy.Stop()
	p.Type("echo typed $((1000-1)) in the dark")
	p.Press("Enter")
	p.Wait(`document.body.dataset.link !== "open"`)
	proxy.Resume()
	p.WaitScreen(key, "\ntyped 999 in the dark")
	all := browser.Eval[string](p, fmt.Sprintf(`convoy.panes.get(%q).text(true)`, key))
	at := 0
	for i := range 3000 {
		row := fmt.Sprintf("row %d of three thousand\n", i+1)
		next := strings.Index(all, row)
		if next < at || strings.Count(all, row) != 1 { // what is typed meanwhile may be echoed in front of it
			t.Fatalf("row %d is there %d times", i+1, strings.Count(all, row))
		}
		at = next
	}
	if n := strings.Count(all, "\ntyped 999"); n != 1 {
		t.Errorf("the line ran %d times", n)
	}
}

func TestBrowser_EndedShellIsRestarted(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	enter(p, key, "exit 3")
	p.Wait(`document.querySelector(".shell-bar:not([hidden]) span")?.textContent === "ended with code 3"`)
	p.Click(".shell-bar button")
	p.Wait(fmt.Sprintf(`convoy.panes.size === 1 && !convoy.panes.has(%q)`, key))
	key = p.Panes()[0]
	waitPrompt(p, key)
	enter(p, key, "echo anew $((2+2)); stty size")
	p.WaitScreen(key, "\nanew 4")
	p.Wait(
		fmt.Sprintf(
			`(pane => pane.text().includes("\n" + pane.size.rows + " " + pane.size.cols))(convoy.panes.get(%q))`, key,
		),
	)
	p.Clean()
}

// While one shell floods, the rest of the page works, and Ctrl-C gives the prompt back. How long that takes is printed;
// what the page holds undrawn is bounded, and that is what keeps it short.
func TestBrowser_FloodAndCtrlC(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	_, other := spawnByClick(t, n, p)
	enter(p, key, "yes")
	p.WaitScreen(key, "y\ny\ny\ny")
	p.Do(
		fmt.Sprintf(
			`window.most = 0; window.watch = setInterval(() => { window.most = Math.max(window.most, `+
				`convoy.panes.get(%q).undrawn) }, 5)`,
			key,
		),
	)
	took := stopwatch()
	p.FocusPane(other)
	p.Type("echo st''ill-alive")
	p.Press("Enter")
	p.WaitScreen(other, "still-alive")
	echo := took()
	spawnByClick(t, n, p)
	spawned := took()
	p.FocusPane(key)
	p.Press("Ctrl+C")
	waitPrompt(p, key)
	prompt := took()
	most := browser.Eval[int](p, `clearInterval(window.watch), window.most`)
	t.Logf(
		"flood: Ctrl-C to prompt %v, command in another shell %v, spawn to prompt %v, at most %d bytes undrawn", prompt, echo,
		spawned, most,
	)
	if most > 1<<20 {
		t.Errorf("%d bytes undrawn, want at most 1 MiB", most)
	}
}

// stopwatch tells, each time, what has passed since the last. It is for the log alone: no test compares times.
func stopwatch() func() time.Duration {
	last := time.Now()
	return func() time.Duration {
		took := time.Since(last)
		last = time.Now()
		return took.Round(time.Millisecond)
	}
}

func TestBrowser_Programs(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	file := filepath.Join(t.TempDir(), "written.txt")
	p.FocusPane(key)
	for _, program := range []struct{ command, shows, leave string }{
		{"vim -n -u NONE " + file, "written.txt", ":wq"},
		{"seq 500 | less", "\n20\n", "q"},
		{"htop", "Load average", "q"},
	} {
		p.Type(program.command)
		p.Press("Enter")
		p.WaitScreen(key, program.shows)
		if strings.HasPrefix(program.command, "vim") {
			p.Type("ihello from vim")
			p.Press("Escape")
		}
		p.Type(program.leave)
		if strings.HasPrefix(program.leave, ":") {
			p.Press("Enter")
		}
		waitPrompt(p, key)
	}
	text, err := os.ReadFile(file)
	testkit.Must(t, err)
	if string(text) != "hello from vim\n" {
		t.Errorf("vim wrote %q", text)
	}
	p.Clean()
}

// The console has to be usable at the width of a phone: nothing wider than the window.
func TestBrowser_Phone(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host(), onTouch(360, 740))
	key := selfShell(t, n, p)
	spawnByClick(t, n, p)
	waitPrompt(p, key)
	if wide := browser.Eval[int](p, `document.documentElement.scrollWidth`); wide > 360 {
		t.Errorf("the page is %d pixels wide on a phone of 360", wide)
	}
	small := browser.Eval[string](
		p,
		`JSON.stringify([...document.querySelectorAll("button, a")].filter(e => e.checkVisibility() && `+
			`e.getBoundingClientRect().height < 24).map(e => e.outerHTML.slice(0, 80)))`,
	)
	var list []string
	testkit.Must(t, json.Unmarshal([]byte(small), &list))
	if len(list) > 0 {
		t.Errorf("too small to be touched: %q", list)
	}
	p.Clean()
}

var pictures = flag.String("pictures", "", "write the README's pictures to this directory")

// TestBrowser_Pictures shows the console as the README does: go test -run Pictures ./e2e -pictures docs
func TestBrowser_Pictures(t *testing.T) {
	t.Parallel()
	if *pictures == "" {
		t.Skip("-pictures names no directory")
	}
	n := startBash(t, "-data", t.TempDir())
	p := browse(t, n, n.host())
	p.Resize(1440, 1010)
	first := selfShell(t, n, p)
	p.Click("[data-self] [data-action=open-shell][data-kind=convoy]")
	p.Wait(`window.convoy.panes.size === 2`)
	self := strings.Trim(strings.ReplaceAll(strings.Join(p.Panes(), " "), first, ""), " ")
	waitConvoy(p, self)
	var keys []string
	for range 3 {
		_, key := spawnByClick(t, n, p)
		keys = append(keys, key)
	}
	for key, command := range map[string]string{
		keys[0]: "less -R docs/architecture.md",
		keys[1]: "git log --oneline --color | head -18",
		keys[2]: "for i in 31 32 33 34 35 36; do printf '\\e[%sm convoy \\e[0m' $i; done; echo; uptime; nproc; free -h",
	} {
		enter(p, key, "cd "+root(t)+"; clear; "+command)
	}
	enter(p, self, "fleet.nodes()")
	p.Wait(fmt.Sprintf(`window.convoy.panes.get(%q).text().trimEnd().endsWith("(2)>")`, self))
	enter(p, self, `{n: node.ping(n) for n in node.list()}`)
	p.Wait(fmt.Sprintf(`window.convoy.panes.get(%q).text().trimEnd().endsWith("(3)>")`, self))
	enter(p, self, `logs.find("ConvoyWorker started")`)
	p.Wait(fmt.Sprintf(`window.convoy.panes.get(%q).text().trimEnd().endsWith("(4)>")`, self))
	p.WaitScreen(keys[0], "How Convoy is built")
	p.WaitScreen(keys[2], "load average")
	p.Click("#log-toggle")
	p.Wait(`document.querySelectorAll("#fleet-log li").length > 5`)
	for _, scheme := range []string{"dark", "light"} {
		p.Scheme(scheme)
		p.Wait(`document.getAnimations().every(a => a.playState === "finished")`)
		p.Screenshot(filepath.Join(*pictures, "console-"+scheme+".png"))
	}
	p.Click("#log-toggle")
	p.Touch(360, 740)
	p.FocusPane(self)
	p.Wait(fmt.Sprintf(`convoy.panes.get(%q).size.cols < 60`, self))
	p.Screenshot(filepath.Join(*pictures, "console-phone.png"))
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	testkit.Must(t, err)
	return dir
}

func TestBrowser_AllNodesAtOnce(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	p.Resize(1440, 900)
	selfShell(t, n, p)
	for range 5 {
		spawnByClick(t, n, p)
	}
	p.Wait(
		`document.querySelectorAll(".node").length === 6 && document.querySelectorAll(".node ` +
			`[role=tab][data-shell]").length === 6`,
	)
	const tops = `[...document.querySelectorAll(".node")].map(e => Math.round(e.getBoundingClientRect().top))`
	if rows := browser.Eval[int](p, `new Set(`+tops+`).size`); rows >= 6 {
		t.Errorf("six cards in %d rows: they should stand side by side", rows)
	}
	if wide := browser.Eval[int](p, `document.documentElement.scrollWidth`); wide > 1440 {
		t.Errorf("the page is %d pixels wide in a window of 1440", wide)
	}
	p.Clean()
}

func TestBrowser_ServingNodeIsMarked(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	made := n.spawnAlive(t)
	p := browse(t, n.consoleOf(t, made.Name), strings.TrimPrefix(n.consoleOf(t, made.Name).Base, "http://"))
	p.Wait(
		fmt.Sprintf(
			`document.querySelectorAll(".node").length === 2 && document.querySelector('%s .badge.self')?.textContent === `+
				`"this node"`,
			card(made.Name),
		),
	)
	if marked := browser.Eval[int](p, `document.querySelectorAll(".node .badge.self").length`); marked != 1 {
		t.Errorf("%d nodes are marked as the one that serves the page", marked)
	}
}

func TestBrowser_ClickFocusesTheShell(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	p.Do(`document.activeElement.blur()`)
	p.Click(".pane[data-kind=shell]")
	p.Wait(fmt.Sprintf(`document.activeElement.closest(".shell")?.pane === convoy.panes.get(%q)`, key))
	p.Type("echo typed''-after-a-click")
	p.Press("Enter")
	p.WaitScreen(key, "typed-after-a-click")
}
