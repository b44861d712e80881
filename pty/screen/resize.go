package screen

// Resize changes the size. As in xterm.js, wrapped rows of the normal screen are reflowed, except those that contain
// the cursor, and rows move between screen and history so that the cursor's row stays. The alternate screen is
// truncated or extended. The margins are reset.
func (s *Screen) Resize(rows, cols int) {
	rows, cols = max(rows, minRows), max(cols, minCols)
	if rows == s.rows && cols == s.cols {
		return
	}
	s.rows, s.cols = rows, cols
	s.normal.resize(rows, cols, rows+s.normal.past.max)
	s.alt.resize(rows, cols, rows)
	s.normal.extendTabs()
	s.alt.extendTabs()
	s.inRun = false
	s.exts.sweepIfMany(s.markUsed)
}

// resize is Buffer.resize of xterm.js.
func (b *buffer) resize(rows, cols, limit int) {
	b.max = max(b.max, limit)
	if b.lines.n > 0 {
		if b.cols < cols {
			for i := range b.lines.n {
				b.lines.at(i).resize(cols)
			}
		}
		b.resizeRows(rows, cols)
		if limit < b.max {
			if n := b.count() - limit; n > 0 {
				b.trim(n)
				b.base = max(b.base-n, 0)
				b.saved.row = max(b.saved.row-n, 0)
			}
			b.max = limit // an empty buffer keeps more, as in xterm.js
		}
		b.saved.col = min(b.saved.col, cols-1)
		b.top = 0
	}
	b.bottom = rows - 1
	if b.history && b.cols != cols {
		b.takeWrapped(max(b.cols, cols))
		if cols > b.cols {
			b.reflowWider(rows, cols)
		} else {
			b.reflowNarrower(rows, cols)
			for i := range b.lines.n {
				b.lines.at(i).resize(cols)
			}
		}
	}
	b.rows, b.cols = rows, cols
	b.normalize()
}

// resizeRows changes the number of rows of the screen. More rows come from the history if the cursor is at the end of
// the text; fewer first remove blank rows below the cursor.
func (b *buffer) resizeRows(rows, cols int) {
	shown := 0
	for range rows - b.rows {
		if b.count() >= rows+b.base {
			continue
		}
		if b.base > 0 && b.count() <= b.base+b.row+shown+1 {
			b.base--
			shown++
		} else {
			b.push(newLine(cols, cell{}))
		}
	}
	for range b.rows - rows {
		if b.count() <= rows+b.base {
			continue
		}
		if b.count() > b.base+b.row+1 {
			b.lines.truncate(b.lines.n - 1)
		} else {
			b.base++
		}
	}
	b.pullHistory(b.past.n-b.base, max(b.cols, cols))
	b.col = min(b.col, cols-1)
	b.row = min(b.row, rows-1) + shown
}

// pullHistory moves the n newest rows from the history to the lines, cols columns wide.
func (b *buffer) pullHistory(n, cols int) {
	for range n {
		b.lines.unshift(b.past.takeNewest(cols, b.exts))
	}
}

// normalize restores the invariants if reflowing has violated them, and packs the rows above the screen.
func (b *buffer) normalize() {
	if b.lines.n == 0 {
		return
	}
	for i := range b.lines.n {
		if b.lines.peek(i) == nil {
			b.lines.set(i, newLine(b.cols, cell{}))
		}
	}
	b.base = max(min(b.base, b.max-b.rows), 0)
	for b.count() < b.base+b.rows {
		b.push(newLine(b.cols, cell{}))
	}
	b.base = b.count() - b.rows
	for b.history && b.lines.n > b.rows {
		b.historyGrew(b.past.add(b.lines.peek(0), b.exts))
		b.lines.trim(1)
	}
	b.pullHistory(b.rows-b.lines.n, b.cols)
	b.row = max(min(b.row, b.rows-1), 0)
	b.base = b.count() - b.rows
}
