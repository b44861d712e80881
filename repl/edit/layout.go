package edit

import (
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// tabWidth is the width of a tab, in columns.
const tabWidth = 4

// layout is the content of the screen: rows without line ends, and the cursor.
type layout struct {
	rows   []string
	widths []int // of rows, in columns
	row    int   // of the cursor
	col    int
	cols   int      // of the terminal
	below  []string // extra rows below the text
}

// newLayout arranges text after a prompt, with more before each further line, in rows of width columns. The cursor is
// before the byte at pos. If a full row ends at the cursor, an empty row follows, so that the terminal has no pending
// wrap.
func newLayout(prompt, more, text string, pos, width int) layout {
	l := layout{rows: []string{""}, widths: []int{0}, cols: width}
	width = max(width, 2)
	l.addEscaped(prompt, width)
	at := 0
	l.mark(at, pos)
	state := -1
	for rest := text; rest != ""; {
		var cluster string
		var columns int
		cluster, rest, columns, state = uniseg.FirstGraphemeClusterInString(rest, state)
		l.mark(at, pos)
		switch cluster {
		case "\n", "\r\n":
			l.newRow()
			l.addEscaped(more, width)
		case "\t":
			l.add(strings.Repeat(" ", tabWidth), tabWidth, width)
		default:
			l.add(cluster, columns, width)
		}
		at += len(cluster)
	}
	l.mark(at, pos)
	if l.col >= width {
		if l.row == len(l.rows)-1 {
			l.newRow()
		}
		l.row, l.col = l.row+1, 0
	}
	return l
}

func (l layout) equal(other layout) bool {
	return l.row == other.row && l.col == other.col && l.cols == other.cols && slices.Equal(l.rows, other.rows) &&
		slices.Equal(l.below, other.below)
}

// mark records the cursor's position if it is before this byte.
func (l *layout) mark(at, pos int) {
	if at == pos {
		l.row, l.col = len(l.rows)-1, l.widths[len(l.rows)-1]
	}
}

func (l *layout) newRow() {
	l.rows = append(l.rows, "")
	l.widths = append(l.widths, 0)
}

// add appends a cluster, on a new row if it does not fit.
func (l *layout) add(text string, columns, width int) {
	last := len(l.rows) - 1
	if l.widths[last]+columns > width {
		l.newRow()
		last++
	}
	l.rows[last] += text
	l.widths[last] += columns
}

// addEscaped appends text that may contain control sequences, which have no width.
func (l *layout) addEscaped(text string, width int) {
	for text != "" {
		if n := escapeLength(text); n > 0 {
			l.rows[len(l.rows)-1] += text[:n]
			text = text[n:]
			continue
		}
		cluster, rest, columns, _ := uniseg.FirstGraphemeClusterInString(text, -1)
		l.add(cluster, columns, width)
		text = rest
	}
}

// escapeLength is the length of the control sequence at the start of text, 0 if there is none.
func escapeLength(text string) int {
	if !strings.HasPrefix(text, "\x1b[") {
		return 0
	}
	if i := strings.IndexFunc(text[2:], func(r rune) bool { return r >= 0x40 && r <= 0x7e }); i >= 0 {
		return i + 3
	}
	return 0
}

// window reduces a layout taller than height to the rows around the cursor.
func (l layout) window(height int) layout {
	if height < 1 || len(l.rows) <= height {
		return l
	}
	from := min(max(0, l.row-height/2), len(l.rows)-height)
	return layout{l.rows[from : from+height], l.widths[from : from+height], l.row - from, l.col, l.cols, l.below}
}

// reflowed is the number of rows above the cursor after the terminal is resized to width. Terminals wrap rows that are
// too wide. Like xterm.js, it goes from the last row up: the cursor's row stays, and each wrapped row moves the cursor
// down, wherever it is.
func (l layout) reflowed(width int) (above int) {
	above = l.row
	if width == l.cols {
		return above
	}
	rows := slices.Concat(l.rows, l.below)
	for i := len(rows) - 1; i >= 0; i-- {
		if i != above {
			folded := layout{rows: []string{""}, widths: []int{0}}
			folded.addEscaped(rows[i], width)
			above += len(folded.rows) - 1
		}
	}
	return above
}
