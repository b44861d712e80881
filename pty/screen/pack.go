package screen

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// History rows are packed, since few are ever read. Trailing blanks are omitted. If all cells are printable ASCII or
// blank, without attributes, there is one byte per cell: the character, or 0. Other rows begin with the attributes:
// runs of cells with the same ones, and a 0; then the text.
//
// A run is its number of cells, which of fg, bg, and ext it has, and these: 4 bytes, 4 bytes, and an index into
// block.exts. In the text, a cell is its character in UTF-8 if it has the usual width (a wide one covers its right half
// too), 0 if it is blank, or oddCell, its width and combined flag, the length of its text, and the text. Numbers are
// uvarints.
const (
	oddCell     = 1
	oddCombined = 1 << 2 // added to the width
	runHasFg    = 1
	runHasBg    = 2
	runHasExt   = 4
)

// pack appends the cells of a line to the block's text.
func (b *block) pack(l *line, exts *extTable) (known uint32) {
	if l.lazy {
		if l.ink.zero() {
			return rowASCII
		}
		l.materialize()
	}
	cells := l.cells
	for len(cells) > 0 && cells[len(cells)-1].zero() {
		cells = cells[:len(cells)-1]
	}
	start := len(b.text)
	b.text = slices.Grow(b.text, len(cells))
	text := b.text[start : start+len(cells)]
	for i := range cells {
		c := &cells[i]
		if c.fg|c.bg != 0 || c.content-0x20 >= 0x5f && c.content != 0 {
			b.packRuns(cells, exts)
			b.packText(l, len(cells))
			return 0
		}
		text[i] = byte(c.content)
	}
	b.text = b.text[:start+len(cells)]
	return rowASCII
}

// zero reports whether the cell is blank and without attributes.
func (c *cell) zero() bool { return c.content|c.fg|c.bg == 0 }

// sameAttrs reports whether two cells have the same attributes.
func sameAttrs(a, b *cell) bool {
	return a.fg == b.fg && a.bg == b.bg && (a.ext == b.ext || a.bg&hasExt == 0)
}

func (b *block) packRuns(cells []cell, exts *extTable) {
	for len(cells) > 0 {
		n := 1
		for n < len(cells) && sameAttrs(&cells[n], &cells[0]) {
			n++
		}
		b.packRun(n, cells[0], exts)
		cells = cells[n:]
	}
	b.text = append(b.text, 0)
}

func (b *block) packRun(n int, c cell, exts *extTable) {
	b.text = binary.AppendUvarint(b.text, uint64(n))
	at := len(b.text)
	b.text = append(b.text, 0)
	if c.fg != 0 {
		b.text[at] |= runHasFg
		b.text = binary.LittleEndian.AppendUint32(b.text, c.fg)
	}
	if c.bg != 0 {
		b.text[at] |= runHasBg
		b.text = binary.LittleEndian.AppendUint32(b.text, c.bg)
	}
	if c.bg&hasExt != 0 {
		b.text[at] |= runHasExt
		b.text = binary.AppendUvarint(b.text, b.ext(exts.at(c.ext)))
	}
}

// ext returns the index of e in the block. It searches only the last few.
func (b *block) ext(e extAttrs) uint64 {
	const few = 16
	for i := len(b.exts) - 1; i >= max(0, len(b.exts)-few); i-- {
		if b.exts[i] == e {
			return uint64(i)
		}
	}
	b.exts = append(b.exts, e)
	if e.link != nil {
		b.links += len(e.link.id) + len(e.link.uri)
	}
	return uint64(len(b.exts) - 1)
}

func (b *block) packText(l *line, n int) {
	text := b.text
	for i := 0; i < n; i++ {
		c := &l.cells[i]
		if c.content-0x20 < 0x5f || c.content == 0 {
			text = append(text, byte(c.content))
			continue
		}
		code, w := c.content&contentMask, c.width()
		half := w == 2 && i+1 < n && l.cells[i+1].content == content(0, 0) && sameAttrs(&l.cells[i+1], c)
		if code < 0x20 || code > codeMask || columns(code) != w || w == 2 && !half {
			text = appendOdd(text, l, i)
			continue
		}
		text = utf8.AppendRune(text, rune(code))
		if half {
			i++
		}
	}
	b.text = text
}

func appendOdd(text []byte, l *line, i int) []byte {
	flags := byte(l.width(i))
	if l.cells[i].content&combinedFlag != 0 {
		flags |= oddCombined
	}
	t := l.text(i)
	text = append(text, oddCell, flags)
	return append(binary.AppendUvarint(text, uint64(len(t))), t...)
}

// unpack sets l to row i of the block, truncated to cols columns.
func (b *block) unpack(i int, l *line, cols int, exts *extTable) {
	packed, known := b.row(i)
	l.reset(cols, cell{})
	l.wrapped = known&rowWrapped != 0
	if known&rowASCII == 0 {
		packed = b.unpackRuns(packed, l, exts)
		l.unpackText(packed)
		return
	}
	for i, c := range packed[:min(len(packed), cols)] {
		l.cells[i].content = uint32(c)
	}
}

// unpackRuns sets the attributes of l's cells, and returns the rest.
func (b *block) unpackRuns(p []byte, l *line, exts *extTable) []byte {
	for at := 0; ; {
		var c cell
		var ext int
		n, rest := uvarint(p)
		if n == 0 {
			return rest
		}
		has := rest[0]
		p = rest[1:]
		if has&runHasFg != 0 {
			c.fg, p = binary.LittleEndian.Uint32(p), p[4:]
		}
		if has&runHasBg != 0 {
			c.bg, p = binary.LittleEndian.Uint32(p), p[4:]
		}
		if has&runHasExt != 0 {
			ext, p = uvarint(p)
			c.ext = exts.index(b.exts[ext], nil)
		}
		end := min(at+n, len(l.cells))
		for i := at; i < end; i++ {
			l.cells[i] = c
		}
		at = end
	}
}

func uvarint(p []byte) (int, []byte) {
	v, n := binary.Uvarint(p)
	return int(v), p[n:]
}

// unpackText sets the characters of l's cells.
func (l *line) unpackText(p []byte) {
	for at := 0; len(p) > 0 && at < len(l.cells); {
		switch {
		case p[0] == 0:
			p = p[1:]
			at++
		case p[0] == oddCell:
			p = l.unpackOdd(p[1:], at)
			at++
		default:
			r, n := utf8.DecodeRune(p)
			p = p[n:]
			w := columns(uint32(r))
			l.cells[at].content = content(uint32(r), w)
			at++
			if w == 2 {
				if at < len(l.cells) {
					l.cells[at].content = content(0, 0)
				}
				at++
			}
		}
	}
}

func (l *line) unpackOdd(p []byte, at int) []byte {
	flags := p[0]
	n, p := uvarint(p[1:])
	code := uint32(0)
	if flags&oddCombined != 0 {
		code = combinedFlag
		if l.combined == nil {
			l.combined = make(map[int]string)
		}
		l.combined[at] = string(p[:n])
	} else if n > 0 {
		r, _ := utf8.DecodeRune(p)
		code = uint32(r)
	}
	l.cells[at].content = content(code, int(flags&3))
	return p[n:]
}
