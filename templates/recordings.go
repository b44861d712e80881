package templates

import "time"

// Recordings is the page with the recordings of all nodes.
type Recordings struct {
	Page
	Rows   []Recording // newest first
	Silent []Silent    // nodes that did not answer
}

// Recording is one recording.
type Recording struct {
	ID      string
	Node    string // full name
	Short   string
	Shell   string
	Title   string
	By      string // who started it
	Started time.Time
	Length  string // 12:34
	Size    string // 1.2 MiB
	State   string // "recording", "finished", "cut off"
	Reason  string // why it ended
}

// Silent is a node that did not answer, and why.
type Silent struct{ Short, Reason string }

// Player is the page that plays one recording.
type Player struct {
	Page
	Recording Recording
}

// Live reports whether the recording is in progress.
func (r Recording) Live() bool { return r.State == "recording" }
