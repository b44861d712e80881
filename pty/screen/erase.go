package screen

// eraseDisplay is ED; keep spares protected characters (DECSED).
func (s *Screen) eraseDisplay(what int, keep bool) {
	s.restrict(s.cols)
	b := s.buf
	s.work += s.rows
	switch what {
	case 0:
		s.eraseCells(b.col, s.cols, b.col == 0, keep)
		for row := b.row + 1; row < s.rows; row++ {
			s.eraseRow(row, keep)
		}
	case 1:
		s.eraseCells(0, b.col+1, true, keep)
		if b.col+1 >= s.cols {
			s.unwrapAfter(b.row)
		}
		for row := range b.row {
			s.eraseRow(row, keep)
		}
	case 2:
		for row := range s.rows {
			s.eraseRow(row, keep)
		}
	case 3:
		if n := b.count() - s.rows; n > 0 {
			b.trim(n)
			b.base = max(b.base-n, 0)
		}
	}
}

// unwrapAfter clears the wrapped flag of the line after row. xterm.js counts it from the top of the history and, in a
// full buffer, wraps around.
func (s *Screen) unwrapAfter(row int) {
	b := s.buf
	i := row + 1
	if i == b.max {
		i = 0
	}
	switch n := b.past.n; {
	case i < n:
		b.past.unwrap(i)
	case i < n+b.lines.n:
		b.lines.peek(i - n).wrapped = false
	}
}

// eraseLine is EL; keep spares protected characters (DECSEL).
func (s *Screen) eraseLine(what int, keep bool) {
	s.restrict(s.cols)
	col := s.buf.col
	switch what {
	case 0:
		s.eraseCells(col, s.cols, col == 0, keep)
	case 1:
		s.eraseCells(0, col+1, false, keep)
	case 2:
		s.eraseCells(0, s.cols, true, keep)
	}
}

// eraseCells erases part of the cursor's row.
func (s *Screen) eraseCells(start, end int, unwrap, keep bool) {
	l := s.buf.peek(s.buf.row)
	if start == 0 && end >= l.len() && !keep && len(l.combined) == 0 {
		wrapped := l.wrapped
		l.erase(l.len(), s.erased())
		l.wrapped = wrapped
	} else {
		l = s.buf.current()
		s.work += end - start
		l.replace(start, end, s.erased(), keep)
	}
	if unwrap {
		l.wrapped = false
	}
}

func (s *Screen) eraseRow(row int, keep bool) {
	l := s.buf.peek(row)
	if keep {
		s.work += l.fillUnprotected(s.erased())
	} else {
		l.erase(l.len(), s.erased())
	}
	l.wrapped = false
}

// columnsBetweenMargins changes each row between the margins, if the cursor is there. New cells are erased.
func (s *Screen) columnsBetweenMargins(change func(*line)) {
	b := s.buf
	if !b.inMargins() {
		return
	}
	s.work += b.bottom - b.top
	for row := b.top; row <= b.bottom; row++ {
		l := b.peek(row)
		if !l.lazy || l.ink != s.erased() {
			l = b.line(row)
			s.work += len(l.cells)
			change(l)
		}
		l.wrapped = false
	}
}

// alignmentPattern is DECALN.
func (s *Screen) alignmentPattern() {
	s.moveTo(0, 0)
	e := cell{content: content('E', 1), fg: s.pen.fg, bg: s.pen.bg}
	b := s.buf
	s.work += s.rows
	for i := b.base + b.row; i < b.base+b.row+s.rows; i++ {
		k := i
		if i >= b.max { // with DECOM, xterm.js wraps around
			k -= b.max
		}
		switch n := b.past.n; {
		case k < n:
			s.work += blockBytes / 16
			b.past.set(k, newLine(s.cols, e), b.exts)
		case k < n+b.lines.n:
			l := b.lines.peek(k - n)
			l.erase(l.len(), e)
		}
	}
	s.moveTo(0, 0)
}

func (s *Screen) setProtected(what int) {
	p := s.pen
	switch what {
	case 1:
		p.bg |= protected
	case 0, 2:
		p.bg &^= protected
	}
	s.setPen(p)
}
