package screen

import "slices"

// Limits on the memory of a history.
const (
	// historyBytes limits the memory of the rows; beyond it, the oldest are dropped. Plain text does not come close.
	historyBytes = 8 << 20
	// blockBytes is the size at which a block is full; it has slightly more room. Blocks are dropped as a whole when
	// the memory is exceeded.
	blockBytes = 31 << 10
	blockRoom  = 32 << 10
)

// history keeps the rows that have scrolled off the screen, oldest first, at most max. Rows are packed into blocks, see
// pack.go, without outside references: a row costs its text and 4 bytes.
type history struct {
	max    int
	n      int // rows
	first  int // rows of the first block that are dropped
	blocks []*block
	bytes  int // of all blocks but the last
	spare  *block
}

// Properties of a row, in the low bits of its entry in block.ends.
const (
	rowWrapped = 1 << iota // continues the row above
	rowASCII               // its text is one byte per column
	rowShift   = iota
)

// block is a sequence of rows.
type block struct {
	text  []byte
	ends  []uint32   // the end of each row in text, shifted by rowShift, and the row's properties
	exts  []extAttrs // attributes of the rows
	links int        // bytes of their links
}

const (
	endBytes = 4
	extBytes = 64 // per entry, and per link
)

// size is the block's memory.
func (b *block) size() int {
	return cap(b.text) + endBytes*cap(b.ends) + extBytes*len(b.exts) + b.links
}

func (b *block) full() bool {
	return len(b.text)+endBytes*len(b.ends)+extBytes*len(b.exts)+b.links >= blockBytes
}

// row returns a packed row and its properties.
func (b *block) row(i int) (packed []byte, known uint32) {
	start := uint32(0)
	if i > 0 {
		start = b.ends[i-1] >> rowShift
	}
	return b.text[start : b.ends[i]>>rowShift], b.ends[i]
}

// tail returns the block for the next row, and how many rows were dropped to limit the memory.
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
		if len(h.blocks) > 0 { // the first one grows on demand
			b.text = make([]byte, 0, blockRoom)
		}
	}
	h.blocks = append(h.blocks, b)
	return b, lost
}

// dropBlock drops the first block, unless it is the only one, and returns how many rows it had.
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

// end ends a row of block b, the last one; the oldest row is dropped if there are too many.
func (h *history) end(b *block, known uint32) {
	b.ends = append(b.ends, uint32(len(b.text))<<rowShift|known)
	if h.n++; h.n > h.max {
		h.drop(1)
	}
}

// add packs a line as the newest row. It returns how many old rows were dropped to limit the memory.
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

// addText is add for printable ASCII without attributes.
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

// locate returns the position of row i, 0 <= i < n.
func (h *history) locate(i int) (b *block, at int) {
	i += h.first
	for _, b = range h.blocks {
		if i < len(b.ends) {
			break
		}
		i -= len(b.ends)
	}
	return b, i
}

// read sets l to row i, cols columns wide.
func (h *history) read(i int, l *line, cols int, exts *extTable) {
	b, at := h.locate(i)
	b.unpack(at, l, cols, exts)
}

// takeNewest removes and returns the newest row, cols columns wide.
func (h *history) takeNewest(cols int, exts *extTable) *line {
	l := &line{}
	b, at := h.locate(h.n - 1)
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

// set replaces row i.
func (h *history) set(i int, l *line, exts *extTable) {
	b, at := h.locate(i)
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

// unwrap clears the wrapped flag of row i.
func (h *history) unwrap(i int) {
	b, at := h.locate(i)
	b.ends[at] &^= rowWrapped
}
