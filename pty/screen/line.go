package screen

import (
	"maps"
	"slices"
	"unicode/utf8"
)

// marksPerCell limits the code points of a cell. UAX #15 (stream-safe text) allows 30 marks after a starter; more are
// dropped.
const marksPerCell = 31

// line is one row. It may be longer than the screen is wide: rows of the alternate screen keep what a narrower window
// hides.
type line struct {
	cells    []cell
	combined map[int]string // text of cells with combinedFlag, by column
	wrapped  bool           // continues the row above, by automatic wrapping

	lazy bool // all cells equal ink, and are not allocated yet; see materialize
	cols int  // number of cells of a lazy line
	ink  cell
}

func newLine(cols int, fill cell) *line {
	l := &line{cells: make([]cell, cols)}
	l.fill(fill)
	return l
}

// erase makes l a line of cols cells equal to fill, which are written on demand: so clearing a screen costs time per
// row, not per cell.
func (l *line) erase(cols int, fill cell) {
	l.combined, l.wrapped = nil, false
	l.lazy, l.cols, l.ink = true, cols, fill
}

// materialize writes the cells of a lazy line.
func (l *line) materialize() {
	wrapped := l.wrapped
	l.reset(l.cols, l.ink)
	l.wrapped = wrapped
}

// len is the number of cells.
func (l *line) len() int {
	if l.lazy {
		return l.cols
	}
	return len(l.cells)
}

// reset makes l a line of cols cells equal to fill.
func (l *line) reset(cols int, fill cell) {
	if cap(l.cells) < cols {
		l.cells = make([]cell, cols)
	}
	l.cells = l.cells[:cols]
	l.fill(fill)
	l.lazy, l.wrapped = false, false
}

func (l *line) fill(c cell) {
	l.combined = nil
	if c == (cell{}) {
		clear(l.cells)
		return
	}
	for i := range l.cells {
		l.cells[i] = c
	}
}

// width is the width of the character in a column, 0 outside the line.
func (l *line) width(col int) int {
	if uint(col) >= uint(len(l.cells)) {
		return 0
	}
	return l.cells[col].width()
}

func (l *line) filled(col int) bool {
	return uint(col) < uint(len(l.cells)) && l.cells[col].filled()
}

// set writes a cell; outside the line it does nothing.
func (l *line) set(col int, c cell) {
	if uint(col) < uint(len(l.cells)) {
		l.cells[col] = c
	}
}

// text is the text in a column, "" for blanks.
func (l *line) text(col int) string {
	if uint(col) >= uint(len(l.cells)) {
		return ""
	}
	c := l.cells[col].content
	if c&combinedFlag != 0 {
		return l.combined[col]
	}
	if c&codeMask == 0 {
		return ""
	}
	return string(rune(c & codeMask))
}

// join adds a combining character to a cell, whose width becomes width.
func (l *line) join(col int, code uint32, width int) {
	if uint(col) >= uint(len(l.cells)) {
		return
	}
	c := &l.cells[col].content
	switch {
	case *c&combinedFlag != 0:
		if utf8.RuneCountInString(l.combined[col]) < marksPerCell {
			l.combined[col] += string(rune(code))
		}
	case *c&codeMask != 0:
		if l.combined == nil {
			l.combined = make(map[int]string)
		}
		l.combined[col] = string(rune(*c&codeMask)) + string(rune(code))
		*c = *c&^codeMask | combinedFlag
	default:
		*c = content(code, 1)
	}
	if width > 0 {
		*c = *c&^widthMask | uint32(width^1)<<widthShift
	}
}

// move copies a cell with its text from another column.
func (l *line) move(to, from int) {
	l.cells[to] = l.cells[from]
	if l.cells[to].content&combinedFlag != 0 && l.combined != nil {
		l.combined[to] = l.combined[from]
	}
}

// insert shifts the cells from col to the right by n and inserts fill.
func (l *line) insert(col, n int, fill cell) {
	col %= len(l.cells)
	half := cell{fg: fill.fg, bg: fill.bg, ext: fill.ext}
	if col > 0 && l.width(col-1) == 2 {
		l.cells[col-1] = half
	}
	end := len(l.cells)
	if n < end-col {
		if len(l.combined) == 0 {
			copy(l.cells[col+n:], l.cells[col:])
		} else {
			for i := end - 1; i >= col+n; i-- {
				l.move(i, i-n)
			}
		}
		end = col + n
	}
	for i := col; i < end; i++ {
		l.cells[i] = fill
	}
	if last := len(l.cells) - 1; l.width(last) == 2 {
		l.cells[last] = half
	}
}

// delete removes n cells from col and adds fill on the right.
func (l *line) delete(col, n int, fill cell) {
	col %= len(l.cells)
	end := len(l.cells)
	from := col
	if n < end-col {
		if len(l.combined) == 0 {
			copy(l.cells[col:], l.cells[col+n:])
		} else {
			for i := col; i < end-n; i++ {
				l.move(i, i+n)
			}
		}
		from = end - n
	}
	for i := from; i < end; i++ {
		l.cells[i] = fill
	}
	half := cell{fg: fill.fg, bg: fill.bg, ext: fill.ext}
	if col > 0 && l.width(col-1) == 2 {
		l.cells[col-1] = half
	}
	if l.width(col) == 0 && !l.filled(col) {
		l.cells[col] = half
	}
}

// replace fills the columns from start to end; keep spares protected cells.
func (l *line) replace(start, end int, fill cell, keep bool) {
	free := func(col int) bool { return !keep || l.cells[col].bg&protected == 0 }
	if start > 0 && l.width(start-1) == 2 && free(start-1) {
		l.cells[start-1] = cell{fg: fill.fg, bg: fill.bg, ext: fill.ext}
	}
	if end < len(l.cells) && l.width(end-1) == 2 && free(end) {
		l.cells[end] = cell{fg: fill.fg, bg: fill.bg, ext: fill.ext}
	}
	for end = min(end, len(l.cells)); start < end; start++ {
		if free(start) {
			l.cells[start] = fill
		}
	}
}

// fillUnprotected fills the line except protected cells, and returns how many cells it inspected.
func (l *line) fillUnprotected(c cell) (looked int) {
	if l.lazy {
		if l.ink.bg&protected == 0 {
			l.ink = c
		}
		return 0
	}
	kept := len(l.combined) > 0
	for i := range l.cells {
		if l.cells[i].bg&protected == 0 {
			l.cells[i] = c
		} else {
			kept = true
		}
	}
	if !kept {
		l.erase(len(l.cells), c)
	}
	return len(l.cells)
}

// resize truncates the line, or adds blank cells.
func (l *line) resize(cols int) {
	old := len(l.cells)
	switch {
	case cols < old:
		maps.DeleteFunc(l.combined, func(col int, _ string) bool { return col >= cols })
		l.cells = l.cells[:cols]
	case cols <= cap(l.cells):
		l.cells = l.cells[:cols]
		clear(l.cells[old:])
	case cols > old:
		cells := make([]cell, cols)
		copy(cells, l.cells)
		l.cells = cells
	}
}

// copyCells copies n cells of src, from the right if reverse is set. Like xterm.js, it copies the texts of combined
// cells up to the end of the line, even beyond the n cells.
func (l *line) copyCells(src *line, from, to, n int, reverse bool) {
	for i := range n {
		k := i
		if reverse {
			k = n - 1 - i
		}
		if from+k < len(src.cells) {
			l.set(to+k, src.cells[from+k])
		}
	}
	if len(src.combined) == 0 {
		return
	}
	for _, col := range slices.Sorted(maps.Keys(src.combined)) {
		if col < from {
			continue
		}
		if l.combined == nil {
			l.combined = make(map[int]string)
		}
		l.combined[col-from+to] = src.combined[col]
	}
}

// trimmed is the number of columns up to the last character.
func (l *line) trimmed() int {
	for i := len(l.cells) - 1; i >= 0; i-- {
		if l.cells[i].filled() {
			return i + l.cells[i].width()
		}
	}
	return 0
}
