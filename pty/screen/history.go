package screen

import "slices"

// Bounds on the memory of a history.
const (
	// historyBytes bounds what the rows take in memory, whatever they hold; the
	// oldest go before there are too many. Plain text does not come near it.
	historyBytes = 8 << 20
	// blockBytes is the size from which a block takes no more rows; it has room for
	// a little more. Blocks are dropped whole when there are too many bytes.
	blockBytes = 31 << 10
	blockRoom  = 32 << 10
)

// history keeps the rows that have scrolled off the screen, oldest first, at most
// max of them. They are packed one behind the other in blocks, see pack.go, and
// refer to nothing outside: a row costs what its text does, and 4 bytes.
type history struct {
	max    int
	n      int // rows
	first  int // rows of the first block that are gone already
	blocks []*block
	bytes  int // of all blocks but the last
	spare  *block
}

// What is known of a row, in the low bits of its entry in block.ends.
const (
	rowWrapped = 1 << iota // it continues the row above
	rowASCII               // its text is a byte for each column
	rowShift   = iota
)

// block is a stretch of rows.
type block struct {
	text  []byte
	ends  []uint32   // where each row ends in text, shifted by rowShift, and what is known of it
	exts  []extAttrs // what the rows' attributes refer to
	links int        // bytes of the links among them
}

const (
	endBytes = 4
	extBytes = 64 // of an entry, and of a link's own
)

// size is what the block takes in memory.
func (b *block) size() int {
	return cap(b.text) + endBytes*cap(b.ends) + extBytes*len(b.exts) + b.links
}

// full reports whether the block takes no more rows.
func (b *block) full() bool {
	return len(b.text)+endBytes*len(b.ends)+extBytes*len(b.exts)+b.links >= blockBytes
}

// row returns what is packed of a row, and what is known of it.
func (b *block) row(i int) (packed []byte, known uint32) {
	start := uint32(0)
	if i > 0 {
		start = b.ends[i-1] >> rowShift
	}
	return b.text[start : b.ends[i]>>rowShift], b.ends[i]
}

// tail returns the block that the next row goes into, and how many rows had to go
// because the history takes too much memory.
func (h *history) tail() (b *block, lost int) {
	if n := len(h.blocks); n > 0 {
		b = h.blocks[n-1]
		if !b.full() {
			return b, 0
		}
		h.bytes += b.size()
		for h.bytes > historyBytes-blockRoom {
			lost += h.dropBlock()
		}
	}
	b, h.spare = h.spare, nil
	if b == nil {
		b = &block{}
		if len(h.blocks) > 0 { // the first one grows as rows come
			b.text = make([]byte, 0, blockRoom)
		}
	}
	h.blocks = append(h.blocks, b)
	return b, lost
}

// dropBlock drops the first block, not the only one, and returns how many rows
// were left in it.
func (h *history) dropBlock() int {
	b := h.blocks[0]
	n := len(b.ends) - h.first
	h.bytes -= b.size()
	h.n -= n
	h.first = 0
	h.blocks[0] = nil
	h.blocks = h.blocks[1:]
	if cap(b.text) <= 2*blockRoom && cap(b.ends) <= blockBytes/4 {
		*b = block{text: b.text[:0], ends: b.ends[:0]}
		h.spare = b
	}
	return n
}

// end ends a row of block b, the last; the oldest goes if there are too many.
func (h *history) end(b *block, known uint32) {
	b.ends = append(b.ends, uint32(len(b.text))<<rowShift|known)
	if h.n++; h.n > h.max {
		h.drop(1)
	}
}

// add packs a line as the newest row. It returns how many of the oldest had to go
// because of what they take in memory.
func (h *history) add(l *line, exts *extTable) (lost int) {
	if h.max == 0 {
		return 0
	}
	b, lost := h.tail()
	known := b.pack(l, exts)
	if l.wrapped {
		known |= rowWrapped
	}
	h.end(b, known)
	return lost
}

// addText is add for a row of printable ASCII without attributes.
func (h *history) addText(text []byte, wrapped bool) (lost int) {
	if h.max == 0 {
		return 0
	}
	b, lost := h.tail()
	b.text = append(b.text, text...)
	known := uint32(rowASCII)
	if wrapped {
		known |= rowWrapped
	}
	h.end(b, known)
	return lost
}

// drop drops the n oldest rows.
func (h *history) drop(n int) {
	for n = min(n, h.n); n > 0; n-- {
		h.n--
		h.first++
		if h.n == 0 {
			h.clear()
		} else if h.first == len(h.blocks[0].ends) {
			h.dropBlock()
		}
	}
}

func (h *history) clear() { *h = history{max: h.max} }

// place returns where row i, 0 <= i < n, is.
func (h *history) place(i int) (b *block, at int) {
	i += h.first
	for _, b = range h.blocks {
		if i < len(b.ends) {
			break
		}
		i -= len(b.ends)
	}
	return b, i
}

// read makes l row i, cols columns wide.
func (h *history) read(i int, l *line, cols int, exts *extTable) {
	b, at := h.place(i)
	b.unpack(at, l, cols, exts)
}

// takeNewest takes the newest row out and returns it, cols columns wide.
func (h *history) takeNewest(cols int, exts *extTable) *line {
	l := &line{}
	b, at := h.place(h.n - 1)
	b.unpack(at, l, cols, exts)
	packed, _ := b.row(at)
	b.text = b.text[:len(b.text)-len(packed)]
	b.ends = b.ends[:at]
	switch h.n--; {
	case h.n == 0:
		h.clear()
	case at == 0:
		h.blocks = h.blocks[:len(h.blocks)-1]
		h.bytes -= h.blocks[len(h.blocks)-1].size()
	}
	return l
}

// set puts a line in the place of row i.
func (h *history) set(i int, l *line, exts *extTable) {
	b, at := h.place(i)
	old, _ := b.row(at)
	size, n := b.size(), len(b.text)
	known := b.pack(l, exts)
	packed := slices.Clone(b.text[n:])
	start := int(b.ends[at]>>rowShift) - len(old)
	b.text = slices.Replace(b.text[:n], start, start+len(old), packed...)
	b.ends[at] = b.ends[at]>>rowShift<<rowShift | known
	for k := at; k < len(b.ends); k++ {
		b.ends[k] += uint32(len(packed)-len(old)) << rowShift
	}
	if b != h.blocks[len(h.blocks)-1] {
		h.bytes += b.size() - size
	}
}

// unwrap takes from row i that it continues the one above.
func (h *history) unwrap(i int) {
	b, at := h.place(i)
	b.ends[at] &^= rowWrapped
}
