package screen

import "strings"

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
		rows[i] = s.normal.lines.at(s.normal.base - n + i).String()
	}
	return rows
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
