package fleet

import (
	"slices"
	"testing"
	"time"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	now := time.Now()
	own := []Node{
		{Name: "control", Status: Alive, Control: true, Started: now},
		{Name: "self", Status: Alive, Self: true, Started: now.Add(time.Second)},
		{Name: "dead", Status: Unreachable, Started: now.Add(2 * time.Second)},
		{Name: "hand", Status: Alive, Started: now.Add(9 * time.Second)},
		{Name: "retired", Status: Left, Started: now.Add(9 * time.Second)},
	}
	control := []Node{
		{Name: "control", Status: Alive, Self: true, Control: true, Started: now},
		{Name: "self", Status: Retiring, Provider: "local", ID: "pid 1", Retirable: true, Created: now.Add(time.Second)},
		{
			Name:      "dead",
			Status:    Ended,
			Message:   "process ended",
			Provider:  "local",
			Retirable: true,
			Created:   now.Add(2 * time.Second),
		},
		{
			Name:      "new",
			Status:    Creating,
			Provider:  "local",
			Retirable: true,
			Created:   now.Add(3 * time.Second),
			Steps:     []Step{{Name: "starting"}},
		},
		{Name: "hand", Status: Unreachable, Message: "does not answer", Started: now.Add(9 * time.Second)},
	}
	got := Merge(own, control)
	var names []string
	for _, n := range got {
		names = append(names, n.Name+" "+string(n.Status)+" "+n.Message)
	}
	want := []string{"control alive ", "self retiring ", "dead ended process ended", "new creating ", "hand alive "}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if !got[1].Self || got[1].Retirable || got[1].ID != "pid 1" {
		t.Errorf("self: %+v: want it to be self, known to its provider, and not retirable from its own console", got[1])
	}
	if !got[2].Retirable || len(got[3].Steps) != 1 {
		t.Errorf("made nodes: %+v, %+v", got[2], got[3])
	}
}
