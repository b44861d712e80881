package screen

// Resize gives the screen another size. As in xterm.js the normal screen's
// wrapped rows are reflowed, except those that the cursor is in, and rows move
// between screen and history so that the cursor's stays; the alternate screen is
// cut or extended. The margins go back to the whole screen.
func (s *Screen) Resize(rows, cols int) {
	rows, cols = max(rows, minRows), max(cols, minCols)
	if rows == s.rows && cols == s.cols {
		return
	}
	scrollback := s.normal.lines.max - s.rows
	s.rows, s.cols = rows, cols
	s.normal.resize(rows, cols, rows+scrollback)
	s.alt.resize(rows, cols, rows)
	s.normal.extendTabs()
	s.alt.extendTabs()
	s.inRun = false
}

// resize is Buffer.resize of xterm.js.
func (b *buffer) resize(rows, cols, maxLines int) {
	r := &b.lines
	b.unpackAll()
	r.max = max(r.max, maxLines)
	if r.n > 0 {
		if b.cols < cols {
			for i := range r.n {
				r.at(i).resize(cols)
			}
		}
		b.resizeRows(rows, cols)
		if maxLines < r.max {
			if n := r.n - maxLines; n > 0 {
				r.trim(n)
				b.base = max(b.base-n, 0)
				b.saved.row = max(b.saved.row-n, 0)
			}
			r.max = maxLines // an empty buffer keeps more, as in xterm.js
		}
		b.saved.col = min(b.saved.col, cols-1)
		b.top = 0
	}
	b.bottom = rows - 1
	if b.history && b.cols != cols {
		if cols > b.cols {
			b.reflowWider(rows, cols)
		} else {
			b.reflowNarrower(rows, cols)
			for i := range r.n {
				r.at(i).resize(cols)
			}
		}
	}
	b.rows, b.cols = rows, cols
	b.settle()
	b.packHistory()
}

// resizeRows changes the number of rows on the screen: more rows come out of the
// history if the cursor is at the end of the text, fewer take blank rows below the
// cursor away first.
func (b *buffer) resizeRows(rows, cols int) {
	r := &b.lines
	shown := 0
	for range rows - b.rows {
		if r.n >= rows+b.base {
			continue
		}
		if b.base > 0 && r.n <= b.base+b.row+shown+1 {
			b.base--
			shown++
		} else {
			r.push(newLine(cols, cell{}))
		}
	}
	for range b.rows - rows {
		if r.n <= rows+b.base {
			continue
		}
		if r.n > b.base+b.row+1 {
			r.truncate(r.n - 1)
		} else {
			b.base++
		}
	}
	b.col = min(b.col, cols-1)
	b.row = min(b.row, rows-1) + shown
}

// settle restores what must always hold, should reflowing have failed to.
func (b *buffer) settle() {
	if b.lines.n == 0 {
		return
	}
	b.base = max(min(b.base, b.lines.max-b.rows), 0)
	for b.lines.n < b.base+b.rows {
		b.lines.push(newLine(b.cols, cell{}))
	}
	b.base = b.lines.n - b.rows
	for i := range b.lines.n {
		if b.lines.at(i) == nil {
			b.lines.set(i, newLine(b.cols, cell{}))
		}
	}
	b.row = max(min(b.row, b.rows-1), 0)
}
