package screen

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// SnapshotWithin returns bytes that turn a terminal of the same size, in any state, into this screen with up to
// historyRows rows of its history: both screens, cursor, pen, modes, margins, tab stops, character sets, the state
// saved by DECSC, title, and colours. They end within the sequence or character that the program has started, if any,
// so that the rest of its stream can follow. They contain no queries and ring no bell.
//
// It includes as many of the newest rows as fit into the given number of bytes. The screen itself may take twice as
// much; a larger one is drawn without colours and attributes.
//
// Not restored: bells, directory, and prompt; columns hidden by a narrower window; whether the first row continues
// another; and what hardly any stream produces (separate halves of wide characters, an underline attribute without
// style).
func (s *Screen) SnapshotWithin(historyRows, bytes int) []byte {
	rows := max(min(historyRows, s.normal.base), 0)
	for {
		p := painter{limit: 2 * bytes}
		out := s.paint(&p, rows)
		over := len(out) - bytes
		switch {
		case over <= 0 || rows == 0 && over <= bytes:
			return out
		case rows == 0:
			return s.paint(&painter{limit: math.MaxInt, plainOnly: true}, 0)
		}
		rows = p.excess(rows, over)
	}
}

// excess returns how many history rows to omit to save that many bytes.
func (p *painter) excess(rows, bytes int) int {
	if p.cut { // what fitted took twice the limit
		return min(len(p.starts)/2, rows-1)
	}
	for i, at := range p.starts {
		if at-p.starts[0] >= bytes {
			return rows - i
		}
	}
	return 0
}

func (s *Screen) paint(p *painter, historyRows int) []byte {
	p.s, p.out = s, make([]byte, 0, 4096)
	p.start()
	if s.alt.saved != (saved{}) {
		p.out = append(p.out, "\x1b[?47h"...)
		p.saved(&s.alt)
		p.out = append(p.out, "\x1b[?47l\x1b[H"...)
	}
	p.normal(max(s.normal.base-max(historyRows, 0), 0))
	if s.buf == &s.alt {
		p.use(cell{})
		p.out = append(p.out, "\x1b[?47h\x1b[H"...)
		p.col = 0
		p.lines(&s.alt, s.alt.base, usedLines(&s.alt, s.alt.base))
		p.tabs(&s.alt)
		p.margins(&s.alt)
	}
	p.plainOnly = false
	p.modes()
	p.finish()
	s.exts.sweepIfMany(s.markUsed)
	return p.out
}

// start resets the terminal, including what RIS keeps, and sets title and colours.
func (p *painter) start() {
	s := p.s
	p.out = append(p.out, "\x18\x1bc\x1b[20l\x1b[?12l\x1b[?25h\x1b]104\a\x1b]110\a\x1b]111\a\x1b]112\a\x1b]2;"...)
	p.out = append(append(p.out, s.title...), '\a')
	for _, i := range slices.Sorted(maps.Keys(s.colours)) {
		if i < Foreground {
			p.out = fmt.Appendf(p.out, "\x1b]4;%d;%s\a", i, s.colours[i])
		} else {
			p.out = fmt.Appendf(p.out, "\x1b]%d;%s\a", i-Foreground+10, s.colours[i])
		}
	}
}

// usedLines returns the end of the lines to paint: the whole screen if some must be scrolled into the history, else
// those up to the last one that is not blank.
func usedLines(b *buffer, first int) int {
	end := b.count()
	if first == b.base {
		for end > first+1 && b.line(end-1-b.base).blank() {
			end--
		}
	}
	return end
}

func (l *line) blank() bool {
	if l.lazy {
		return l.ink == (cell{}) && !l.wrapped
	}
	return !l.wrapped && !slices.ContainsFunc(l.cells, func(c cell) bool { return c != cell{} })
}

// normal paints the normal screen with the history from line first.
func (p *painter) normal(first int) {
	b := &p.s.normal
	p.lines(b, first, usedLines(b, first))
	p.tabs(b)
	if b.saved != (saved{}) {
		p.saved(b)
	}
	p.margins(b)
}

// saved recreates the state saved by DECSC, and saves it.
func (p *painter) saved(b *buffer) {
	if c := b.saved.charset; c != nil {
		p.out = append(p.out, 0x1b, '(', c.final)
	}
	lone := b.saved.bg&hasExt != 0 && b.saved.fg&underline == 0
	p.setPen(b.saved.fg, b.saved.bg, extAttrs{style: 1})
	if lone {
		p.out = append(p.out, "\x1b]8;;:\a"...) // the flag of extended attributes
	}
	p.goTo(min(max(b.saved.row-b.base, 0), p.s.rows-1), min(b.saved.col, p.s.cols-1))
	p.out = append(p.out, "\x1b7"...)
	if lone {
		p.out = append(p.out, "\x1b]8;;\a"...)
	}
	p.out = append(p.out, "\x1b[m\x1b(B"...)
	p.ink = cell{}
}

func (p *painter) tabs(b *buffer) {
	usual := true
	for col := range p.s.cols {
		usual = usual && b.isTab(col) == (col%tabColumns == 0)
	}
	if usual {
		return
	}
	p.out = append(p.out, "\x1b[3g"...)
	for col := range p.s.cols {
		if b.isTab(col) {
			p.goCol(col)
			p.out = append(p.out, "\x1bH"...)
		}
	}
}

func (p *painter) margins(b *buffer) {
	if b.top > 0 || b.bottom < p.s.rows-1 {
		p.out = fmt.Appendf(p.out, "\x1b[%d;%dr", b.top+1, b.bottom+1)
	}
}

// modes sets the modes except IRM, in which nothing could be painted.
func (p *painter) modes() {
	m := &p.s.modes
	for _, v := range [...]struct {
		set bool
		seq string
	}{
		{m.NewLine, "\x1b[20h"}, {m.AppCursor, "\x1b[?1h"}, {m.Origin, "\x1b[?6h"}, {!m.Wrap, "\x1b[?7l"},
		{m.Blink, "\x1b[?12h"}, {m.ReverseWrap, "\x1b[?45h"}, {m.AppKeypad, "\x1b="}, {m.Focus, "\x1b[?1004h"},
		{m.Paste, "\x1b[?2004h"}, {m.Sync, "\x1b[?2026h"}, {p.s.hidden, "\x1b[?25l"},
	} {
		if v.set {
			p.out = append(p.out, v.seq...)
		}
	}
	for _, v := range [...]int{int(m.Mouse), m.MouseEncoding} {
		if v != 0 {
			p.out = append(strconv.AppendInt(append(p.out, "\x1b[?"...), int64(v), 10), 'h')
		}
	}
	style := 2 * m.CursorStyle
	switch {
	case style == 0 && m.CursorBlink != 0:
		style = 6 + m.CursorBlink // no style, but blinking or not
	case m.CursorBlink == 1:
		style--
	}
	if style != 0 {
		p.out = append(p.out, 0x1b, '[', '0'+byte(style), ' ', 'q')
	}
}

// charsets designates G0 to G3, and invokes the one in use.
func (p *painter) charsets(pending bool) {
	s := p.s
	for i, c := range s.g {
		if c != nil {
			p.out = append(p.out, 0x1b, "()*+"[i], c.final)
		}
	}
	p.out = append(p.out, [...]string{"", "\x0e", "\x1bn", "\x1bo"}[s.level]...)
	if s.charset != s.g[s.level] && s.charset == s.buf.saved.charset && !pending {
		p.out = append(p.out, "\x1b8"...)
	}
}

// finish sets cursor, pen, character sets, and IRM. It reprints the character before the cursor if a wrap is pending,
// or if it may still be combined or repeated.
func (p *painter) finish() {
	s := p.s
	b := s.buf
	l := b.current()
	col := min(b.col, s.cols)
	row := b.row
	if s.modes.Origin {
		row = max(row-b.top, 0)
	}
	w := p.lastWidth(l, col)
	joins := p.joins(l, col, w)
	if col == s.cols && !joins {
		p.pending(l, row, w)
	}
	p.charsets(col == s.cols && !joins)
	switch {
	case joins:
		p.goTo(row, col-w)
		p.usePen(s.pen)
		if s.modes.Insert {
			p.seq(w, 'P')
			p.out = append(p.out, "\x1b[4h"...)
		}
		text, _ := s.charset.unmapped(l.text(col - w))
		p.out = append(p.out, text...)
	default:
		if col < s.cols {
			p.goTo(row, col)
		}
		p.usePen(s.pen)
		if s.modes.Insert {
			p.out = append(p.out, "\x1b[4h"...)
		}
	}
	p.out = s.p.appendBegun(p.out)
}

// joins reports whether the character of w columns before col was printed last, so that printing it again restores the
// state in which it may be combined or repeated. After a resize that state can exist without the character.
func (p *painter) joins(l *line, col, w int) bool {
	if p.s.joined == 0 || w != int(p.s.joined>>1) || !l.cells[col-w].attrsEqual(p.s.ink) {
		return false
	}
	_, ok := p.s.charset.unmapped(l.text(col - w))
	return ok
}

// lastWidth is the width of the character before col, 0 if none can be printed again.
func (p *painter) lastWidth(l *line, col int) int {
	for w := 1; w <= min(2, col); w++ {
		if p.printable(l, col-w) == w {
			return w
		}
	}
	return 0
}

// pending leaves the cursor after the last column, where w is the width of the character there. If there is none, the
// row is blank: only this erases it and leaves the cursor.
func (p *painter) pending(l *line, row, w int) {
	cols := p.s.cols
	if w > 0 {
		p.goTo(row, cols-w)
		p.use(l.cells[cols-w])
		p.out = append(p.out, l.text(cols-w)...)
		return
	}
	p.goTo(row, cols-1)
	if c := l.cells[0]; c == (cell{bg: c.bg & colourMask}) &&
		!slices.ContainsFunc(l.cells, func(d cell) bool { return d != c }) {
		p.use(c)
		p.out = append(p.out, " \x1b[1K"...)
	}
}

func (c cell) attrsEqual(d cell) bool { return c.fg == d.fg && c.bg == d.bg && c.ext == d.ext }

// unmapped returns what to print to produce text while c is in use, or false if that is impossible.
func (c *charset) unmapped(text string) (string, bool) {
	if c == nil || text[0] >= 127 || c.to[text[0]] == 0 {
		return text, true
	}
	for i, r := range c.to {
		if r == uint16(text[0]) {
			return string(rune(i)) + text[1:], true
		}
	}
	return "", false
}

// appendBegun appends the received part of a sequence and of a character.
func (p *parser) appendBegun(out []byte) []byte {
	switch p.state {
	case ground:
	case escape, escapeIntermediate:
		out = p.appendCollected(append(out, 0x1b), 0x20, 0x3f)
	case csiEntry, csiParam, csiIntermediate:
		out = p.appendParams(append(out, 0x1b, '['))
	case csiIgnore:
		out = append(out, "\x1b[0<"...)
	case sosPmApcString:
		out = append(out, 0x1b, '_')
	case dcsEntry, dcsParam, dcsIntermediate:
		out = p.appendParams(append(out, 0x1b, 'P'))
	case dcsIgnore:
		out = append(out, "\x1bP0<"...)
	case dcsPassthrough:
		out = p.appendParams(append(out, 0x1b, 'P'))
		out = append(append(out, byte(p.dcsID)), p.text...)
	case oscString:
		out = p.appendOSC(append(out, 0x1b, ']'))
	}
	if p.need > 0 {
		out = append(out, p.raw...)
	}
	return out
}

func (p *parser) appendOSC(out []byte) []byte {
	switch {
	case p.oscPart == oscBad || p.tooLong:
		return append(out, 'x')
	case p.oscID >= 0:
		out = strconv.AppendInt(out, int64(p.oscID), 10)
	}
	if p.oscPart == oscText {
		out = append(append(out, ';'), p.text...)
	}
	return out
}

// appendCollected appends the collected bytes from lo to hi.
func (p *parser) appendCollected(out []byte, lo, hi byte) []byte {
	for shift := 24; shift >= 0; shift -= 8 {
		if c := byte(p.collect >> shift); c >= lo && c <= hi {
			out = append(out, c)
		}
	}
	return out
}

// appendParams appends prefix, parameters, and intermediates.
func (p *parser) appendParams(out []byte) []byte {
	out = p.appendCollected(out, 0x3c, 0x3f)
	if p.state == csiEntry || p.state == dcsEntry {
		return out
	}
	a := &p.params
	for i := range a.n {
		if i > 0 {
			out = append(out, ';')
		}
		out = strconv.AppendInt(out, int64(a.v[i]), 10)
		for _, v := range a.subOf(i) {
			out = append(out, ':')
			if v >= 0 {
				out = strconv.AppendInt(out, int64(v), 10)
			}
		}
	}
	if a.full {
		out = append(out, ';')
	}
	return p.appendCollected(out, 0x20, 0x2f)
}
