package templates

import (
	"strings"
	"testing"
)

// TestShellDoing: each state has a word, a sign and a sentence; what another node reports cannot break them.
func TestShellDoing(t *testing.T) {
	t.Parallel()
	code := func(n int) *int { return &n }
	for _, test := range []struct {
		shell     Shell
		is, doing string
	}{
		{Shell{Running: true}, "", "quiet"},
		{Shell{Running: true, State: State{Doing: "quiet"}}, "", "quiet"},
		{Shell{Running: true, State: State{Doing: "waiting", Asks: "Continue?"}}, "waiting", "waits: Continue?"},
		{Shell{Running: true, State: State{Doing: "waiting"}}, "waiting", "waits for you"},
		{Shell{Running: true, State: State{Doing: "running", Command: "make"}}, "running", "runs make"},
		{
			Shell{Running: true, State: State{Doing: "running", Command: "make", Progress: &Progress{"normal", 40}}},
			"running", "runs make, 40 %",
		},
		{
			Shell{Running: true, State: State{Doing: "finished", Exit: code(0), Seconds: 75}},
			"finished", "finished after 1 min 15 s",
		},
		{Shell{Running: true, State: State{Doing: "finished", Exit: code(2)}}, "failed", "failed with code 2"},
		{
			Shell{Running: true, State: State{Doing: "finished", Exit: code(130), Seconds: 3}},
			"finished", "finished after 3.0 s",
		},
		{Shell{Exit: &Exit{Code: 3}, State: State{Doing: "finished"}}, "failed", "ended with code 3"},
		{Shell{Exit: &Exit{Code: -1, Signal: "SIGKILL"}}, "failed", "ended with SIGKILL"},
		{Shell{Exit: &Exit{}, State: State{Doing: "finished", Exit: code(0)}}, "", "quiet"},
		{Shell{Running: true, Exit: &Exit{Code: 1}}, "failed", "ended with code 1"},
	} {
		if is, doing := test.shell.Is(), test.shell.Doing(); is != test.is || doing != test.doing {
			t.Errorf("%+v is %q and %q, want %q and %q", test.shell, is, doing, test.is, test.doing)
		}
	}
}

// TestNodeListShowsWhatShellsDo: the list counts the shells that wait, and screen readers hear which.
func TestNodeListShowsWhatShellsDo(t *testing.T) {
	t.Parallel()
	n := node()
	waits := Shell{ID: "w", Title: "bash", Running: true, State: State{Doing: "waiting", Asks: "Continue?"}}
	runs := Shell{ID: "r", Title: "make", Running: true, State: State{Doing: "running", Progress: &Progress{"normal", 40}}}
	n.Shells = []Shell{waits, runs, waits, waits, waits}
	doc := find(t, "node_list", NodeList{Nodes: []Node{n}})
	root := doc.Find("#fleet")
	if root.AttrOr("data-waiting", "") != "4" || root.AttrOr("data-progress", "") != "40" {
		t.Error("the list does not count what waits, or shows no progress")
	}
	if got := text(doc.Find("[role=status]")); !strings.HasPrefix(got, "bash on ") || !strings.HasSuffix(got, "1 more") {
		t.Errorf("screen readers hear %q", got)
	}
	if got := doc.Find("article.node").AttrOr("data-is", ""); got != "is:waiting is:running" {
		t.Errorf("the card is found by %q", got)
	}
	if n := doc.Find(".tab .ring[data-progress] circle[stroke-dasharray^='40 ']").Length(); n != 1 {
		t.Errorf("%d rings with the progress on tabs", n)
	}
}
