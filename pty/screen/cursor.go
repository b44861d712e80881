package screen

// restrict moves the cursor onto the screen, within the margins if DECOM is set, and limits its column to maxCol.
func (s *Screen) restrict(maxCol int) {
	b := s.buf
	b.col = min(maxCol, max(0, b.col))
	if s.modes.Origin {
		b.row = min(b.bottom, max(b.top, b.row))
	} else {
		b.row = min(s.rows-1, max(0, b.row))
	}
}

// moveTo sets the cursor; with DECOM, row counts from the top margin.
func (s *Screen) moveTo(row, col int) {
	if s.modes.Origin {
		row += s.buf.top
	}
	s.buf.row, s.buf.col = row, col
	s.restrict(s.cols - 1)
}

// moveBy moves the cursor. With DECOM it also moves down by the top margin, as in xterm.js.
func (s *Screen) moveBy(rows, cols int) {
	s.restrict(s.cols - 1)
	s.moveTo(s.buf.row+rows, s.buf.col+cols)
}

// up moves the cursor up, but not past the top margin.
func (s *Screen) up(n int) {
	if room := s.buf.row - s.buf.top; room >= 0 {
		n = min(n, room)
	}
	s.moveBy(-n, 0)
}

// down moves the cursor down, but not past the bottom margin.
func (s *Screen) down(n int) {
	if room := s.buf.bottom - s.buf.row; room >= 0 {
		n = min(n, room)
	}
	s.moveBy(n, 0)
}

func (s *Screen) lineFeed() {
	b := s.buf
	if s.modes.NewLine {
		b.col = 0
	}
	b.row++
	switch {
	case b.row == b.bottom+1:
		b.row--
		b.scroll(s.erased(), false)
	case b.row >= s.rows:
		b.row = s.rows - 1
	default:
		b.peek(b.row).wrapped = false
	}
	if b.col >= s.cols {
		b.col--
	}
}

// index moves down one row, and scrolls at the bottom margin.
func (s *Screen) index() {
	b := s.buf
	s.restrict(s.cols - 1)
	b.row++
	if b.row == b.bottom+1 {
		b.row--
		b.scroll(s.erased(), false)
	}
	s.restrict(s.cols - 1)
}

// reverseIndex moves up one row, and scrolls at the top margin.
func (s *Screen) reverseIndex() {
	b := s.buf
	s.restrict(s.cols - 1)
	if b.row == b.top {
		b.shiftDown(b.top, 1, s.erased())
		return
	}
	b.row--
	s.restrict(s.cols - 1)
}

func (s *Screen) backspace() {
	b := s.buf
	if !s.modes.ReverseWrap {
		s.restrict(s.cols - 1)
		b.col = max(b.col-1, 0)
		return
	}
	s.restrict(s.cols)
	switch {
	case b.col > 0:
		b.col--
	case b.row > b.top && b.row <= b.bottom && b.current().wrapped:
		b.current().wrapped = false
		b.row--
		b.col = s.cols - 1
		if l := b.current(); l.width(b.col) > 0 && !l.filled(b.col) {
			b.col-- // a wide character did not fit there
		}
	}
	s.restrict(s.cols - 1)
}

// tabs moves by n tab stops, in the direction of stop.
func (s *Screen) tabs(n int, stop func(int) int) {
	b := s.buf
	if b.col >= s.cols {
		return
	}
	for range min(n, s.cols) {
		col := b.col
		if b.col = stop(col); b.col == col {
			return
		}
		s.work += max(b.col-col, col-b.col) / tabColumns
	}
}

func (s *Screen) clearTabs(which int) {
	switch which {
	case 0:
		s.buf.clearTab(s.buf.col)
	case 3:
		clear(s.buf.tabs)
	}
}

func (s *Screen) setMargins(p *params) {
	top, bottom := p.or1(0), s.rows
	if p.n > 1 && p.v[1] > 0 {
		bottom = min(p.v[1], s.rows)
	}
	if bottom > top {
		s.buf.top, s.buf.bottom = top-1, bottom-1
		s.moveTo(0, 0)
	}
}

func (s *Screen) saveCursor() {
	b := s.buf
	b.saved = saved{b.base + b.row, b.col, s.pen.fg, s.pen.bg, s.charset}
}

// restoreCursor restores the state of saveCursor, except underline style and colour and the hyperlink.
func (s *Screen) restoreCursor() {
	b := s.buf
	b.row, b.col = max(b.saved.row-b.base, 0), b.saved.col
	p := s.pen
	p.fg, p.bg = b.saved.fg, b.saved.bg
	s.setPen(p)
	s.charset = b.saved.charset
	s.restrict(s.cols - 1)
}
