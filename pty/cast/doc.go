// Package cast keeps recordings of terminals: files in the format asciicast v3
// (https://docs.asciinema.org/manual/asciicast/v3/), and directories of them.
//
// A file is one header line and one line for each event, with the seconds since
// the event before. Convoy adds two things that other programs pass over: an
// object "convoy" in the header, which says whose shell it was, and a last line
// that is a comment:
//
//	# end {"seconds":12.345,"reason":"the shell ended"}
//
// A file without that line is still written to, which a lock on it tells
// (flock), or its writer was killed.
package cast

import (
	"errors"
	"time"
)

// Header is what the first line of a recording says.
type Header struct {
	Cols, Rows int    // the terminal's size at the start, 1 to 1000
	Term       string // its type, such as xterm-256color
	Title      string
	Started    time.Time // to the second
	Node       string    // full name of the shell's node
	Shell      string    // the shell's id
	By         string    // who started it
}

// End is what the last line says.
type End struct {
	Seconds float64 `json:"seconds"`       // from the start to the end
	Reason  string  `json:"reason"`        // why it ended
	Cut     bool    `json:"cut,omitempty"` // its writer was killed, and the rest is missing
}

// Code says what an Event is. Readers pass over codes that they do not know.
type Code string

// The codes of asciicast v3 that Convoy writes.
const (
	Output Code = "o" // Data is what was put out
	Resize Code = "r" // Data is COLSxROWS
	Marker Code = "m" // Data is a label
	Exit   Code = "x" // Data is the program's exit status
)

// Event is one line of a recording.
type Event struct {
	At   time.Duration // since the start
	Code Code
	Data string
}

var (
	// ErrFormat says that a file is no asciicast v2 or v3.
	ErrFormat = errors.New("no asciicast")
	// ErrNotFound says that a directory has no recording of that id.
	ErrNotFound = errors.New("no such recording")
	// ErrRecording says that a recording is still written to.
	ErrRecording = errors.New("it is still being recorded")
	// ErrFull says that there is no room left though nothing can be removed.
	ErrFull = errors.New("the recordings are full")
	// ErrNoDir says that there is no directory to keep recordings in.
	ErrNoDir = errors.New("there is no directory for recordings")
)

// maxSide is the largest number of rows or columns.
const maxSide = 1000

// wire is a header as it stands in a file, of version 2 or 3.
type wire struct {
	Version int `json:"version"`
	Term    struct {
		Cols int    `json:"cols"`
		Rows int    `json:"rows"`
		Type string `json:"type,omitempty"`
	} `json:"term,omitzero"`
	Width     int     `json:"width,omitempty"` // of version 2
	Height    int     `json:"height,omitempty"`
	Timestamp float64 `json:"timestamp,omitempty"` // s since 1970
	Title     string  `json:"title,omitempty"`
	Convoy    struct {
		Node  string `json:"node"`
		Shell string `json:"shell"`
		By    string `json:"by"`
	} `json:"convoy,omitzero"`
}

// endMark begins the last line.
const endMark = "# end "
