package screen

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	// noteRunes limits the text of a notification, in characters, and noteBytes what is read of it.
	noteRunes = 200
	noteBytes = 4 << 10
)

// Signals are what the program has reported beside its text. The counters only grow.
type Signals struct {
	Bells    int // rings of the bell
	Notes    int // notifications: OSC 9, OSC 777;notify, OSC 99
	Note     string
	Progress Progress
	Starts   int // commands that began (OSC 133;C)
	Ends     int // commands that ended (OSC 133;D)
}

// Progress is what OSC 9;4 reports.
type Progress struct {
	State   ProgressState
	Percent int // 0 to 100
}

// ProgressState is a state of OSC 9;4, with its number there.
type ProgressState int

// The states. Percent is unknown while it is ProgressBusy.
const (
	ProgressNone ProgressState = iota
	ProgressNormal
	ProgressError
	ProgressBusy
	ProgressPaused
)

// String is the state's name, empty for ProgressNone.
func (p ProgressState) String() string {
	return [...]string{"", "normal", "error", "busy", "paused"}[p]
}

// Signals returns what was reported. Note is the last notification's text: valid UTF-8, one line, without characters
// that are not visible, and up to 200 characters.
func (s *Screen) Signals() Signals { return s.signals }

// Signalled counts the changes of Signals and Prompt.
func (s *Screen) Signalled() int { return s.signalled }

// ClearProgress forgets the progress of a program that ended without doing so.
func (s *Screen) ClearProgress() { s.signals.Progress = Progress{} }

// bell is BEL.
func (s *Screen) bell() {
	s.signals.Bells++
	s.signalled++
}

// notify records a notification. An empty one counts too.
func (s *Screen) notify(parts ...string) {
	parts = slices.DeleteFunc(parts, func(part string) bool { return strings.TrimSpace(part) == "" })
	s.signals.Note = cleanNote(strings.Join(parts, ": "))
	s.signals.Notes++
	s.signalled++
}

// osc9 handles 9;4;state;percent, and 9;text, a notification. ConEmu's other numbered commands are ignored.
func (s *Screen) osc9(text string) {
	if progress, ok := strings.CutPrefix(text, "4;"); ok {
		s.setProgress(progress)
		return
	}
	command, _, _ := strings.Cut(text, ";")
	if _, err := strconv.Atoi(command); err != nil {
		s.notify(text)
	}
}

// setProgress handles state[;percent]. Without a percentage, error and pause keep the last one.
func (s *Screen) setProgress(text string) {
	number, value, _ := strings.Cut(text, ";")
	state, err := strconv.Atoi(number)
	if err != nil || state < 0 || ProgressState(state) > ProgressPaused {
		return
	}
	progress := Progress{State: ProgressState(state)}
	percent, err := strconv.Atoi(value)
	switch {
	case progress.State == ProgressNone || progress.State == ProgressBusy:
	case err == nil:
		progress.Percent = min(max(percent, 0), 100)
	case progress.State != ProgressNormal:
		progress.Percent = s.signals.Progress.Percent
	}
	s.signals.Progress = progress
	s.signalled++
}

// osc777 handles notify;title;body, as urxvt and its followers.
func (s *Screen) osc777(text string) {
	if text, ok := strings.CutPrefix(text, "notify;"); ok {
		title, body, _ := strings.Cut(text, ";")
		s.notify(title, body)
	}
}

// desktopNote is a notification of OSC 99 that arrives in parts.
type desktopNote struct{ id, title, body string }

// osc99 handles kitty's keys ; payload, in parts until one has d=1 or no d. Only titles and bodies count.
func (s *Screen) osc99(text string) {
	head, payload, _ := strings.Cut(text, ";")
	keys := map[string]string{}
	for pair := range strings.SplitSeq(head[:min(len(head), noteBytes)], ":") {
		key, value, _ := strings.Cut(pair, "=")
		keys[key] = value
	}
	if id := keys["i"]; id != s.pending.id {
		s.pending = desktopNote{id: id}
	}
	payload = payload[:min(len(payload), noteBytes)]
	if keys["e"] == "1" {
		decoded, _ := base64.StdEncoding.DecodeString(payload) //nolint:errcheck // what precedes the error is used
		payload = string(decoded)
	}
	switch keys["p"] {
	case "", "title":
		s.pending.title = cleanNote(s.pending.title + payload)
	case "body":
		s.pending.body = cleanNote(s.pending.body + payload)
	default:
		return
	}
	if keys["d"] != "0" {
		s.notify(s.pending.title, s.pending.body)
		s.pending = desktopNote{}
	}
}

// cleanNote makes one line of visible characters of a text, and limits it.
func cleanNote(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), noteBytes)], "")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf):
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	n := 0
	for i := range text {
		if n++; n > noteRunes {
			return strings.TrimSpace(text[:i])
		}
	}
	return text
}
