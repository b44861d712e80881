package templates

import (
	"strings"
	"testing"
)

var recording = Recording{
	ID: "20261125-101502-k3fz9abcde", Node: "convoy@a.convoy.internal", Shell: "k3fz9abcde", Title: "bash",
	By: "admin", Started: at, Seconds: 754, Bytes: 1258291, State: "finished", Reason: "the shell ended",
}

func TestRecordingsSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	live, cut := recording, recording
	live.State, cut.State, cut.ID = "recording", "cut off", "20261125-101503-k3fz9abcde"
	doc := find(t, "recordings", Recordings{page, []Recording{live, cut}, []Silent{{"b", "it is away"}}})
	rows := doc.Find("tbody tr")
	if rows.Length() != 2 || rows.First().Find("[hx-delete]").Length() != 0 ||
		rows.Last().Find("[hx-delete]").Length() != 1 {
		t.Error("a recording in progress can be deleted, or a finished one cannot")
	}
	if got := text(rows.First()); !strings.Contains(got, "bash recording a ") ||
		!strings.Contains(text(rows.Last()), "cut off") {
		t.Errorf("rows say %q", got)
	}
	if got := rows.First().
		Find("a[download]").
		AttrOr("href", ""); got != "/nodes/convoy@a.convoy.internal/recordings/"+recording.ID {
		t.Errorf("download at %q", got)
	}
	if got := text(doc.Find(".silent")); got != "b did not return its recordings: it is away." {
		t.Errorf("says %q", got)
	}
	if empty := find(
		t, "recordings", Recordings{Page: page},
	); empty.Find("table").Length() != 0 || empty.Find(".ghost h2").Length() != 1 {
		t.Error("without recordings it does not say how to make one")
	}
}

func TestPlayerIsLabelled(t *testing.T) {
	t.Parallel()
	doc := find(t, "player", Player{page, recording})
	if got := doc.Find(".player").
		AttrOr("data-src", ""); got != "/nodes/convoy@a.convoy.internal/recordings/"+recording.ID {
		t.Errorf("plays %q", got)
	}
	for _, control := range []string{"[data-play][aria-label]", "[data-seek][aria-label]", "label [data-speed]",
		"label [data-idle]", ".player [role=status]"} {
		if doc.Find(control).Length() != 1 {
			t.Errorf("no %s", control)
		}
	}
	if got := text(doc.Find(".player > header p")); !strings.HasSuffix(
		got, ", started by admin. Ended: the shell ended.",
	) {
		t.Errorf("says %q", got)
	}
}

func TestRecordedShellIsMarked(t *testing.T) {
	t.Parallel()
	n := node()
	if doc := find(t, "node", n); doc.Find(".rec").Length() != 0 {
		t.Error("a shell that is not recorded is marked")
	}
	n.Shells[0].Recording = true
	tab := find(t, "node", n).Find("[role=tab][data-recording]")
	if tab.Length() != 1 || text(tab) != "convoy, recorded" {
		t.Errorf("the tab says %q", text(tab))
	}
}
