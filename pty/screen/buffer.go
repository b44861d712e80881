package screen

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

// reset makes b empty, as after a start.
func (b *buffer) reset(rows, cols, scrollback int) {
	*b = buffer{exts: b.exts, history: scrollback >= 0}
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
	for range b.rows {
		b.lines.push(newLine(b.cols, fill))
	}
}

// screen returns where in lines the screen's first line is.
func (b *buffer) screen() int { return b.base - b.past.n }

// line returns a row of the screen.
func (b *buffer) line(row int) *line { return b.lines.at(b.screen() + row) }

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
	switch {
	case b.top > 0:
		l = b.lines.rotateUp(b.screen()+b.top, b.screen()+b.bottom)
	case b.history:
		b.keep(b.past.add(b.lines.at(0), b.exts))
		l = b.lines.rotateUp(0, b.bottom)
	case b.lines.n >= b.max:
		l = b.lines.rotateUp(0, b.base+b.bottom)
	default: // an alternate screen that was larger
		l = &line{}
		b.lines.insert(b.base+b.bottom+1, l)
		b.base++
	}
	l.reset(b.cols, fill)
	l.wrapped = wrapped
}

// keep follows the history, to which a row has come: lost of the oldest had to go
// before there were too many.
func (b *buffer) keep(lost int) {
	b.base = b.past.n
	b.saved.row = max(b.saved.row-lost, 0)
}

// shiftUp moves rows from top to the bottom margin up n times.
func (b *buffer) shiftUp(top, n int, fill cell) {
	for range min(n, b.bottom-top+1) {
		b.lines.rotateUp(b.screen()+top, b.screen()+b.bottom).reset(b.cols, fill)
	}
}

// shiftDown moves rows from top to the bottom margin down n times.
func (b *buffer) shiftDown(top, n int, fill cell) {
	for range min(n, b.bottom-top+1) {
		b.lines.rotateDown(b.screen()+top, b.screen()+b.bottom).reset(b.cols, fill)
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
