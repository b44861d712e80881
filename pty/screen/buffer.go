package screen

import "slices"

// tabColumns is the initial distance of tab stops.
const tabColumns = 8

// buffer is the normal or the alternate screen: its rows, of which the last are the screen and the earlier ones the
// history, and its own state. Rows are counted from the oldest in the history.
type buffer struct {
	past       history // packed rows of the history
	lines      ring    // the screen's rows; of the alternate screen all rows
	exts       *extTable
	history    bool // keeps rows that scroll off the top
	rows, cols int
	max        int // limit of history and screen rows
	base       int // number of the screen's first row
	row, col   int // cursor; col is cols (or rarely cols+1) while a wrap is pending
	top        int // margins (DECSTBM), inclusive
	bottom     int
	tabs       []bool
	saved      saved
}

// saved is the state saved by DECSC. Its row counts from the first line of the buffer, as in xterm.js: scrolling moves
// it.
type saved struct {
	row, col int
	fg, bg   uint32
	charset  *charset
}

// lineWork is the cost of creating a lazy line, in cells.
const lineWork = 8

// restart resets b to its initial state, and reuses its lines.
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

// reset makes b empty, as initially.
func (b *buffer) reset(rows, cols, scrollback int) {
	*b = buffer{exts: b.exts, lines: ring{work: b.lines.work}, tabs: b.tabs, history: scrollback >= 0}
	b.rows, b.cols = rows, cols
	b.past.max = max(scrollback, 0)
	b.max = rows + b.past.max
	b.bottom = rows - 1
	b.resetTabs()
}

// clear drops lines, cursor, margins, and tabs; the state saved by DECSC stays.
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

// screen is the index in lines of the screen's first line.
func (b *buffer) screen() int { return b.base - b.past.n }

// line returns a row of the screen.
func (b *buffer) line(row int) *line { return b.lines.at(b.screen() + row) }

// peek returns a row of the screen, which may be lazy.
func (b *buffer) peek(row int) *line { return b.lines.peek(b.screen() + row) }

func (b *buffer) current() *line { return b.lines.at(b.screen() + b.row) }

// count is the number of rows.
func (b *buffer) count() int { return b.past.n + b.lines.n }

// read returns row i for reading: the line itself, or into with a copy of it.
func (b *buffer) read(i int, into *line) *line {
	if i >= b.past.n {
		return b.lines.at(i - b.past.n)
	}
	b.past.read(i, into, b.cols, b.exts)
	return into
}

// push appends a line; the oldest row is dropped if there is no room.
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

// scroll moves the lines within the margins up by one. The topmost goes into the history if the margin is the top of
// the screen.
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
		b.historyGrew(b.past.add(first, b.exts))
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

// packWork is the cost of packing the line, in cells.
func (l *line) packWork() int {
	switch {
	case !l.lazy:
		return len(l.cells) / 2
	case l.ink.zero():
		return 0
	}
	return 4 * l.cols
}

// historyGrew accounts for a new history row: lost old ones were dropped for its size.
func (b *buffer) historyGrew(lost int) {
	b.base = b.past.n
	b.saved.row = max(b.saved.row-lost, 0)
}

// shiftUp moves rows from top to the bottom margin up n times.
func (b *buffer) shiftUp(top, n int, fill cell) {
	n = min(n, b.bottom-top+1)
	b.rotateRows(top, n, n)
	for row := b.bottom - n + 1; row <= b.bottom; row++ {
		b.peek(row).erase(b.cols, fill)
	}
}

// rotateRows moves rows from top to the bottom margin up by up, n of which become blank.
func (b *buffer) rotateRows(top, up, n int) {
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
	b.rotateRows(top, height-n, n)
	for row := top; row < top+n; row++ {
		b.peek(row).erase(b.cols, fill)
	}
}

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

// extendTabs adds tab stops after the last one when the screen becomes wider.
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
