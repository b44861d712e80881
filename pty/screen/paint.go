package screen

import (
	"strconv"
	"unicode/utf8"
)

// painter writes sequences that draw lines onto a blank screen. It prints only what xterm.js, in default modes, turns
// into exactly the same cells.
type painter struct {
	s         *Screen
	out       []byte
	ink       cell // current attributes, no character
	link      *link
	col       int  // of the cursor; cols while a wrap is pending
	plainOnly bool // omit attributes

	rows   [2]line // of the history, for reading
	starts []int   // where the history's rows begin in out
	limit  int     // limit of out, in bytes
	cut    bool    // the limit was reached
}

// seq writes CSI n F, omitting n if it is 1.
func (p *painter) seq(n int, final byte) {
	p.out = append(p.out, "\x1b["...)
	if n != 1 {
		p.out = strconv.AppendInt(p.out, int64(n), 10)
	}
	p.out = append(p.out, final)
}

// goTo sets the cursor, 0-based.
func (p *painter) goTo(row, col int) {
	p.out = append(p.out, "\x1b["...)
	if row > 0 || col > 0 {
		p.out = strconv.AppendInt(p.out, int64(row+1), 10)
	}
	if col > 0 {
		p.out = append(p.out, ';')
		p.out = strconv.AppendInt(p.out, int64(col+1), 10)
	}
	p.out = append(p.out, 'H')
	p.col = col
}

// goCol sets the cursor's column.
func (p *painter) goCol(col int) {
	p.seq(col+1, 'G')
	p.col = col
}

// use switches to the attributes of c.
func (p *painter) use(c cell) {
	c.content = 0
	if c == p.ink {
		return
	}
	p.ink = c
	p.setPen(c.fg, c.bg, p.s.exts.at(c.ext))
}

// usePen switches to a pen. A link disabled by DECRC is not opened.
func (p *painter) usePen(a pen) {
	if a.bg&hasExt == 0 {
		a.ext.link = nil
	}
	p.ink = p.s.ink
	p.setPen(a.fg, a.bg, a.ext)
}

// setPen writes SGR, and OSC 8 and DECSCA if needed.
func (p *painter) setPen(fg, bg uint32, ext extAttrs) {
	if p.plainOnly {
		return
	}
	p.out = append(p.out, "\x1b["...)
	p.sgr(fg, bg, ext)
	p.out[len(p.out)-1] = 'm' // replaces the last ';' or '['
	if bg&protected != 0 {
		p.out = append(p.out, "\x1b[1\"q"...)
	}
	if ext.link == p.link {
		return
	}
	p.link = ext.link
	p.out = append(p.out, "\x1b]8;"...)
	if l := ext.link; l != nil {
		if l.id != "" {
			p.out = append(append(p.out, "id="...), l.id...)
		}
		p.out = append(append(p.out, ';'), l.uri...)
	} else {
		p.out = append(p.out, ';')
	}
	p.out = append(p.out, '\a')
}

// sgr writes the parameters of SGR, each followed by ';', after a reset.
func (p *painter) sgr(fg, bg uint32, ext extAttrs) {
	p.out = append(p.out, "0;"...)
	for _, f := range flags {
		if fg&f.fg|bg&f.bg != 0 {
			p.number(f.on)
		}
	}
	if fg&underline != 0 {
		if ext.style > 1 {
			p.out = append(p.out, '4', ':', '0'+ext.style, ';')
		} else {
			p.out = append(p.out, "4;"...)
		}
	}
	p.colour(fg, 30)
	p.colour(bg, 40)
	p.colour(ext.colour, 50)
}

// colour writes a colour as SGR 30-37, 90-97, 38;5;n, or 38;2;r;g;b, and likewise for 40 and 50.
func (p *painter) colour(c uint32, base int) {
	switch v := int(c & colourValue); c & colourMode {
	case mode16:
		if v >= 8 {
			base += 60 - 8
		}
		p.number(base + v)
	case mode256:
		p.number(base + 8)
		p.number(5)
		p.number(v)
	case modeRGB:
		p.number(base + 8)
		p.number(2)
		p.number(v >> 16)
		p.number(v >> 8 & 0xff)
		p.number(v & 0xff)
	}
}

// number writes a parameter and its ';'.
func (p *painter) number(n int) { p.out = append(strconv.AppendInt(p.out, int64(n), 10), ';') }

// line paints a line over blank cells. With dirty, the first one is not blank.
func (p *painter) line(l *line, dirty bool) {
	end := p.s.cols
	for end > 0 && l.cells[end-1] == (cell{}) {
		end--
	}
	if dirty {
		end = max(end, 1)
	}
	for i := 0; i < end; dirty = false {
		switch n := p.printable(l, i); {
		case n > 0:
			p.use(l.cells[i])
			i = p.text(l, i, n)
		case l.width(i) == 0 && l.filled(i):
			p.mark(l, i)
			i++
		default:
			i = p.blanks(l, i, end, dirty)
		}
	}
}

// text prints the character of n columns at column i, and following ASCII with the same attributes. It returns where it
// stopped.
func (p *painter) text(l *line, i, n int) int {
	if c := l.cells[i]; c.content&combinedFlag != 0 {
		p.out = append(p.out, l.combined[i]...)
	} else {
		p.out = utf8.AppendRune(p.out, rune(c.content&codeMask))
	}
	i += n
	for ; i < p.s.cols && l.cells[i].content-0x20 < 0x5f && l.cells[i].attrsEqual(p.ink); i++ {
		p.out = append(p.out, byte(l.cells[i].content))
	}
	p.col = i
	return i
}

// printable is the width of the cell's printed text, 0 if printing does not produce this cell: a blank, half of a wide
// character, or a separate combining character.
func (p *painter) printable(l *line, i int) int {
	w := l.width(i)
	if w == 0 || !l.filled(i) {
		return 0
	}
	code := l.cells[i].content & codeMask
	if l.cells[i].content&combinedFlag != 0 {
		r, _ := utf8.DecodeRuneInString(l.text(i))
		code = uint32(r)
	}
	if columns(code) != w || w == 2 && (i+1 >= p.s.cols || l.width(i+1) != 0 || l.filled(i+1)) {
		return 0
	}
	return w
}

// mark paints a combining character that is not combined with the previous one.
func (p *painter) mark(l *line, i int) {
	p.ink.content = 1 // differs from the pen: SGR prevents combining
	p.use(l.cells[i])
	r, _ := utf8.DecodeRuneInString(l.text(i))
	p.out = utf8.AppendRune(p.out, r)
	p.col = i + 1
}

// blanks paints blank cells from column i, up to others or end, and returns where it stopped.
func (p *painter) blanks(l *line, i, end int, dirty bool) int {
	c := l.cells[i]
	c.content = 0
	n := 1
	for i+n < end && l.cells[i+n] == c {
		n++
	}
	switch {
	case c == (cell{bg: c.bg & colourMask}):
		if dirty || c.bg != 0 {
			p.use(c)
			p.seq(n, 'X')
		}
		if i+n < end {
			p.seq(n, 'C')
			p.col = i + n
		}
		return i + n
	case i+1 < p.s.cols:
		return p.oddBlank(l, c, i)
	}
	p.oddLastBlanks(l)
	return i + 1
}

// oddBlank paints a blank with attributes other than a background: what remains of a wide character when its right half
// is overwritten, which is then painted again.
func (p *painter) oddBlank(l *line, c cell, i int) int {
	p.out = append(p.out, "\u3000"...)
	p.goCol(i + 1)
	p.use(c)
	p.out = append(p.out, ' ')
	p.goCol(i + 1)
	if l.cells[i+1].content&contentMask == 0 {
		p.use(cell{})
		p.seq(1, 'X')
	}
	return i + 1
}

// oddLastBlanks paints such blanks at the end of the row, where no right half can be overwritten: from the right, each
// by overwriting the left half before it. The last one overwritten is then painted again.
func (p *painter) oddLastBlanks(l *line) {
	i := p.s.cols - 1
	for ; i > 0 && p.odd(l, i); i-- {
		p.goCol(i - 1)
		p.out = append(p.out, "\u3000"...)
		p.goCol(i - 1)
		c := l.cells[i]
		p.use(c)
		p.out = append(p.out, ' ')
	}
	if i > 0 && p.printable(l, i-1) == 2 {
		i--
	}
	p.goCol(i)
	if n := p.printable(l, i); n > 0 {
		p.use(l.cells[i])
		p.out = append(p.out, l.text(i)...)
		p.col = i + n
	} else {
		p.use(cell{bg: l.cells[i].bg & colourMask})
		p.seq(1, 'X')
	}
}

// odd reports whether a cell is painted as a blank with more than a background.
func (p *painter) odd(l *line, i int) bool {
	half := i > 0 && p.printable(l, i-1) == 2
	c := l.cells[i]
	c.content = 0
	return !half && p.printable(l, i) == 0 && !(l.width(i) == 0 && l.filled(i)) && c != cell{bg: c.bg & colourMask}
}

// lines paints lines first to end of a buffer, from the top left of a blank screen.
func (p *painter) lines(b *buffer, first, end int) {
	var l *line
	for i := first; i < end; i++ {
		if p.cut = len(p.out) > p.limit; p.cut {
			return
		}
		if i < b.base {
			p.starts = append(p.starts, len(p.out))
		}
		above := l
		l = b.read(i, &p.rows[i&1])
		if i > first && l.wrapped {
			p.wrapInto(above, l)
			continue
		}
		if i > first {
			if p.ink.bg&colourMask != 0 {
				p.use(cell{})
			}
			p.out = append(p.out, '\r', '\n')
			p.col = 0
		}
		p.line(l, false)
	}
}

// wrapInto continues from the end of line above with line l, by printing, so that the terminal wraps.
func (p *painter) wrapInto(above, l *line) {
	cols := p.s.cols
	last := above.cells[cols-1]
	begins := p.printable(l, 0) > 0
	attrs := l.cells[0]
	attrs.content = 0
	early := begins && l.width(0) == 2 && last == attrs
	switch {
	case p.col >= cols:
	case early: // a wide character that did not fit blanks the column
		p.goCol(cols - 1)
	default:
		p.goCol(cols - 1)
		p.use(cell{})
		p.out = append(p.out, ' ')
	}
	mend := p.col < cols && !early
	if begins && !mend {
		p.line(l, false)
		return
	}
	p.use(cell{})
	p.out = append(p.out, ' ')
	if mend && p.s.rows > 1 {
		p.seq(1, 'A')
		if p.odd(above, cols-1) {
			p.oddLastBlanks(above)
		} else {
			p.goCol(cols - 1)
			p.use(cell{bg: last.bg & colourMask})
			p.seq(1, 'X')
		}
		p.seq(1, 'B')
	}
	p.out = append(p.out, '\r')
	p.col = 0
	p.line(l, true)
}
