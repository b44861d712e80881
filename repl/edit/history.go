package edit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
)

const (
	// maxEntries is how many lines a history holds, and maxEntry how long one may be, in bytes.
	maxEntries = 1000
	maxEntry   = 64 << 10
)

// History is what was typed, oldest first. One goroutine may use it at a time; several processes may share a file.
type History struct {
	entries []string
	path    string
}

// OpenHistory reads a history from a file, one JSON string a line, which it makes if it is not there. Lines that are
// none are passed over. Without a path, or where the file cannot be had, the history lasts as long as the value; err
// says why.
func OpenHistory(path string) (h *History, err error) {
	h = &History{}
	if path == "" {
		return h, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return h, err
	}
	defer file.Close()
	h.path = path
	lines, read := 0, bufio.NewScanner(file)
	read.Buffer(nil, 8*maxEntry)
	for read.Scan() {
		lines++
		var text string
		if json.Unmarshal(read.Bytes(), &text) == nil && text != "" {
			h.entries = append(h.entries, text)
		}
	}
	h.entries = h.entries[max(0, len(h.entries)-maxEntries):]
	if lines > 2*maxEntries {
		return h, h.rewrite()
	}
	return h, read.Err()
}

// Add keeps what was typed: not what is empty, begins with a blank, repeats the last entry or is huge.
func (h *History) Add(text string) error {
	if strings.TrimSpace(text) == "" || text[0] == ' ' || len(text) > maxEntry || len(h.entries) > 0 && h.entries[len(h.entries)-1] == text {
		return nil
	}
	h.entries = append(h.entries, text)
	h.entries = h.entries[max(0, len(h.entries)-maxEntries):]
	if h.path == "" {
		return nil
	}
	file, err := os.OpenFile(h.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(append(encoded(text), '\n')) // one write: those of other processes stand before or behind it
	return err
}

// rewrite keeps the last entries alone.
func (h *History) rewrite() error {
	var all bytes.Buffer
	for _, text := range h.entries {
		all.Write(append(encoded(text), '\n'))
	}
	temporary := h.path + ".new"
	if err := os.WriteFile(temporary, all.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, h.path)
}

func encoded(text string) []byte {
	line, _ := json.Marshal(text) //nolint:errcheck // a string always marshals
	return line
}

// find is the entry next to from, backwards or forwards, that holds text; -1 if there is none.
func (h *History) find(text string, from int, back bool) int {
	step := 1
	if back {
		step = -1
	}
	for i := from; i >= 0 && i < len(h.entries); i += step {
		if strings.Contains(h.entries[i], text) {
			return i
		}
	}
	return -1
}

// Entries are all entries, oldest first.
func (h *History) Entries() []string { return slices.Clone(h.entries) }
