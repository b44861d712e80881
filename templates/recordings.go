package templates

import (
	"cmp"
	"fmt"
	"time"
)

// Recordings is the page with the recordings of all nodes.
type Recordings struct {
	Page
	Rows   []Recording // newest first
	Silent []Silent    // nodes that did not answer
}

// Recording is a recording as docs/protocol.md describes it.
type Recording struct {
	ID      string    `json:"id"`
	Node    string    `json:"node"` // full name
	Shell   string    `json:"shell"`
	Title   string    `json:"title"` // may be empty
	By      string    `json:"by"`    // who started it
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	Bytes   int64     `json:"bytes"`
	State   string    `json:"state"`  // "recording", "finished", "cut off"
	Reason  string    `json:"reason"` // why it ended
}

// Silent is a node that did not answer, and why.
type Silent struct {
	Node  string `json:"node"` // full name
	Error string `json:"error"`
}

// Player is the page that plays one recording.
type Player struct {
	Page
	Recording Recording
}

// Live reports whether the recording is in progress.
func (r Recording) Live() bool { return r.State == "recording" }

// Name is the title for users.
func (r Recording) Name() string { return cmp.Or(r.Title, "shell") }

// Length is the duration as players show it: 0:05, 12:34, 1:00:00.
func (r Recording) Length() string {
	s := int64(min(max(r.Seconds, 0), 1e9))
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Size is the number of bytes in the unit that suits it.
func (r Recording) Size() string {
	switch n := r.Bytes; {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(r.Bytes)/(1<<30))
}
