package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/faultproxy"
	"convoy/internal/testkit"
)

// counting prints rows with the shell's process until a line is typed. One process does all of it, so the order is
// certain; a job beside it would have the shell put in a word about the job at any time. The time of a read may be over
// in the middle of the line, which then comes in parts.
const counting = `stty -echo; i=0; until IFS= read -r -t 0.05 part; do line+=$part; echo "row $((++i)) of $$"; done; ` +
	`echo "read <$line$part> in $$"; stty echo`

// The node that serves the page is killed while a shell of another node counts, and comes back without knowing other
// nodes. The tab continues on its own: the same program, every row once, and what was typed meanwhile is typed once.
func TestBrowser_ConsoleKilledAndBack(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	owner, other := startProcess(t, "owner.test", "127.0.0.1:0"), startProcess(t, "other.test", "127.0.0.1:0")
	addr := testkit.FreeAddr(t)
	console := startProcess(t, "console.test", addr)
	other.connect(t, owner)
	console.connect(t, owner)
	s, err := owner.Open(testkit.Context(t), "owner")
	testkit.Must(t, err)
	p := browse(t, &running{Client: console.Client}, addr)
	p.Do(`window.untouched = true`)
	waitPrompt(p, s.Key())
	enter(p, s.Key(), counting)
	p.WaitScreen(s.Key(), "\nrow ")

	kill(t, console.cmd.Process.Pid)
	console.cmd.Wait() //nolint:errcheck // killed
	p.Type("typed while it was dead, ")
	p.Wait(`document.body.dataset.link !== "open"`)
	// From the moment when the stream is back, a page waits for the shells that it shows (maxWait in console.js): here
	// until that moment is an hour ago.
	p.Do(`window.clock = performance.now.bind(performance); performance.now = () => clock() + 3600_000`)
	console = startProcess(t, "console.test", addr)
	p.Wait(`document.body.dataset.link === "open"`)
	p.Do(`performance.now = clock`)
	p.Type("while it knew nobody, ")
	console.connect(t, owner)
	p.Wait(fmt.Sprintf(`document.querySelector('%s')?.dataset.status === "alive"`, card("convoy@other.test")))
	p.Type("and now")
	p.Press("Enter")
	p.WaitScreen(s.Key(), fmt.Sprintf("and now> in %d\n", s.PID))
	checkCounting(t, p, s, "typed while it was dead, while it knew nobody, and now")
	if !browser.Eval[bool](p, `window.untouched && document.querySelector("#link").hidden`) {
		t.Error("the page was reloaded, or complains of its connection")
	}
	var now client.Shell
	testkit.Must(t, owner.Do(testkit.Context(t), http.MethodGet, s.Path(), nil, &now))
	if !now.Running || now.PID != s.PID {
		t.Errorf("the shell is %+v, was %+v", now, s)
	}
	p.Clean()
}

// checkCounting checks that a terminal has every row of counting once, in order, by the shell's own process, and then
// the line that was typed.
func checkCounting(t *testing.T, p *browser.Page, s client.Shell, typed string) {
	t.Helper()
	all := browser.Eval[string](p, fmt.Sprintf(`convoy.panes.get(%q).text(true)`, s.Key()))
	rows := regexp.MustCompile(`(?m)^row (\d+) of (\d+)$`).FindAllStringSubmatch(all, -1)
	for i, row := range rows {
		if row[1] != strconv.Itoa(i+1) || row[2] != strconv.Itoa(s.PID) {
			t.Fatalf("row %d is %q, want one of process %d", i+1, row[0], s.PID)
		}
	}
	if want := fmt.Sprintf("\nread <%s> in %d\n", typed, s.PID); !strings.Contains(all, want) {
		t.Errorf("%d rows, then %q, want %q", len(rows), all[max(0, len(all)-300):], want)
	}
}

// whileReading runs a loop beside a read of one line, and says in the end what was read. The shell inside of the
// parentheses has no jobs that it would put in a word about.
func whileReading(loop string) string {
	return `(stty -echo; (` + loop + `) & read line; wait; echo "read <$line>"; stty echo)`
}

// The page's own scripts over a bad network: each key is typed once and in order, and 200 KiB of output are there once,
// row by row.
func TestBrowser_BadNetwork(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	seed := rand.Uint64()
	proxy, err := faultproxy.NewHTTP(n.host(), seed, faultproxy.Faults{})
	testkit.Must(t, err)
	defer proxy.Close()
	p := browse(t, n, proxy.Addr())
	key := selfShell(t, n, p)
	enter(
		p,
		key,
		whileReading(
			`for i in {1..4000}; do echo "row $i of four thousand, as wide as fifty bytes."; ((i % 40)) || sleep 0.04; done`,
		),
	)
	p.WaitScreen(key, "\nrow ")
	proxy.SetFaults(faultproxy.Faults{
		Cut:         0.3,
		Repeat:      0.3,
		Delay:       20 * time.Millisecond,
		StreamCut:   0.9,
		StreamBytes: 64 << 10,
	})
	began := time.Now()
	random := rand.New(rand.NewPCG(seed, 0))
	var typed strings.Builder
	for range 200 {
		letter := string(rune('a' + random.IntN(26)))
		typed.WriteString(letter)
		p.Type(letter)
	}
	p.Press("Enter")
	p.Wait(fmt.Sprintf(`/^read <[a-z]/m.test(convoy.panes.get(%q).text())`, key))
	t.Logf("seed %d: %v of faults, %+v", seed, time.Since(began).Round(time.Millisecond), proxy.Stats())
	all := browser.Eval[string](p, fmt.Sprintf(`convoy.panes.get(%q).text(true)`, key))
	rows := regexp.MustCompile(`(?m)^row (\d+) of four thousand, as wide as fifty bytes\.$`).FindAllStringSubmatch(all, -1)
	for i := range 4000 {
		if i >= len(rows) || rows[i][1] != strconv.Itoa(i+1) {
			t.Fatalf("seed %d: of %d rows, row %d is missing or out of order", seed, len(rows), i+1)
		}
	}
	if want := "read <" + typed.String() + ">"; !strings.Contains(strings.ReplaceAll(all, "\n", ""), want) ||
		len(rows) != 4000 {
		t.Errorf("seed %d: %d rows, then %q, want %q", seed, len(rows), all[max(0, len(all)-300):], want)
	}
	p.Clean()
}

// The page is reloaded again and again while a shell prints, and something is typed each time just before: every
// letter is written once and in order, the page shows what the node's model has, and no stream is left over.
func TestBrowser_ReloadStorm(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	n := startByHand(t, "storm.test", "-shell", "bash --norc --noprofile")
	console := &running{Client: n.Client}
	p := browse(t, console, console.host())
	key := selfShell(t, console, p)
	enter(p, key, whileReading(`for i in {1..3000}; do echo "row $i of three thousand"; ((i % 10)) || sleep 0.01; done`))
	p.WaitScreen(key, "\nrow ") // so nothing is echoed any more
	const letters = "abcdefghij"
	for _, letter := range letters {
		p.Wait(fmt.Sprintf(`window.convoy?.panes.get(%q)`, key))
		p.FocusPane(key)
		p.Type(string(letter))
		p.Reload()
	}
	p.Wait(fmt.Sprintf(`window.convoy?.panes.get(%q)`, key))
	p.FocusPane(key)
	p.Press("Enter")
	p.WaitScreen(key, "read <"+letters+">")
	waitPrompt(p, key)

	model := strings.TrimRight(
		get(t, n.Client, "/nodes/storm/shells/"+key[strings.LastIndex(key, "/")+1:]+"/text", "text/plain"), " \n",
	)
	at := 0
	for i := range 3000 {
		next := strings.Index(model[at:], fmt.Sprintf("\nrow %d of three thousand\n", i+1))
		if next < 0 {
			t.Fatalf("the node has lost row %d, or has it in another place: %.300q", i+1, model[at:])
		}
		at += next + 1
	}
	whole := browser.Eval[string](p, fmt.Sprintf(`convoy.panes.get(%q).text(true)`, key))
	if strings.Count(whole, "\n") < 1000 || !strings.HasSuffix(model, strings.TrimRight(whole, " \n")) {
		t.Errorf(
			"the page has %d rows, which end %q; the node's %q", strings.Count(whole, "\n"), whole[max(0, len(whole)-300):],
			model[max(0, len(model)-300):],
		)
	}
	p.Wait(withKey + `call("/metrics")).then(answer => answer.text()).then(text => text.includes("convoy_streams 1\n"))`)
}
