package screen

import "iter"

// maxLineColumns limits the wrapped history lines that are reflowed in one piece, and so the memory for it. A longer
// one is split permanently.
const maxLineColumns = 1 << 17

// takeWrapped removes the rows from the history that the first line continues, so that both can be reflowed separately.
func (b *buffer) takeWrapped(cols int) {
	for n := cols; b.past.n > 0 && b.lines.peek(0).wrapped; n += cols {
		if n > maxLineColumns {
			b.lines.peek(0).wrapped = false
			return
		}
		b.pullHistory(1, cols)
	}
}

// rewrap returns the history at another width. change receives the rows of each wrapped line, cols columns wide, and
// returns the new ones, possibly none. Single rows that fit into width columns stay unchanged. lost is how many rows
// were dropped to limit the memory.
func (h *history) rewrap(cols, width int, exts *extTable, change func([]*line) []*line) (made history, lost int) {
	made.max = h.max
	var pool []*line
	var group []rowPos
	end := func(cut bool) {
		if len(group) == 1 && group[0].plainWithin(width) {
			packed, _ := group[0].row(group[0].at)
			lost += made.addText(packed, false)
			return
		}
		for len(pool) < len(group) {
			pool = append(pool, &line{})
		}
		for i, p := range group {
			p.unpack(p.at, pool[i], cols, exts)
		}
		if cut {
			pool[0].wrapped = false
		}
		for _, l := range change(pool[:len(group):len(group)]) {
			lost += made.add(l, exts)
		}
	}
	cut := false
	for b, at := range h.rows() {
		wraps := b.ends[at]&rowWrapped != 0
		full := len(group)*cols >= maxLineColumns
		if len(group) > 0 && (!wraps || full) {
			end(cut)
			group, cut = group[:0], wraps
		}
		group = append(group, rowPos{b, at})
	}
	if len(group) > 0 {
		end(cut)
	}
	return made, lost
}

// rowPos is the position of a row.
type rowPos struct {
	*block
	at int
}

// plainWithin reports whether it is a row of plain text that fits into cols columns and does not continue another.
func (p rowPos) plainWithin(cols int) bool {
	packed, known := p.row(p.at)
	return known&(rowASCII|rowWrapped) == rowASCII && len(packed) <= cols
}

// rows yields the positions of the rows, oldest first.
func (h *history) rows() iter.Seq2[*block, int] {
	return func(yield func(*block, int) bool) {
		first := h.first
		for _, b := range h.blocks {
			for at := first; at < len(b.ends); at++ {
				if !yield(b, at) {
					return
				}
			}
			first = 0
		}
	}
}
