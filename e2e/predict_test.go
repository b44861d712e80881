package e2e

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/faultproxy"
	"convoy/internal/testkit"
)

var (
	typings    = flag.Int("typings", 300, "keys of TestBrowser_PredictsRandomTyping")
	typingSeed = flag.Uint64("typing-seed", 0, "its seed; 0: any")
)

const (
	// secret are the letters of all passwords, which nothing else contains.
	secret = "40579"
	// followPredictions keeps what is ever drawn, and counts letters on proved lines, and those that are drawn before
	// the frame after their key.
	followPredictions = `{ window.drawn = ""; window.letters = window.inFrame = 0;
		const view = document.querySelector(".shell-predicted");
		let frame = 0, last = "", expected = null;
		const tick = () => { frame++; requestAnimationFrame(tick); };
		tick();
		new MutationObserver(() => {
			drawn += view.textContent;
			if (expected?.frame === frame && view.textContent.includes(expected.key)) inFrame++;
			expected = null;
		}).observe(view, { childList: true });
		addEventListener("keydown", ({ key }) => {
			const proved = view.firstChild && last.length === 1;
			last = key;
			if (!proved || key.length > 1) return;
			letters++;
			expected = { key, frame };
		}, { capture: true }) }`
)

// far is a page of a shell over a link with a round trip of 150 ms.
type far struct {
	*browser.Page
	t     *testing.T
	node  *running
	key   string
	shell string // its path
}

func newFar(t *testing.T) *far {
	t.Helper()
	n := startBash(t)
	proxy := faultproxy.Start(t, n.host())
	p := browse(t, n, proxy.Addr())
	key := selfShell(t, n, p)
	node, id, _ := strings.Cut(key, "/")
	enter(p, key, "PS1='$ '; clear")
	p.Wait(fmt.Sprintf(`convoy.panes.get(%q).text() === "$"`, key))
	proxy.Delay(75 * time.Millisecond)
	p.Do(followPredictions)
	return &far{p, t, n, key, client.Shell{Node: node, ID: id}.Path()}
}

// run types a command, and waits for what it prints last.
func (f *far) run(command, prompt string) {
	f.t.Helper()
	f.Type(command)
	f.Press("Enter")
	f.settled(prompt)
}

func (f *far) pane() string { return fmt.Sprintf(`convoy.panes.get(%q)`, f.key) }

// settled waits until all is answered, and the screen, which ends with a prompt, is the node's.
func (f *far) settled(prompt string) {
	f.t.Helper()
	f.Wait(f.pane() + `.pending === 0`)
	var page, node string
	defer func() {
		if f.t.Failed() {
			f.t.Logf("the page:\n%s\nthe node:\n%s", page, node)
		}
	}()
	testkit.Eventually(f.t, "the page has the node's screen", func() bool {
		page = strings.TrimSpace(browser.Eval[string](f.Page, f.pane()+`.text().replace(/ +$/gm, "")`))
		node = strings.TrimSpace(get(f.t, f.node.Client, f.shell+"/text?screen=1", "text/plain"))
		return page == node && strings.HasSuffix(page, strings.TrimSpace(prompt))
	})
	f.Wait(`document.querySelector(".shell-predicted").textContent === ""`)
}

// keys types n random keys that edit a line: most are letters at its end. Now and then it does not wait for the first
// letter, which proves the line.
func (f *far) keys(r *rand.Rand, n int) {
	before := f.Screen(f.key)
	for i := range n {
		switch kind := r.IntN(50); {
		case i == 0 || kind > 5:
			f.Press(string("abcdefghijklmnpqrstuvwyz"[r.IntN(24)])) // o and x prove nothing
		case kind > 2:
			f.Press("Backspace")
		default:
			f.Press([]string{"ArrowLeft", "ArrowRight", "End"}[kind])
		}
		if i == 0 && r.IntN(4) > 0 {
			f.Wait(fmt.Sprintf(`%s.text() !== %q`, f.pane(), before))
		}
	}
}

// password asks for one with a command, and types it, now and then before it is asked.
func (f *far) password(r *rand.Rand, command string) {
	f.Type(command)
	f.Press("Enter")
	if r.IntN(3) > 0 {
		f.settled("Password:")
	}
	for range 6 {
		f.Press(string(secret[r.IntN(len(secret))]))
	}
	for again := true; again; again = !strings.HasSuffix(strings.TrimSpace(f.Screen(f.key)), "$") {
		f.Press("Enter") // again if the program has discarded what it did not ask for
		f.settled("")
	}
	f.settled("$")
}

// inVim types n keys in the alternate screen, where nothing is drawn.
func (f *far) inVim(r *rand.Rand, n int) {
	f.Type("clear; vim -u NONE -i NONE -n")
	f.Press("Enter")
	f.Wait(f.pane() + `.term.buffer.active.type === "alternate"`)
	before := browser.Eval[string](f.Page, `drawn`)
	f.Press("i")
	f.keys(r, n)
	f.Press("Escape")
	f.settled("")
	if after := browser.Eval[string](f.Page, `drawn`); after != before {
		f.t.Errorf("drawn in vim: %q", strings.TrimPrefix(after, before))
	}
	f.run(":q!", "$")
}

// inPython types n keys at Python's prompt.
func (f *far) inPython(r *rand.Rand, n int) {
	f.run("clear; python3 -i -c ''", ">>>")
	f.keys(r, n)
	f.clear(">>>")
	f.Press("Ctrl+d")
	f.settled("$")
}

// inBash types n keys at bash's prompt.
func (f *far) inBash(r *rand.Rand, n int) {
	f.keys(r, n)
	f.settled("")
	f.clear("$")
}

// clear deletes a line.
func (f *far) clear(prompt string) {
	const row = `(({ baseY, cursorY }) => baseY + cursorY)(%s.term.buffer.active)`
	at := fmt.Sprintf(row, f.pane())
	line := browser.Eval[int](f.Page, at)
	f.Press("End")
	f.Press("Ctrl+u")
	f.Press("Enter")
	f.Wait(fmt.Sprintf(`%s > %d`, at, line))
	f.settled(prompt)
}

// Whatever is typed in whatever program, the screen is the node's in the end, a password is never drawn, and letters
// on proved lines are drawn with the next frame.
func TestBrowser_PredictsRandomTyping(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	seed := cmp.Or(*typingSeed, rand.Uint64())
	t.Logf("-typing-seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	phases := []func(r *rand.Rand, n int){
		f.inBash, f.inBash, f.inBash,
		func(r *rand.Rand, _ int) { f.password(r, "clear; read -sp Password:") },
		func(r *rand.Rand, _ int) { f.password(r, "clear; read -sn 6 -p Password:") },
	}
	if exec.Command("python3", "--version").Run() == nil {
		getpass := `clear; python3 -c 'import getpass; getpass.getpass()'`
		phases = append(phases, f.inPython, func(r *rand.Rand, _ int) { f.password(r, getpass) })
	}
	if exec.Command("vim", "--version").Run() == nil {
		phases = append(phases, f.inVim)
	}
	for left := *typings; left > 0; {
		n := 5 + r.IntN(25)
		phases[r.IntN(len(phases))](r, n)
		f.noSecret()
		left -= n
	}
	letters, inFrame := browser.Eval[int](f.Page, `letters`), browser.Eval[int](f.Page, `inFrame`)
	t.Logf("%d of %d letters on proved lines drawn with the next frame", inFrame, letters)
	if inFrame*20 < letters*19 || letters == 0 {
		t.Errorf("%d of %d letters drawn with the next frame, want 95 %%", inFrame, letters)
	}
	f.Clean()
}

func (f *far) noSecret() {
	f.t.Helper()
	if drawn := browser.Eval[string](f.Page, `drawn`); strings.ContainsAny(drawn, secret) {
		f.t.Fatalf("letters of a password were drawn: %q", drawn)
	}
}
