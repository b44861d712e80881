package edit

import (
	"fmt"
	"strings"

	"github.com/rivo/uniseg"
)

// search is an incremental history search.
type search struct {
	text   string
	back   bool
	from   buffer // the text before the search
	entry  int    // the entry before the search
	failed bool   // no entry contains text
}

func (s *search) prompt() string {
	what := "search"
	if s.back {
		what = "reverse search"
	}
	if s.failed {
		what = "nothing found, " + what
	}
	return fmt.Sprintf("(%s) '%s': ", what, s.text)
}

func (e *Editor) beginSearch(back bool) {
	e.search = &search{back: back, from: e.buffer, entry: e.entry}
}

// searchKey handles a key of the search. Any other key ends the search and then acts on the result.
func (e *Editor) searchKey(k key) bool {
	s := e.search
	switch k.name {
	case "":
		s.text += k.text
		e.find(s.entryFrom(e))
	case "backspace":
		b := buffer{s.text, len(s.text)}
		if s.text != "" {
			b.cut(b.previous(), len(s.text))
		}
		s.text = b.text
		e.buffer, e.entry = s.from, s.entry
		e.find(s.entryFrom(e))
	case "C-r":
		s.back = true
		e.find(e.entry - 1)
	case "C-s":
		s.back = false
		e.find(e.entry + 1)
	case "C-g":
		e.buffer, e.entry, e.search = s.from, s.entry, nil
	case "escape":
		e.search = nil
	default:
		e.search = nil
		return false
	}
	return true
}

// entryFrom is where to search for a longer text: the shown entry may contain it.
func (s *search) entryFrom(e *Editor) int { return min(e.entry, len(e.History.entries)-1) }

// find shows the next entry from there that contains the text.
func (e *Editor) find(from int) {
	s := e.search
	found := e.History.find(s.text, from, s.back)
	if s.failed = found < 0; s.failed || s.text == "" {
		return
	}
	if e.entry == len(e.History.entries) {
		e.draft = s.from.text
	}
	e.entry, e.text = found, e.History.entries[found]
	e.pos = strings.Index(e.text, s.text)
	e.settle()
}

// formatCandidates formats candidates in columns, or a few with their docs, one per row.
func formatCandidates(list []Candidate, cols, rows int) (lines []string) {
	widest := 0
	for _, one := range list {
		widest = max(widest, uniseg.StringWidth(one.Text))
	}
	if len(list) <= rows && len(list) <= 8 {
		for _, one := range list {
			room := cols - widest - 3
			doc := ""
			if one.Doc != "" && room > 8 {
				doc = "  \x1b[2m" + truncate(one.Doc, room) + "\x1b[m"
			}
			lines = append(lines, truncate(one.Text, cols-1)+strings.Repeat(" ", widest-uniseg.StringWidth(one.Text))+doc)
		}
		return lines
	}
	columns := max(1, cols/(widest+2))
	for i := 0; i < len(list); i += columns {
		if len(lines) == rows-1 && i+columns < len(list) {
			return append(lines, fmt.Sprintf("\x1b[2m… and %d more\x1b[m", len(list)-i))
		}
		var line strings.Builder
		for _, one := range list[i:min(i+columns, len(list))] {
			line.WriteString(one.Text + strings.Repeat(" ", widest+2-uniseg.StringWidth(one.Text)))
		}
		lines = append(lines, truncate(strings.TrimRight(line.String(), " "), cols-1))
	}
	return lines
}

// truncate truncates text to a number of columns.
func truncate(text string, columns int) string {
	if uniseg.StringWidth(text) <= columns {
		return text
	}
	var b strings.Builder
	used, state := 1, -1
	for rest := text; rest != ""; {
		var cluster string
		var width int
		cluster, rest, width, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used += width; used > columns {
			break
		}
		b.WriteString(cluster)
	}
	return b.String() + "…"
}
