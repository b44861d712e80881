package screen

import (
	"bytes"
	"strings"
)

// Text returns the rows of the screen as text, without the blanks at their ends.
func (s *Screen) Text() []string {
	rows := make([]string, s.rows)
	for i := range rows {
		rows[i] = s.buf.line(i).String()
	}
	return rows
}

// HistoryRows returns how many rows have scrolled off the top of the normal
// screen and are kept.
func (s *Screen) HistoryRows() int { return s.normal.base }

// History returns the last n rows of the history as text, oldest first, without
// the blanks at their ends.
func (s *Screen) History(n int) []string {
	n = max(min(n, s.normal.base), 0)
	rows := make([]string, n)
	for i := range rows {
		rows[i] = s.normal.at(s.normal.base - n + i).String()
	}
	return rows
}

// WriteText writes the history and the screen of the normal buffer, or the alternate
// screen while that is shown, as lines of text that end in a line feed. Rows that
// continue the one before (DECAWM) are one line with it; blank lines at the end are
// left out.
func (s *Screen) WriteText(w *bytes.Buffer) {
	b, last := s.buf, 0
	for i := range b.lines.n {
		l := b.at(i)
		if i > 0 && !l.wrapped {
			w.WriteByte('\n')
		}
		if text := l.String(); text != "" {
			w.WriteString(text)
			last = w.Len()
		}
	}
	w.Truncate(last)
	if last > 0 {
		w.WriteByte('\n')
	}
}

// String returns the text up to the last character that is no space.
func (l *line) String() string {
	var b strings.Builder
	for col := 0; col < len(l.cells); col += max(l.width(col), 1) {
		if t := l.text(col); t != "" {
			b.WriteString(t)
		} else {
			b.WriteByte(' ')
		}
	}
	return strings.TrimRight(b.String(), " ")
}
