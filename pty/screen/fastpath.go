package screen

import (
	"bytes"
	"encoding/binary"
)

// fastMinBytes is the least plain text for which the fast path pays off.
const fastMinBytes = 1 << 10

// fastLines is the fast path for rows of plain text that appear and scroll off within one Write: they go directly into
// the history, without being drawn. It returns the number of bytes processed, 0 if the fast path does not apply: the
// text must start in a blank last row without attributes, margins, or modes that could change it, be printable ASCII in
// lines that end in CR LF, and fill the screen twice. If a retry is pointless for a while, wait is the number of bytes
// to process first.
func (s *Screen) fastLines(p []byte) (n, wait int) {
	b := s.buf
	if !b.history || b.top != 0 || b.bottom != s.rows-1 || b.row != s.rows-1 || s.ink != (cell{}) ||
		s.charset != nil || s.modes.Insert || !s.modes.Wrap || !b.peek(b.row).blank() {
		return 0, fastMinBytes / 4
	}
	rows, n := s.fastRows(p)
	if rows < 2*s.rows {
		return 0, n + 1
	}
	shown := make([]*line, s.rows)
	for i := range shown {
		shown[i] = b.lines.peek(i)
	}
	for _, l := range shown[:s.rows-1] {
		b.historyGrew(b.past.add(l, b.exts))
	}
	s.addFast(p[:n], rows-(s.rows-1), shown)
	s.inRun, s.joined = false, 0
	return n, 0
}

// fastRows counts the rows, and their bytes, at the start of p that qualify for the fast path.
func (s *Screen) fastRows(p []byte) (rows, n int) {
	for {
		end := bytes.IndexByte(p[n:], '\n')
		if end < 1 || p[n+end-1] != '\r' || !printable(p[n:n+end-1]) {
			return rows, n
		}
		if rows++; end-1 > s.cols {
			rows += (end - 2) / s.cols
		}
		n += end + 1
	}
}

// printable reports whether p is printable ASCII.
func printable(p []byte) bool {
	for ; len(p) >= 8; p = p[8:] {
		if w := binary.LittleEndian.Uint64(p); w&high|controls(w) != 0 {
			return false
		}
	}
	for _, c := range p {
		if c-0x20 >= 0x5f {
			return false
		}
	}
	return true
}

// addFast adds the first rows of the lines in p to the history, and the others, one fewer than the screen has, to the
// screen.
func (s *Screen) addFast(p []byte, away int, shown []*line) {
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
				b.historyGrew(b.past.addText(part, wrapped))
			} else {
				shown[row-away].setText(part, s.cols, wrapped)
			}
			row++
		}
	}
}

// setText sets the line to ASCII text without attributes.
func (l *line) setText(text []byte, cols int, wrapped bool) {
	l.reset(cols, cell{})
	for i, c := range text {
		l.cells[i].content = uint32(c)
	}
	l.wrapped = wrapped
}
