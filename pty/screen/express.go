package screen

import "bytes"

// expressBytes is how much plain text is worth the short way.
const expressBytes = 4 << 10

// express takes the short way for rows of plain text that come and scroll away within
// one Write: they go into the history as they are, without being drawn. It returns how
// many bytes it took, 0 if the short way is not open: the text has to begin in a blank
// last row, without attributes, margins or modes that could change it, to be printable
// ASCII in lines that end in CR LF, and to fill the screen twice.
func (s *Screen) express(p []byte) int {
	b := s.buf
	if b.lines.max == b.rows || b.top != 0 || b.bottom != s.rows-1 || b.row != s.rows-1 || b.col != 0 ||
		s.ink != (cell{}) || s.charset != nil || s.modes.Insert || !s.modes.Wrap || !b.current().blank() {
		return 0
	}
	rows, n := s.expressRows(p)
	if rows < 2*s.rows {
		return 0
	}
	shown := make([]*line, s.rows)
	for i := range shown {
		shown[i] = b.line(i)
	}
	b.lines.truncate(b.base)
	for _, l := range shown[:s.rows-1] {
		b.scratch = l.appendPacked(b.scratch[:0])
		b.keep(b.scratch, l.combined, l.wrapped)
	}
	s.expressText(p[:n], rows-(s.rows-1), shown)
	b.base = b.lines.n
	for _, l := range shown {
		b.lines.push(l)
	}
	s.inRun, s.joined = false, 0
	return n
}

// expressRows counts the rows that the lines at the beginning of p take which can go
// the short way, and the bytes of them.
func (s *Screen) expressRows(p []byte) (rows, n int) {
	for {
		text, ok := expressLine(p[n:])
		if !ok {
			return rows, n
		}
		rows += max(1, (len(text)+s.cols-1)/s.cols)
		n += len(text) + 2
	}
}

// expressLine is the text of the line that p begins with, if it is of printable ASCII.
func expressLine(p []byte) (text []byte, ok bool) {
	i := bytes.IndexByte(p, '\n')
	if i < 1 || p[i-1] != '\r' {
		return nil, false
	}
	text, odd := p[:i-1], byte(0)
	for _, c := range text {
		odd |= (c - 0x20) & 0x80 // a control, or no ASCII
		odd |= (c + 1) & 0x80    // DEL as well
	}
	return text, odd == 0
}

// expressText puts the first rows of the lines in p into the history, and the others,
// one fewer than the screen has, onto its lines.
func (s *Screen) expressText(p []byte, away int, shown []*line) {
	b := s.buf
	row := 0
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		text := p[:end-1]
		p = p[end+1:]
		for wrapped := false; !wrapped || len(text) > 0; wrapped = true {
			part := text[:min(len(text), s.cols)]
			text = text[len(part):]
			if row < away {
				b.scratch = appendText(b.scratch[:0], part, s.cols)
				b.keep(b.scratch, nil, wrapped)
			} else {
				shown[row-away].setText(part, s.cols, wrapped)
			}
			row++
		}
	}
}

// setText makes the line one of ASCII text without attributes.
func (l *line) setText(text []byte, cols int, wrapped bool) {
	l.reset(cols, cell{})
	for i, c := range text {
		l.cells[i].content = uint32(c)
	}
	l.wrapped = wrapped
}
