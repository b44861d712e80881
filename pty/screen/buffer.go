package screen

import "slices"

// tabColumns is the distance of the tab stops at the start.
const tabColumns = 8

// buffer is the normal or the alternate screen: its rows, of which the last are the
// screen and those before it the history, and what it remembers for itself. Rows are
// counted from the oldest of the history.
type buffer struct {
	past       history // the rows of the history, packed
	lines      ring    // the others: the screen's, and of the alternate screen all
	exts       *extTable
	history    bool // keeps what scrolls off the top
	rows, cols int
	max        int // rows of history and screen at most
	base       int // number of the screen's first row
	row, col   int // cursor; col is cols (or, oddly, cols+1) while a wrap is pending
	top        int // margins (DECSTBM), inclusive
	bottom     int
	tabs       []bool
	saved      saved
}

// saved is what DECSC keeps. Its row counts from the first line of the buffer,
// as in xterm.js: what scrolls in between moves it.
type saved struct {
	row, col int
	fg, bg   uint32
	charset  *charset
}

// lineWork is what it costs to make a bare line, in cells.
const lineWork = 8

// restart makes b blank, as after a start. It keeps the lines that it has.
func (b *buffer) restart() {
	lines := b.lines
	b.reset(b.rows, b.cols, b.past.max)
	if lines.n != b.rows {
		b.fillScreen(cell{})
		return
	}
	b.lines = lines
	b.lines.count(b.rows)
	for i := range lines.n {
		lines.peek(i).erase(b.cols, cell{})
	}
}

// reset makes b empty, as after a start.
func (b *buffer) reset(rows, cols, scrollback int) {
	*b = buffer{exts: b.exts, lines: ring{work: b.lines.work}, tabs: b.tabs, history: scrollback >= 0}
	b.rows, b.cols = rows, cols
	b.past.max = max(scrollback, 0)
	b.max = rows + b.past.max
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
	b.lines.count(lineWork * b.rows)
	lines := make([]line, b.rows)
	for i := range lines {
		lines[i].erase(b.cols, fill)
		b.lines.push(&lines[i])
	}
}

// screen returns where in lines the screen's first line is.
func (b *buffer) screen() int { return b.base - b.past.n }

// line returns a row of the screen.
func (b *buffer) line(row int) *line { return b.lines.at(b.screen() + row) }

// peek returns a row of the screen, which may be bare.
func (b *buffer) peek(row int) *line { return b.lines.peek(b.screen() + row) }

// current returns the cursor's row.
func (b *buffer) current() *line { return b.lines.at(b.screen() + b.row) }

// count is how many rows there are.
func (b *buffer) count() int { return b.past.n + b.lines.n }

// read returns row i, to be read: the line itself, or into, made like it.
func (b *buffer) read(i int, into *line) *line {
	if i >= b.past.n {
		return b.lines.at(i - b.past.n)
	}
	b.past.read(i, into, b.cols, b.exts)
	return into
}

// push adds a line at the end; the oldest row goes if there is no room.
func (b *buffer) push(l *line) {
	if b.count() >= b.max {
		b.trim(1)
	}
	b.lines.push(l)
}

// trim drops the n oldest rows.
func (b *buffer) trim(n int) {
	old := min(n, b.past.n)
	b.past.drop(old)
	b.lines.trim(n - old)
}

// scroll moves the lines within the margins up by one; the topmost goes into the
// history if the margin is the top of the screen.
func (b *buffer) scroll(fill cell, wrapped bool) {
	var l *line
	if b.top > 0 || b.bottom < b.rows-1 {
		b.lines.count(b.rows)
	}
	switch {
	case b.top > 0:
		l = b.lines.rotateUp(b.screen()+b.top, b.screen()+b.bottom)
	case b.history:
		first := b.lines.peek(0)
		b.lines.count(first.packWork())
		b.keep(b.past.add(first, b.exts))
		l = b.lines.rotateUp(0, b.bottom)
	case b.lines.n >= b.max:
		l = b.lines.rotateUp(0, b.base+b.bottom)
	default: // an alternate screen that was larger
		l = &line{}
		b.lines.insert(b.base+b.bottom+1, l)
		b.base++
	}
	l.erase(b.cols, fill)
	l.wrapped = wrapped
}

// packWork is what it costs to pack the line, in cells.
func (l *line) packWork() int {
	switch {
	case !l.bare:
		return len(l.cells) / 2
	case l.ink.nothing():
		return 0
	}
	return 4 * l.cols
}

// keep follows the history, to which a row has come: lost of the oldest had to go
// before there were too many.
func (b *buffer) keep(lost int) {
	b.base = b.past.n
	b.saved.row = max(b.saved.row-lost, 0)
}

// shiftUp moves rows from top to the bottom margin up n times.
func (b *buffer) shiftUp(top, n int, fill cell) {
	n = min(n, b.bottom-top+1)
	b.turn(top, n, n)
	for row := b.bottom - n + 1; row <= b.bottom; row++ {
		b.peek(row).erase(b.cols, fill)
	}
}

// turn moves rows from top to the bottom margin up by up, where n have to be made anew.
func (b *buffer) turn(top, up, n int) {
	height := b.bottom - top + 1
	b.lines.count(height)
	first, last := b.screen()+top, b.screen()+b.bottom
	switch {
	case n == height:
	case up == 1:
		b.lines.rotateUp(first, last)
	case up == height-1:
		b.lines.rotateDown(first, last)
	default:
		b.lines.rotate(first, last, up)
	}
}

// shiftDown moves rows from top to the bottom margin down n times.
func (b *buffer) shiftDown(top, n int, fill cell) {
	height := b.bottom - top + 1
	n = min(n, height)
	b.turn(top, height-n, n)
	for row := top; row < top+n; row++ {
		b.peek(row).erase(b.cols, fill)
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
	b.lines.count(b.cols / tabColumns)
	b.tabs = slices.Grow(b.tabs[:0], b.cols)
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
