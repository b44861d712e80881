package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

const (
	dayNodes = 40 // with the control plane
	// dayMarks has bash say when commands begin and end, and how.
	dayMarks = `PS0='\e]133;C\a'; PROMPT_COMMAND='printf "\e]133;D;$?\a\e]133;A\a"'; clear`
)

// dayLines are what people have left running, by what it comes to.
var dayLines = []struct {
	is    string
	many  int
	lines []string
}{
	{"waiting", 6, []string{`sh -c 'printf "Over""write 14 files? [y/N] "; read answer'`}},
	{"failed", 3, []string{dayMarks, `make -C /nowhere`}},
	{"running", 2, []string{`sh -c 'echo building; printf "\033]9;4;1;%d\a" 63; exec sleep 1000'`}},
}

// A day's use: 40 nodes with 120 shells, of which six wait, three have failed and two report progress. Two keys lead to
// each of the six. It takes a minute and a gigabyte, so that it runs with -pictures only, which it takes.
func TestBrowser_Day(t *testing.T) {
	if *pictures == "" {
		t.Skip("-pictures names no directory")
	}
	n := startBash(t, "-max-nodes", fmt.Sprint(dayNodes))
	waiting := startDay(t, n)
	p := browse(t, n, n.host())
	p.Resize(1440, 900)
	p.Wait(fmt.Sprintf(`document.querySelectorAll(".node[data-status=alive]").length === %d &&
		document.querySelector("#fleet").dataset.waiting === "6" &&
		document.querySelectorAll("[role=tab][data-is=failed]").length === 3 &&
		document.querySelectorAll("[role=tab][data-is=running]").length === 2`, dayNodes))
	takeDay(p, "cards")
	p.Press("Shift+Escape")
	p.Press("w")
	p.Wait(`[...document.querySelectorAll(".node")].filter((card) => card.checkVisibility()).length === 6`)
	takeDay(p, "waiting")
	var found []string
	for i := range 6 {
		p.Press("Shift+Escape")
		p.Press(fmt.Sprint(i + 1))
		p.Wait(`document.activeElement.closest(".pane")`)
		id := browser.Eval[string](p, `document.activeElement.closest(".pane").id`)
		found = append(found, id[len(id)-len(waiting[0]):])
	}
	if slices.Sort(found); !slices.Equal(found, waiting) {
		t.Errorf("the keys w and 1 to 6 lead to %q, want the shells that wait: %q", found, waiting)
	}
	p.Press("Shift+Escape")
	p.Press("w")
	p.Press("v")
	p.Wait(`document.querySelector("#node-table").checkVisibility()`)
	takeDay(p, "table")
	p.Press("w")
	takeDay(p, "table-waiting")
	p.Press("w")
	p.Do(`document.querySelector("[hx-target='#shell-lists']").click()`)
	p.Wait(`document.querySelector("#shell-list li .does")`)
	takeDay(p, "shells")
	p.Clean()
}

// startDay spawns the nodes, opens their shells and leaves things running in them. It returns the ids of the shells
// that come to wait, sorted.
func startDay(t *testing.T, n *running) (waiting []string) {
	t.Helper()
	var list []client.Node
	for many := 1; many < dayNodes; { // a few at a time: they share the machine
		for range min(8, dayNodes-many) {
			_, err := n.Spawn(testkit.Context(t))
			testkit.Must(t, err)
			many++
		}
		list = n.until(t, fmt.Sprintf("%d nodes are alive", many), func(list []client.Node) bool {
			dead := func(one client.Node) bool { return one.Status != "alive" }
			return len(list) == many && !slices.ContainsFunc(list, dead)
		})
	}
	shells := make([][]client.Shell, len(list))
	for i, one := range list {
		for range 3 {
			s, err := n.Open(testkit.Context(t), one.Name)
			testkit.Must(t, err)
			shells[i] = append(shells[i], s)
		}
	}
	next := 2 // the nodes in between are at rest
	for _, left := range dayLines {
		for range left.many {
			s := shells[next%len(shells)][1]
			leave(t, n, s, left.lines)
			if left.is == "waiting" {
				waiting = append(waiting, s.ID)
			}
			next += 3
		}
	}
	slices.Sort(waiting)
	return waiting
}

// leave types lines into a shell, each at its prompt, and goes away.
func leave(t *testing.T, n *running, s client.Shell, lines []string) {
	t.Helper()
	term, err := n.Attach(context.Background(), s, -1)
	testkit.Must(t, err)
	defer term.Close()
	for _, line := range lines {
		testkit.Must(t, term.WaitFor(testkit.Context(t), "bash-"))
		testkit.Must(t, term.Type(testkit.Context(t), line+"\r"))
	}
}

// takeDay takes pictures of a view, on a desktop and on a phone, dark and light.
func takeDay(p *browser.Page, what string) {
	for _, window := range [][2]int64{{390, 844}, {1440, 900}} {
		if p.Resize(window[0], window[1]); window[0] < 1000 {
			p.Touch(window[0], window[1])
		}
		for _, scheme := range []string{"light", "dark"} {
			p.Scheme(scheme)
			p.Do(`scrollTo(0, 0)`)
			p.Do(`new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))`)
			p.Wait(`document.getAnimations().every((a) => a.playState === "finished" || a.effect.getTiming().iterations > 9)`)
			p.Screenshot(filepath.Join(*pictures, fmt.Sprintf("day-%s-%d-%s.png", what, window[0], scheme)))
		}
	}
}
