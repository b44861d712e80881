package edit

import (
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// tabWidth is how many blanks show a tab.
const tabWidth = 4

// layout is what is on the screen: rows of text without their ends, and where the cursor stands.
type layout struct {
	rows   []string
	widths []int // of the rows, in columns
	row    int   // of the cursor
	col    int
	cols   int      // of the terminal
	below  []string // further rows, below the text
}

// lay lays text out behind a prompt, and more before each further line of it, in rows of width columns. The cursor
// stands before the byte at pos. A row that is full and has the cursor behind it is followed by an empty one, so that
// the terminal is never left between two rows.
func lay(prompt, more, text string, pos, width int) layout {
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

// mark puts the cursor here if it stands at this byte.
func (l *layout) mark(at, pos int) {
	if at == pos {
		l.row, l.col = len(l.rows)-1, l.widths[len(l.rows)-1]
	}
}

func (l *layout) newRow() {
	l.rows = append(l.rows, "")
	l.widths = append(l.widths, 0)
}

// add puts a letter at the end, on the next row if there is no room.
func (l *layout) add(text string, columns, width int) {
	last := len(l.rows) - 1
	if l.widths[last]+columns > width {
		l.newRow()
		last++
	}
	l.rows[last] += text
	l.widths[last] += columns
}

// addEscaped puts text at the end that may hold control sequences, which take no room.
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

// escapeLength is the length of the control sequence at the beginning of text, 0 if there is none.
func escapeLength(text string) int {
	if !strings.HasPrefix(text, "\x1b[") {
		return 0
	}
	if i := strings.IndexFunc(text[2:], func(r rune) bool { return r >= 0x40 && r <= 0x7e }); i >= 0 {
		return i + 3
	}
	return 0
}

// window cuts a layout that is taller than height to the rows around the cursor.
func (l layout) window(height int) layout {
	if height < 1 || len(l.rows) <= height {
		return l
	}
	from := min(max(0, l.row-height/2), len(l.rows)-height)
	return layout{l.rows[from : from+height], l.widths[from : from+height], l.row - from, l.col, l.cols, l.below}
}

// reflowed is how many rows lie above the cursor once the terminal is width columns wide. Terminals fold rows
// that are too wide. As xterm.js does it, from the last row up: the row that the cursor is in stays as it is, and each
// row that is folded moves the cursor down, wherever it is.
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
