package e2e

import (
	"strings"
	"testing"

	"convoy/guide"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// The guide is right: each of its blocks runs on a cluster of two, those of a page in order, and gives an error just
// where the guide says so.
func TestGuide_BlocksRun(t *testing.T) {
	t.Parallel()
	a, b := startByHand(t, "a.test"), startByHand(t, "b.test")
	a.joins(t, b.at)
	for _, n := range []byHand{a, b} { // the use of processors takes two samples, 5 s apart
		testkit.Eventually(t, n.name+" knows what it uses", func() bool {
			var stats struct{ Latest map[string]float64 }
			testkit.Must(t, n.Do(testkit.Context(t), "GET", "/nodes/"+n.name+"/stats", nil, &stats))
			_, known := stats.Latest["cpu"]
			return known
		})
	}
	pages, err := guide.New("")
	testkit.Must(t, err)
	ran := 0
	for _, entry := range pages.Pages() {
		page, _ := pages.Page(entry.Name)
		var before strings.Builder
		for _, block := range page.Blocks {
			if block.Kind != guide.Convoy {
				continue
			}
			ran++
			out, problem := a.said(t, before.String()+block.Text)
			switch {
			case problem == "" && block.Flag == "error":
				t.Errorf("%s: %q should give an error, and gives %q", entry.Name, block.Text, out)
			case problem != "" && block.Flag != "error":
				t.Errorf("%s: %q: %s", entry.Name, block.Text, problem)
			}
			if block.Flag != "error" && strings.Contains(block.Text, "\n\n") {
				before.WriteString(block.Text) // it may define something
			}
		}
	}
	if ran < 15 {
		t.Errorf("only %d blocks", ran)
	}
}

// The commands of the guide's first page, typed into a Convoy shell in the browser, with a second node spawned beside.
func TestBrowser_CommandsOfTheDemo(t *testing.T) {
	t.Parallel()
	n := startConvoy(t)
	p := browse(t, n, n.host())
	p.Wait(`window.convoy.panes.size === 1`)
	key := p.Panes()[0]
	waitConvoy(p, key)
	p.Click("#spawn")
	list := n.until(t, "there are two nodes that are alive", func(list []client.Node) bool {
		return len(list) == 2 && list[0].Status == "alive" && list[1].Status == "alive"
	})
	other := list[0].Name
	if list[0].Self {
		other = list[1].Name
	}
	asks(p, key, `fleet.wait("`+other+`")`, other)
	pages, err := guide.New("")
	testkit.Must(t, err)
	first, _ := pages.Page("index")
	gives := []string{
		"convoy@convoy.convoy.internal",
		other,
		"False",
		other,
		"convoy@convoy.convoy.internal",
		"no Railway token",
		"ping",
		"Received ping",
	}
	blocks := 0
	for _, block := range first.Blocks {
		if block.Kind != guide.Convoy {
			continue
		}
		if blocks == len(gives) {
			t.Fatalf("the page has another block, %q: what should it give?", block.Text)
		}
		if gives[blocks] == "Received ping" { // the block looks once
			testkit.Eventually(t, "the ping has arrived", func() bool {
				return strings.Contains(get(t, n.Client, "/nodes/"+other+"/log?from=0", "application/json"), gives[blocks])
			})
		}
		asks(p, key, strings.TrimSpace(block.Text), gives[blocks])
		blocks++
	}
	if blocks != len(gives) {
		t.Errorf("%d blocks, want %d", blocks, len(gives))
	}
	p.Clean()
}
