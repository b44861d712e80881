package edit

import (
	"fmt"
	"strings"

	"github.com/rivo/uniseg"
)

// search is a search of the history, letter by letter.
type search struct {
	text  string
	back  bool
	from  buffer // what was edited before
	entry int    // of before
	lost  bool   // nothing holds the text
}

func (s *search) prompt() string {
	what := "search"
	if s.back {
		what = "reverse search"
	}
	if s.lost {
		what = "nothing found, " + what
	}
	return fmt.Sprintf("(%s) '%s': ", what, s.text)
}

func (e *Editor) beginSearch(back bool) {
	e.search = &search{back: back, from: e.buffer, entry: e.entry}
}

// searches takes a key that concerns the search; any other ends it, and has its own effect on what was found.
func (e *Editor) searches(k key) bool {
	s := e.search
	switch k.name {
	case "":
		s.text += k.text
		e.look(s.entryFrom(e))
	case "backspace":
		b := buffer{s.text, len(s.text)}
		if s.text != "" {
			b.cut(b.previous(), len(s.text))
		}
		s.text = b.text
		e.buffer, e.entry = s.from, s.entry
		e.look(s.entryFrom(e))
	case "C-r":
		s.back = true
		e.look(e.entry - 1)
	case "C-s":
		s.back = false
		e.look(e.entry + 1)
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

// entryFrom is where a longer text is looked for: what is shown may hold it as well.
func (s *search) entryFrom(e *Editor) int { return min(e.entry, len(e.History.entries)-1) }

// look shows the next entry from there that holds the text.
func (e *Editor) look(from int) {
	s := e.search
	found := e.History.find(s.text, from, s.back)
	if s.lost = found < 0; s.lost || s.text == "" {
		return
	}
	if e.entry == len(e.History.entries) {
		e.draft = s.from.text
	}
	e.entry, e.text = found, e.History.entries[found]
	e.pos = strings.Index(e.text, s.text)
	e.settle()
}

// listed shows candidates in columns, or one below the other with what they are if they are few.
func listed(list []Candidate, cols, rows int) (lines []string) {
	widest := 0
	for _, one := range list {
		widest = max(widest, uniseg.StringWidth(one.Text))
	}
	if len(list) <= rows && len(list) <= 8 {
		for _, one := range list {
			room := cols - widest - 3
			doc := ""
			if one.Doc != "" && room > 8 {
				doc = "  \x1b[2m" + shortened(one.Doc, room) + "\x1b[m"
			}
			lines = append(lines, shortened(one.Text, cols-1)+strings.Repeat(" ", widest-uniseg.StringWidth(one.Text))+doc)
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
		lines = append(lines, shortened(strings.TrimRight(line.String(), " "), cols-1))
	}
	return lines
}

// shortened is text in at most so many columns.
func shortened(text string, columns int) string {
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
