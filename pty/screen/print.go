package screen

// startRun precedes a character that was not printed right after another: if it would overwrite the right half of a
// wide character, the left half is cleared.
func (s *Screen) startRun(l *line) {
	s.inRun = true
	if s.buf.col > 0 && l.width(s.buf.col-1) == 2 {
		l.set(s.buf.col-1, s.ink)
	}
}

// endRun clears the right half of a wide character whose left half was overwritten.
func (s *Screen) endRun(l *line) {
	if col := s.buf.col; col < s.cols && l.width(col) == 0 && !l.filled(col) {
		l.cells[col] = s.ink
	}
}

// printASCII prints the printable ASCII at the start of p and returns its length, at least 1. p[0] must be printable.
func (s *Screen) printASCII(p []byte) int {
	if s.charset != nil || s.modes.Insert || !s.modes.Wrap {
		s.print(uint32(p[0]))
		return 1
	}
	b := s.buf
	l := b.current()
	if !s.inRun {
		s.startRun(l)
	}
	ink, n := s.ink, 0
	for n < len(p) && p[n]-0x20 < 0x5f {
		if b.col >= s.cols {
			l = s.wrap()
		}
		cells := l.cells[b.col:s.cols]
		text := p[n:]
		if len(text) > len(cells) {
			text = text[:len(cells)]
		}
		k := 0
		for ; k < len(text) && text[k]-0x20 < 0x5f; k++ {
			ink.content = uint32(text[k])
			cells[k] = ink
		}
		b.col += k
		n += k
	}
	s.endRun(l)
	s.joined = joinWidth1
	return n
}

// joined describes the last printed character, for combining characters and REP: its width << 1, plus 1 if it was
// combined. It is 0 after anything else.
const joinWidth1 = 1 << 1

// wrap moves the cursor to the start of the next row, which continues this one.
func (s *Screen) wrap() *line {
	b := s.buf
	b.col = 0
	b.row++
	if b.row == b.bottom+1 {
		b.row--
		b.scroll(s.erased(), true)
		return b.current()
	}
	b.row = min(b.row, s.rows-1)
	l := b.current()
	l.wrapped = true
	return l
}

// print writes one character at the cursor (UAX #11 widths; DECAWM, IRM).
func (s *Screen) print(code uint32) {
	b := s.buf
	l := b.current()
	if !s.inRun {
		s.startRun(l)
	}
	if s.charset != nil && code < 127 && s.charset.to[code] != 0 {
		code = uint32(s.charset.to[code])
	}
	w := columns(code)
	combine := false
	if last := int(s.joined >> 1); w == 0 && last > 0 {
		w, combine = last, true
	}
	s.joined = uint8(w << 1)
	if combine {
		s.joined |= 1
	}
	if combine && b.col > 0 {
		at := b.col - 1
		if l.width(at) == 0 {
			at--
		}
		l.join(at, code, w)
		s.endRun(l)
		return
	}
	if b.col+w > s.cols {
		if !s.modes.Wrap {
			b.col = s.cols - 1
			if w == 2 {
				s.endRun(l)
				return
			}
		} else {
			l = s.wrapEarly(l)
		}
	}
	s.putCell(l, code, w)
	s.endRun(l)
}

// wrapEarly wraps, and blanks the rest of the row when a wide character did not fit.
func (s *Screen) wrapEarly(old *line) *line {
	col := s.buf.col
	l := s.wrap()
	for ; col < s.cols; col++ {
		old.set(col, s.ink)
	}
	return l
}

// putCell writes a character of w columns that is known to fit.
func (s *Screen) putCell(l *line, code uint32, w int) {
	b := s.buf
	if s.modes.Insert {
		s.work += s.cols - b.col
		l.insert(b.col, w, s.ink)
		if l.width(s.cols-1) == 2 {
			l.cells[s.cols-1] = s.ink
		}
	}
	c := s.ink
	c.content = content(code, w)
	l.set(b.col, c)
	b.col++
	if w == 2 {
		c.content = content(0, 0)
		l.set(b.col, c)
		b.col++
	}
}

const (
	// printWork and joinWork are the costs of repeating a character and a combining one, in cells.
	printWork = 16
	joinWork  = 128
	// repeatWork limits a REP: times all cells of the screen.
	repeatWork = printWork
)

// repeat is REP: it prints the last character again if nothing came in between, as in xterm at most once per cell of
// the screen. It stops early if that costs too much: with many combining characters, or where each character moves
// those after it.
func (s *Screen) repeat(n int) {
	if s.joined == 0 {
		return
	}
	text := s.buf.current().text(s.buf.col - int(s.joined>>1))
	cells := s.rows * s.cols
	limit := s.work + repeatWork*cells
	for n = min(n, cells); n > 0 && s.work < limit; n-- {
		if done := s.repeatASCII(text, n); done > 0 {
			n -= done - 1
			continue
		}
		for i, r := range text {
			s.work += printWork
			if i > 0 {
				s.work += joinWork
			}
			s.print(uint32(r))
		}
	}
	s.inRun = false
}

// repeatASCII prints a character n times, or as often as the fast path allows: not at all if it is not printable ASCII,
// or the modes prevent it.
func (s *Screen) repeatASCII(text string, n int) int {
	if len(text) != 1 || text[0]-0x20 >= 0x5f || s.charset != nil || s.modes.Insert || !s.modes.Wrap {
		return 0
	}
	var run [256]byte
	n = min(n, len(run))
	for i := range n {
		run[i] = text[0]
	}
	s.work += n
	return s.printASCII(run[:n])
}
