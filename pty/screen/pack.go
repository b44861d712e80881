package screen

import (
	"encoding/binary"
	"unicode/utf8"
)

// maxHistoryBytes bounds what a history takes when its rows are of the costly kind,
// every cell another colour: then the oldest rows go before there are too many.
const maxHistoryBytes = 8 << 20

// A row of the history is packed, since few are ever looked at again: the number of
// its columns (uvarint), then runs of cells that differ in their characters alone.
// A run is its number of cells (uvarint), with 0 for a run without colours and
// attributes or 1 and these 12 bytes (fg, bg, ext), then the characters: a byte each
// for those of ASCII that are one column wide, else 0x80 and the content (4 bytes).
// Blank cells at the end are left out.
const contentFollows = 0x80

// appendPacked packs the line's cells.
func (l *line) appendPacked(buf []byte) []byte {
	n := len(l.cells)
	for n > 0 && l.cells[n-1] == (cell{}) {
		n--
	}
	buf = binary.AppendUvarint(buf, uint64(len(l.cells)))
	for at := 0; at < n; {
		end := at + 1
		for end < n && sameInk(l.cells[end], l.cells[at]) {
			end++
		}
		buf = appendRun(buf, l.cells[at:end])
		at = end
	}
	return buf
}

func sameInk(a, b cell) bool { return a.fg == b.fg && a.bg == b.bg && a.ext == b.ext }

func appendRun(buf []byte, cells []cell) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(cells)))
	if c := cells[0]; sameInk(c, cell{}) {
		buf = append(buf, 0)
	} else {
		buf = append(buf, 1)
		buf = binary.LittleEndian.AppendUint32(buf, c.fg)
		buf = binary.LittleEndian.AppendUint32(buf, c.bg)
		buf = binary.LittleEndian.AppendUint32(buf, c.ext)
	}
	for _, c := range cells {
		if c.content < utf8.RuneSelf {
			buf = append(buf, byte(c.content))
		} else {
			buf = binary.LittleEndian.AppendUint32(append(buf, contentFollows), c.content)
		}
	}
	return buf
}

// appendText packs a row of text in printable ASCII without attributes.
func appendText(buf, text []byte, cols int) []byte {
	buf = binary.AppendUvarint(buf, uint64(cols))
	if len(text) == 0 {
		return buf
	}
	buf = append(binary.AppendUvarint(buf, uint64(len(text))), 0)
	return append(buf, text...)
}

// unpacked is the line with its cells: itself, or a copy if they are packed.
func (l *line) unpacked() *line {
	if l.packed == nil {
		return l
	}
	p := l.packed
	cols, n := binary.Uvarint(p)
	p = p[n:]
	cells := make([]cell, cols)
	for at := 0; len(p) > 0; {
		count, n := binary.Uvarint(p)
		ink := cell{}
		painted := p[n] == 1
		if p = p[n+1:]; painted {
			ink = cell{fg: binary.LittleEndian.Uint32(p), bg: binary.LittleEndian.Uint32(p[4:]), ext: binary.LittleEndian.Uint32(p[8:])}
			p = p[12:]
		}
		for range count {
			ink.content, p = uint32(p[0]), p[1:]
			if ink.content == contentFollows {
				ink.content, p = binary.LittleEndian.Uint32(p), p[4:]
			}
			cells[at] = ink
			at++
		}
	}
	return &line{cells: cells, combined: l.combined, wrapped: l.wrapped}
}

// at returns line i of a buffer with its cells, to be read.
func (b *buffer) at(i int) *line { return b.lines.at(i).unpacked() }

// keep adds a packed row at the end of the lines, which must be those of the history
// alone; oldest rows go where there is no room.
func (b *buffer) keep(packed []byte, combined map[int]string, wrapped bool) {
	for b.lines.n > 0 && (b.lines.n >= b.lines.max-b.rows || b.lines.bytes > maxHistoryBytes) {
		b.lines.trim(1)
	}
	b.lines.push(b.lines.pack(packed, combined, wrapped))
}

// pack makes a line of packed cells, of which it keeps a copy. What was discarded
// last is used again.
func (r *ring) pack(packed []byte, combined map[int]string, wrapped bool) *line {
	l := r.discard
	r.discard = nil
	if l == nil {
		l = &line{}
	}
	if cap(l.packed) < len(packed) || cap(l.packed) > 2*len(packed)+32 {
		l.packed = make([]byte, 0, len(packed))
	}
	*l = line{packed: append(l.packed[:0], packed...), combined: combined, wrapped: wrapped}
	r.bytes += len(packed)
	return l
}

// open returns line i with its cells, to be written to.
func (b *buffer) open(i int) *line {
	l := b.lines.at(i)
	b.lines.bytes -= len(l.packed)
	l = l.unpacked()
	b.lines.set(i, l)
	return l
}

// unpackAll gives all lines their cells, for a change of the size.
func (b *buffer) unpackAll() {
	for i := range b.lines.n {
		b.open(i)
	}
}

// packHistory packs the rows that are not on the screen.
func (b *buffer) packHistory() {
	for i := range b.base {
		if l := b.lines.at(i); l.packed == nil {
			b.scratch = l.appendPacked(b.scratch[:0])
			b.lines.set(i, b.lines.pack(b.scratch, l.combined, l.wrapped))
		}
	}
}
