package e2e

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/faultproxy"
	"convoy/internal/testkit"
)

var (
	typings    = flag.Int("typings", 16, "random typings of TestBrowser_PredictsRandomTyping")
	typingSeed = flag.Uint64("typing-seed", 0, "its seed; 0: any")
)

const (
	typingsOfPage = 50 // until the next page
	// secret are the letters of all passwords, which nothing else contains.
	secret = "40579"
	// followPredictions keeps what is ever drawn, and what became of it. A letter is on a proved line if the letter
	// before it was drawn, too. A letter is taken back if it disappears, and the terminal does not have it there.
	followPredictions = `{ window.seen = { drawn: "", elsewhere: "", proved: 0, ms: [], right: 0, back: [] };
		const { term } = convoy.panes.get(%q);
		const view = document.querySelector(".shell-predicted");
		let [last, expected, cells] = ["", null, new Map()];
		const look = () => {
			const { active } = term.buffer;
			const now = performance.now();
			const x = Math.round(parseFloat(view.style.left) / 100 * term.cols);
			const y = Math.round(parseFloat(view.style.top) / 100 * term.rows) + active.viewportY;
			const drawn = new Map();
			[...view.children].forEach((cell, i) => cell.className === "new" && drawn.set(
				[x + i, y, cell.textContent].join(), { x: x + i, y, letter: cell.textContent, since: now }));
			for (const [key, cell] of cells) {
				const { x, y, letter, since } = cell;
				if (drawn.has(key)) drawn.set(key, cell);
				else if (active.getLine(y)?.translateToString(false, x, x + 1) === letter) seen.right++;
				else if (last.length === 1) seen.back.push(now - since);
			}
			cells = drawn;
			seen.drawn += view.textContent;
			if (active.type === "alternate") seen.elsewhere += view.textContent;
			if (!expected || [...view.querySelectorAll(".new")].at(-1)?.textContent !== expected.key) return;
			seen.ms.push(now - expected.at);
			expected = null;
		};
		new MutationObserver(look).observe(view, { childList: true });
		addEventListener("keydown", ({ key, ctrlKey, timeStamp }) => {
			expected = key.length === 1 && !ctrlKey && last.length === 1 && cells.size ? { key, at: timeStamp } : null;
			if (expected) seen.proved++;
			last = key;
		}, { capture: true }) }`
)

// predictions are what became of predicted letters.
type predictions struct {
	Drawn     string    // all that was drawn
	Elsewhere string    // the part in alternate screens
	Proved    int       // letters on proved lines
	Ms        []float64 // from their keys until they were drawn, if that was before the next key
	Right     int       // drawn letters that came
	Back      []float64 // how long letters were drawn that were taken back, in ms
}

// tally is what several pages have seen.
type tally struct {
	mu       sync.Mutex
	typings  map[string]int // by program
	failures map[string]int
	all      predictions
}

func (a *tally) add(program string, n int, failed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.typings[program] += n
	if failed {
		a.failures[program]++
	}
}

func (a *tally) addSeen(s predictions) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all.Proved += s.Proved
	a.all.Right += s.Right
	a.all.Ms = append(a.all.Ms, s.Ms...)
	a.all.Back = append(a.all.Back, s.Back...)
}

func (a *tally) log(t *testing.T) {
	for _, program := range slices.Sorted(maps.Keys(a.typings)) {
		t.Logf("%5d typings in %s, %d failed", a.typings[program], program, a.failures[program])
	}
	missed := max(0, a.all.Proved-len(a.all.Ms))
	ms := append(slices.Clone(a.all.Ms), slices.Repeat([]float64{math.Inf(1)}, missed)...)
	t.Logf("%d letters on proved lines: drawn p50 %.1f, p95 %.1f ms after their keys, %d not before the next key",
		a.all.Proved, quantile(ms, 50), quantile(ms, 95), missed)
	t.Logf("%d came, %d were taken back after p50 %.0f, p95 %.0f, max %.0f ms",
		a.all.Right, len(a.all.Back), quantile(a.all.Back, 50), quantile(a.all.Back, 95), quantile(a.all.Back, 100))
}

func quantile(values []float64, percent int) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}

// Whatever is typed in whatever program, the screen is the node's in the end, a password is never drawn, and letters
// on proved lines are drawn before the next key. Each page has a link of 150 ms round
// trip to its own node.
func TestBrowser_PredictsRandomTyping(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	seed := cmp.Or(*typingSeed, rand.Uint64()>>1)
	t.Logf("-typing-seed %d", seed)
	all := &tally{typings: map[string]int{}, failures: map[string]int{}}
	t.Run("pages", func(t *testing.T) {
		for left := *typings; left > 0; left -= typingsOfPage {
			seed := seed + uint64((*typings-left)/typingsOfPage)
			t.Run(fmt.Sprintf("-typing-seed=%d", seed), func(t *testing.T) {
				t.Parallel()
				newFar(t).typeAnything(rand.New(rand.NewPCG(seed, 0)), min(left, typingsOfPage), all)
			})
		}
	})
	all.log(t)
	// A few typings may have no line that is proved.
	if n := len(all.all.Ms); !t.Failed() && *typings > typingsOfPage && (n == 0 || n*20 < all.all.Proved*19) {
		t.Errorf("%d of %d letters on proved lines drawn before the next key, want 95 %%", n, all.all.Proved)
	}
}

// typeAnything types in programs, of which each run has a few typings.
func (f *far) typeAnything(r *rand.Rand, n int, all *tally) {
	programs := f.programs()
	for n > 0 {
		f.round, f.typed = min(n, 1+r.IntN(4)), nil
		n -= f.round
		func() {
			one := programs[r.IntN(len(programs))]
			if *typings > typingsOfPage {
				f.t.Logf("%d typings in %s", f.round, one.name)
			}
			defer func() { all.add(one.name, f.round, f.t.Failed()) }()
			f.ready(r, "$")
			one.run(r)
			f.check()
		}()
	}
	all.addSeen(browser.Eval[predictions](f.Page, `seen`))
	f.Clean()
}

// check checks what was ever drawn.
func (f *far) check() {
	f.t.Helper()
	is := browser.Eval[predictions](f.Page, `seen`)
	if strings.ContainsAny(is.Drawn, secret) {
		f.t.Fatalf("letters of a password were drawn: %q, after %q", is.Drawn, f.typed)
	}
	if is.Elsewhere != "" {
		f.t.Fatalf("drawn in an alternate screen: %q, after %q", is.Elsewhere, f.typed)
	}
}

// far is a page of a shell over a link with a round trip of 150 ms.
type far struct {
	*browser.Page
	t     *testing.T
	node  *running
	proxy *faultproxy.Proxy
	key   string
	shell client.Shell
	tty   string   // its terminal
	round int      // typings in each run of a program
	typed []string // since the program began
}

func newFar(t *testing.T) *far {
	t.Helper()
	n := startBash(t)
	proxy := faultproxy.Start(t, n.host())
	p := browse(t, n, proxy.Addr())
	p.Resize(800, 600) // a small picture costs little
	key := selfShell(t, n, p)
	f := &far{Page: p, t: t, node: n, proxy: proxy, key: key}
	f.prepare()
	proxy.Delay(75 * time.Millisecond)
	p.Do(fmt.Sprintf(followPredictions, key))
	return f
}

// run types a command, which the history does not keep, and waits for what it prints last.
func (f *far) run(command, prompt string) {
	f.t.Helper()
	f.Type(" " + command)
	f.press("Enter")
	f.settled(prompt)
}

// press presses keys, and types what has no key.
func (f *far) press(keys ...string) {
	for _, key := range keys {
		f.typed = append(f.typed, key)
		if len(key) == 1 && !strings.Contains(letters+secret, key) || key == "é" || key[0] == ':' {
			f.Type(key)
		} else {
			f.Press(key)
		}
	}
}

func (f *far) pane() string { return fmt.Sprintf(`convoy.panes.get(%q)`, f.key) }

// answered waits in the page, which costs less than asking it often, until all that was typed is answered.
func (f *far) answered() {
	f.Do(fmt.Sprintf(`new Promise((done) => {
		const look = () => %s.pending ? setTimeout(look, 10) : done();
		look(); })`, f.pane()))
}

// settled waits until all is answered, nothing is predicted, and the screen, which ends with a prompt, is the node's.
func (f *far) settled(prompt string) (screen string) {
	f.t.Helper()
	f.answered()
	var page struct{ Text, Predicted string }
	var node string
	defer func() {
		if f.t.Failed() {
			f.t.Logf("typed: %q\npredicted: %q\nthe page:\n%s\nthe node:\n%s", f.typed, page.Predicted, page.Text, node)
		}
	}()
	testkit.Eventually(f.t, fmt.Sprintf("the page has the node's screen, with %q", prompt), func() bool {
		page = browser.Eval[struct{ Text, Predicted string }](f.Page, fmt.Sprintf(`({
			text: %s.text().replace(/ +$/gm, "").trim(),
			predicted: document.querySelector(".shell-predicted").textContent })`, f.pane()))
		node = strings.TrimSpace(get(f.t, f.node.Client, f.shell.Path()+"/text?screen=1", "text/plain"))
		return page.Text == node && page.Predicted == "" && strings.HasSuffix(node, strings.TrimSpace(prompt))
	})
	return page.Text
}

// until presses keys until the screen ends with a prompt.
func (f *far) until(prompt string, keys ...string) {
	f.t.Helper()
	for i := range 240 { // a busy machine takes some time to start Python, which then discards what was typed
		f.press(keys[i%len(keys)])
		if strings.HasSuffix(f.settled(""), prompt) {
			return
		}
	}
	f.t.Fatalf("no %q after %q:\n%s", prompt, f.typed, f.Screen(f.key))
}
