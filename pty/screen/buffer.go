package screen

// tabColumns is the distance of the tab stops at the start.
const tabColumns = 8

// buffer is the normal or the alternate screen: its lines, of which the last
// rows are the screen and those before it the history, and what it remembers for
// itself.
type buffer struct {
	lines      ring
	history    bool // keeps what scrolls off the top
	rows, cols int
	base       int // index of the screen's first line
	row, col   int // cursor; col is cols (or, oddly, cols+1) while a wrap is pending
	top        int // margins (DECSTBM), inclusive
	bottom     int
	tabs       []bool
	saved      saved
	scratch    []byte // in which rows are packed
}

// saved is what DECSC keeps. Its row counts from the first line of the buffer,
// as in xterm.js: what scrolls in between moves it.
type saved struct {
	row, col int
	fg, bg   uint32
	charset  *charset
}

// reset makes b empty, as after a start.
func (b *buffer) reset(rows, cols, scrollback int) {
	*b = buffer{history: scrollback >= 0}
	b.rows, b.cols = rows, cols
	b.lines.max = rows + max(scrollback, 0)
	b.bottom = rows - 1
	b.resetTabs()
}

// clear drops the lines, cursor, margins and tabs; what DECSC saved stays.
func (b *buffer) clear() {
	kept := b.saved
	b.reset(b.rows, b.cols, -1)
	b.saved = kept
}

// fillScreen gives an empty buffer its rows.
func (b *buffer) fillScreen(fill cell) {
	if b.lines.n > 0 {
		return
	}
	b.lines.grow(b.rows)
	for range b.rows {
		b.lines.push(newLine(b.cols, fill))
	}
}

// line returns a row of the screen.
func (b *buffer) line(row int) *line { return b.lines.at(b.base + row) }

// current returns the cursor's row.
func (b *buffer) current() *line { return b.lines.at(b.base + b.row) }

// scroll moves the lines within the margins up by one; the topmost goes into the
// history if the margin is the top of the screen.
func (b *buffer) scroll(fill cell, wrapped bool) {
	var l *line
	switch {
	case b.top > 0:
		l = b.lines.rotateUp(b.base+b.top, b.base+b.bottom)
		l.reset(b.cols, fill)
	case b.lines.max == b.rows:
		b.lines.trim(1)
		l = b.lines.discard
		l.reset(b.cols, fill)
		b.lines.insert(b.base+b.bottom, l)
	default:
		l = b.scrollAway()
		l.reset(b.cols, fill)
		b.lines.insert(b.base+b.bottom, l)
	}
	l.wrapped = wrapped
}

// scrollAway packs the screen's top row into the history and returns the line that
// it was; the screen's first line is the next one then. The oldest rows go where
// there is no room.
func (b *buffer) scrollAway() *line {
	for b.base > 0 && (b.lines.n >= b.lines.max || b.lines.bytes > maxHistoryBytes) {
		b.lines.trim(1)
		b.base--
	}
	l := b.lines.at(b.base)
	b.scratch = l.appendPacked(b.scratch[:0])
	b.lines.set(b.base, b.lines.pack(b.scratch, l.combined, l.wrapped))
	b.base++
	return l
}

// shiftUp moves rows from top to the bottom margin up n times.
func (b *buffer) shiftUp(top, n int, fill cell) {
	for range min(n, b.bottom-top+1) {
		b.lines.rotateUp(b.base+top, b.base+b.bottom).reset(b.cols, fill)
	}
}

// shiftDown moves rows from top to the bottom margin down n times.
func (b *buffer) shiftDown(top, n int, fill cell) {
	for range min(n, b.bottom-top+1) {
		b.lines.rotateDown(b.base+top, b.base+b.bottom).reset(b.cols, fill)
	}
}

// inMargins reports whether the cursor is between the margins.
func (b *buffer) inMargins() bool { return b.row >= b.top && b.row <= b.bottom }

func (b *buffer) isTab(col int) bool {
	return uint(col) < uint(len(b.tabs)) && b.tabs[col]
}

func (b *buffer) setTab(col int) {
	for len(b.tabs) <= col {
		b.tabs = append(b.tabs, false)
	}
	b.tabs[col] = true
}

func (b *buffer) clearTab(col int) {
	if b.isTab(col) {
		b.tabs[col] = false
	}
}

func (b *buffer) resetTabs() {
	b.tabs = b.tabs[:0]
	for col := 0; col < b.cols; col += tabColumns {
		b.setTab(col)
	}
}

// extendTabs adds tab stops after the last one when the screen has become wider.
func (b *buffer) extendTabs() {
	col := b.cols
	if !b.isTab(col) {
		col = b.prevTab(col)
	}
	for ; col < b.cols; col += tabColumns {
		b.setTab(col)
	}
}

func (b *buffer) nextTab(col int) int {
	for col++; col < b.cols && !b.isTab(col); col++ {
	}
	return min(col, b.cols-1)
}

func (b *buffer) prevTab(col int) int {
	for col--; col > 0 && !b.isTab(col); col-- {
	}
	return max(min(col, b.cols-1), 0)
}
