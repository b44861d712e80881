package templates

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

func TestNodeCard(t *testing.T) {
	t.Parallel()
	self := node()
	self.Self, self.Control, self.Retirable = true, true, false
	retiring := node()
	retiring.Status, retiring.Retiring = "retiring", true
	failed := node()
	failed.Status, failed.Message, failed.Shells = "failed", "exit status 2", nil
	failed.Steps = []Step{{Name: "listening", At: at, Ended: at.Add(time.Second), Error: "address in use"}}
	creating := node()
	creating.Status, creating.Steps = "creating", []Step{{Name: "starting process", At: at}}
	lost := node()
	lost.Status = "unreachable"
	ended := node()
	ended.Status = "ended"
	linked := node()
	linked.Shells[0].Links = 2

	for _, test := range []struct {
		about string
		node  Node
		has   []string // selectors that match
		lacks []string // selectors that do not match
	}{
		{"alive", node(), []string{".retire[hx-delete='/nodes/convoy@convoy-k3fz.convoy.internal'][hx-confirm]",
			"[data-action=open-shell][data-kind=convoy]", "[data-action=open-shell][data-kind=system]",
			"[data-shell='9k2m4x7qpa'][data-kind=convoy][data-running]", "details .steps",
			"[data-join][aria-label='Broadcast here: convoy-k3fz']"}, []string{".badge", "[data-self]", "article > .steps"}},
		{"shared", linked, []string{"[data-shell='9k2m4x7qpa'][data-links='2']"},
			[]string{"[data-shell='aaaaaaaaaa'][data-links]"}},
		{"self and control plane", self, []string{"article[data-self][data-control]", ".badge.self"}, []string{".retire"}},
		{"retiring", retiring, []string{"article[data-status=retiring]"}, []string{".retire", "[data-action=open-shell]"}},
		{"failed", failed, []string{".message", "article > .steps [data-state=failed] .why", "[aria-label^=Dismiss]"},
			[]string{"[data-action=open-shell]", "[role=tab][data-shell]"}},
		{"creating", creating, []string{"article > .steps [data-state=running] relative-time[format=for]"},
			[]string{"[data-action=open-shell]", "details .steps"}},
		{"ended", ended, []string{"[format=ago]", "[aria-label^=Dismiss]"}, []string{"[data-action=open-shell]"}},
		{"unreachable", lost, []string{"[format=ago]"}, []string{"[format=for]", "[data-action=open-shell]"}},
	} {
		doc := find(t, "node", test.node)
		for _, sel := range test.has {
			if doc.Find(sel).Length() == 0 {
				t.Errorf("%s: no %s", test.about, sel)
			}
		}
		for _, sel := range test.lacks {
			if doc.Find(sel).Length() > 0 {
				t.Errorf("%s: has %s", test.about, sel)
			}
		}
	}
}

func TestNodeCardKeepsPanes(t *testing.T) {
	t.Parallel()
	panes := find(t, "node", node()).Find("article > .panes[hx-morph-skip]")
	if panes.Length() != 1 || panes.Children().Length() != 0 || panes.AttrOr("id", "") == "" {
		t.Errorf("the panes belong to the page: want one empty element with an id that no morph touches")
	}
}

func TestEndedShellSaysSo(t *testing.T) {
	t.Parallel()
	tab := find(t, "node", node()).Find("[role=tab][data-shell=aaaaaaaaaa]")
	if got := text(tab); got != "vim ended, code 1" {
		t.Errorf("tab = %q", got)
	}
	if _, running := tab.Attr("data-running"); running {
		t.Error("an ended shell is marked as running")
	}
}

func TestNodeList(t *testing.T) {
	t.Parallel()
	list := NodeList{Count: 2, Max: 5, Provider: "local", CanSpawn: true, SpawnHint: "spawns"}
	for i, status := range []string{"alive", "joining", "alive", "failed"} {
		n := node()
		n.Short, n.Status = fmt.Sprintf("n%d", i), status
		n.Name = "convoy@" + n.Short
		n.ID = ElementID(n.Name)
		list.Nodes = append(list.Nodes, n)
	}
	doc := find(t, "node_list", list)
	root := doc.Find("section#nodes")
	head := root.Find("#fleet")
	if head.AttrOr("data-count", "") != "2" || head.AttrOr("data-max", "") != "5" ||
		root.AttrOr("data-provider", "") != "local" {
		t.Error("the list lacks count, max or provider")
	}
	if got := text(root.Find(".tallies")); got != "2 alive1 joining1 failed 4 shells failed" {
		t.Errorf("tallies = %q", got)
	}
	if n := root.Find("article.node").Length(); n != 4 {
		t.Errorf("%d cards, want 4", n)
	}
	if n := root.Find("#rows > tr[data-node]").Length(); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
	cells := root.Find("#rows > tr").First().Children().Length()
	if heads := root.Find("thead tr").Children().Length(); heads != cells || heads != 2+len(Columns) {
		t.Errorf("a row has %d cells, the head %d", cells, heads)
	}
	if root.Find(".ghost").Length() > 0 {
		t.Error("the empty state is shown beside nodes")
	}
}

func TestNodeListAlone(t *testing.T) {
	t.Parallel()
	n := node()
	n.Control = true
	for provider, want := range map[string]string{"local": "on this machine", "railway": "on railway",
		"": "join the cluster"} {
		ghost := find(t, "node_list", NodeList{Nodes: []Node{n}, Max: 5, Provider: provider}).Find(".ghost")
		if !strings.Contains(text(ghost), want) {
			t.Errorf("provider %q: %q, want it to say %q", provider, text(ghost), want)
		}
		if has := ghost.Find("button").Length() > 0; has != (provider != "") {
			t.Errorf("provider %q: spawn button %v", provider, has)
		}
	}
}

// The page, the htmx response, and the stream's event are the same element.
func TestConsoleHoldsTheSamePartial(t *testing.T) {
	t.Parallel()
	list := NodeList{Nodes: []Node{node()}, Count: 1, Max: 5, Provider: "local", CanSpawn: true}
	alone := find(t, "node_list", list).Find("#nodes")
	inPage := find(t, "console", Console{Page: page, NodeList: list, MaxUpload: 1}).Find("#nodes")
	a, _ := goquery.OuterHtml(alone)
	b, _ := goquery.OuterHtml(inPage)
	if a != b || a == "" {
		t.Errorf("page:\n%s\npartial:\n%s", b, a)
	}
}

func TestSpawnButton(t *testing.T) {
	t.Parallel()
	with := find(
		t, "console", Console{Page: page, NodeList: NodeList{Provider: "local", CanSpawn: true}},
	).Find("#spawn[hx-post='/nodes']")
	if _, off := with.Attr("disabled"); with.Length() != 1 || off {
		t.Error("with a provider the button does not work")
	}
	if _, off := find(t, "console", Console{Page: page}).Find("#spawn").Attr("disabled"); !off {
		t.Error("without a provider the button is off")
	}
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	doc := find(t, "log_lines", LogLines{Node: "convoy@a.b", Boot: "x", Lines: []LogLine{
		{
			Off:     17,
			Time:    at,
			Level:   "WARN",
			Message: "member lost",
			Attrs:   []Attr{{"node", "convoy@a.b"}, {"member", "b"}, {"took", "2s"}},
		},
		{Off: 18, Time: at, Level: "INFO", Message: "two\nlines"},
	}})
	first := doc.Find("li").First()
	if got, want := text(first), "20:07:25 a warn member lost member=b took=2s"; got != want {
		t.Errorf("line = %q, want %q", got, want)
	}
	if first.AttrOr("data-level", "") != "warn" || first.AttrOr("data-off", "") != "17" {
		t.Error("line lacks level or offset")
	}
	if n := doc.Find("li").Length(); n != 2 {
		t.Errorf("%d lines, want 2", n)
	}
}

func TestTook(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0 ms", 42 * time.Millisecond: "42 ms", 1234 * time.Millisecond: "1.2 s", 12 * time.Second: "12 s",
		61 * time.Second: "1 min 01 s", 2*time.Hour + 3*time.Minute: "2 h 03 min",
	} {
		if got := took(at, at.Add(d)); got != want {
			t.Errorf("took(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestHueIsStable(t *testing.T) {
	t.Parallel()
	if a, b := hue("convoy-k3fz"), hue("convoy-k3fz"); a != b || a < 0 || a >= hues {
		t.Errorf("hue = %d, %d", a, b)
	}
}
