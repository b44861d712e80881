package local

import (
	"bytes"
	"io"
	"os"
	"strings"
)

const (
	tailLines    = 64
	tailBytes    = 1 << 10 // of one line; the rest is dropped
	messageBytes = 512     // of the reason why a process ended
	savedBytes   = 128 << 10
)

// tail keeps the last lines of a process's output. It has one writer, and may be read when that is done.
type tail struct {
	onLine  func(line string) // called with every line
	lines   []string
	partial []byte // the last line, still without its end

	file *os.File // has what was written, for the process that follows this one; nil: none
	size int64    // of the file, at most savedBytes
}

// save appends to the file. A full file begins again with the last lines.
func (t *tail) save(b []byte) {
	if t.file == nil {
		return
	}
	if t.size+int64(len(b)) > savedBytes {
		last := append([]byte(strings.Join(append(t.lines, ""), "\n")), t.partial...)
		b = append(last, b...)
		t.size = 0
		_ = t.file.Truncate(0) // memory does not fail
	}
	n, _ := t.file.WriteAt(b, t.size)
	t.size += int64(n)
}

// restore continues with the file of an earlier process. It reports none of its lines.
func (t *tail) restore(file *os.File) error {
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 2*savedBytes))
	if err != nil {
		return err
	}
	t.onLine = func(string) {}
	_, _ = t.Write(text)
	t.file, t.size = file, int64(len(text))
	return nil
}

// Write never fails: that could end the process.
func (t *tail) Write(b []byte) (int, error) {
	t.save(b)
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

// end completes the last line.
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

// errorPrefixes begin the lines in which a Go program reports why it ended, the best first.
var errorPrefixes = []string{"convoy: error: ", "panic: ", "fatal error: "}

// reason returns the line that best explains why the process ended, with its hint; "" if there is none.
func (t *tail) reason() string {
	if len(t.partial) > 0 {
		t.end()
	}
	for _, start := range errorPrefixes {
		for i, line := range t.lines {
			text, ok := strings.CutPrefix(line, start)
			if !ok {
				continue
			}
			if i+1 < len(t.lines) {
				if hint, ok := strings.CutPrefix(t.lines[i+1], "convoy: hint: "); ok {
					text += " (" + hint + ")"
				}
			}
			return truncate(text)
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
