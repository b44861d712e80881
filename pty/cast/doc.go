// Package cast stores terminal recordings: files in the format asciicast v3
// (https://docs.asciinema.org/manual/asciicast/v3/), and directories of them.
//
// A file has a header line and one line per event, with the seconds since the previous event. Convoy adds two things
// that other programs ignore: an object "convoy" in the header, which identifies the shell, and a last line that is a
// comment:
//
//	# end {"seconds":12.345,"reason":"the shell ended"}
//
// A file without that line is either being written, and then locked (flock), or its writer was killed.
package cast

import (
	"errors"
	"time"
)

// Header is the first line of a recording.
type Header struct {
	Cols, Rows int    // the terminal's initial size, 1 to 1000
	Term       string // terminal type, such as xterm-256color
	Title      string
	Started    time.Time // to the second
	Node       string    // full name of the shell's node
	Shell      string    // the shell's id
	By         string    // the user who started it
}

// End is the last line.
type End struct {
	Seconds float64 `json:"seconds"`       // from the start
	Reason  string  `json:"reason"`        // why it ended
	Cut     bool    `json:"cut,omitempty"` // its writer was killed, and the rest is missing
}

// Code is the kind of an Event. Readers ignore unknown codes.
type Code string

// The codes of asciicast v3 that Convoy writes.
const (
	Output Code = "o" // Data is output
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
	// ErrFormat reports a file that is neither asciicast v2 nor v3.
	ErrFormat = errors.New("not an asciicast")
	// ErrNotFound reports that a directory has no such recording.
	ErrNotFound = errors.New("no such recording")
	// ErrRecording reports that a recording is still being written.
	ErrRecording = errors.New("it is still being recorded")
	// ErrFull reports that there is no room, and nothing can be removed.
	ErrFull = errors.New("the recordings are full")
	// ErrNoDir reports that there is no directory for recordings.
	ErrNoDir = errors.New("there is no directory for recordings")
)

// maxSide limits rows and columns.
const maxSide = 1000

// fileHeader is the header in a file, of version 2 or 3.
type fileHeader struct {
	Version int `json:"version"`
	Term    struct {
		Cols int    `json:"cols"`
		Rows int    `json:"rows"`
		Type string `json:"type,omitempty"`
	} `json:"term,omitzero"`
	Width     int     `json:"width,omitempty"` // version 2
	Height    int     `json:"height,omitempty"`
	Timestamp float64 `json:"timestamp,omitempty"` // s since 1970
	Title     string  `json:"title,omitempty"`
	Convoy    struct {
		Node  string `json:"node"`
		Shell string `json:"shell"`
		By    string `json:"by"`
	} `json:"convoy,omitzero"`
}

const endMark = "# end "
