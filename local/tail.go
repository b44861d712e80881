package local

import (
	"bytes"
	"strings"
)

const (
	tailLines    = 64
	tailBytes    = 1 << 10 // of one line; the rest of it is dropped
	messageBytes = 512     // of what a process says about its end
)

// tail keeps the last lines of a process's output. It belongs to one writer;
// it may be read when that has ended.
type tail struct {
	onLine  func(line string) // told every line
	lines   []string
	partial []byte // the line without its end yet
}

// Write never fails: a process must not end because nobody keeps its words.
func (t *tail) Write(b []byte) (int, error) {
	n := len(b)
	for {
		line, rest, found := bytes.Cut(b, []byte("\n"))
		t.partial = append(t.partial, line[:min(len(line), tailBytes-len(t.partial))]...)
		if !found {
			return n, nil
		}
		t.end()
		b = rest
	}
}

// end takes the open line as a whole one.
func (t *tail) end() {
	line := strings.TrimRight(strings.ToValidUTF8(string(t.partial), "\uFFFD"), " \t\r")
	t.partial = t.partial[:0]
	if line == "" {
		return
	}
	t.onLine(line)
	t.lines = append(t.lines, line)
	if len(t.lines) > tailLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
}

// telling are the beginnings of lines that say why a Go program ended, the
// best first.
var errorPrefixes = []string{"convoy: error: ", "panic: ", "fatal error: "}

// reason returns the line that says best why the process ended, with the hint
// that goes with it, or nothing.
func (t *tail) reason() string {
	if len(t.partial) > 0 {
		t.end()
	}
	for _, start := range errorPrefixes {
		for i, line := range t.lines {
			said, ok := strings.CutPrefix(line, start)
			if !ok {
				continue
			}
			if i+1 < len(t.lines) {
				if hint, ok := strings.CutPrefix(t.lines[i+1], "convoy: hint: "); ok {
					said += " (" + hint + ")"
				}
			}
			return truncate(said)
		}
	}
	if len(t.lines) == 0 {
		return ""
	}
	return truncate(t.lines[len(t.lines)-1])
}

func truncate(s string) string {
	if len(s) <= messageBytes {
		return s
	}
	return strings.ToValidUTF8(s[:messageBytes], "") + "…"
}
