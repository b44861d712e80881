package screen

import (
	"bytes"
	"strings"
)

// Text returns the rows of the screen as text, without trailing blanks.
func (s *Screen) Text() []string {
	rows := make([]string, s.rows)
	for i := range rows {
		rows[i] = s.buf.line(i).String()
	}
	return rows
}

// BeforeCursor returns the text of the cursor's row, without trailing blanks; "" if the cursor is hidden, or not behind
// the text.
func (s *Screen) BeforeCursor() string {
	if l := s.buf.line(s.buf.row); !s.hidden && l.trimmed() <= s.buf.col {
		return l.String()
	}
	return ""
}

// WriteText writes the history, the normal screen, and the alternate screen if it is shown, as lines of text that end
// in a line feed. Wrapped rows (DECAWM) are joined into one line, as the program wrote it. Trailing blanks and blank
// lines at the end are omitted.
func (s *Screen) WriteText(w *bytes.Buffer) {
	s.normal.writeText(w)
	if s.buf == &s.alt {
		s.alt.writeText(w)
	}
	s.exts.sweepIfMany(s.markUsed)
}

func (b *buffer) writeText(w *bytes.Buffer) {
	var rows [2]line
	end, begin := w.Len(), w.Len()
	next := b.read(0, &rows[0])
	for i := range b.count() {
		l := next
		cols := l.trimmed()
		if i+1 < b.count() {
			if next = b.read(i+1, &rows[(i+1)&1]); next.wrapped {
				cols = usedColumns([]*line{l, next}, 0, b.cols)
			}
		}
		w.Write(l.appendText(w.AvailableBuffer(), cols))
		if i+1 < b.count() && next.wrapped {
			continue
		}
		w.Truncate(begin + len(bytes.TrimRight(w.Bytes()[begin:], " ")))
		if w.Len() > begin {
			end = w.Len() + 1
		}
		w.WriteByte('\n')
		begin = w.Len()
	}
	w.Truncate(end)
}

// String returns the text up to the last character that is not a space.
func (l *line) String() string {
	return strings.TrimRight(string(l.appendText(nil, len(l.cells))), " ")
}

// appendText appends the text of the first columns, with spaces for blanks.
func (l *line) appendText(text []byte, cols int) []byte {
	for col := 0; col < cols; col += max(l.width(col), 1) {
		if t := l.text(col); t != "" {
			text = append(text, t...)
		} else {
			text = append(text, ' ')
		}
	}
	return text
}
