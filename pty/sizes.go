package pty

// Size is the size of a terminal in cells, 1 to 1000 each.
type Size struct{ Rows, Cols int }

// maxSide is the largest number of rows or columns.
const maxSide = 1000

func (z Size) valid() bool {
	return z.Rows >= 1 && z.Rows <= maxSide && z.Cols >= 1 && z.Cols <= maxSide
}

// maxMarks bounds the sizes remembered; beyond it the oldest are forgotten.
const maxMarks = 1024

// mark says that from off on the output is meant for size. Marks are told apart
// by their number: a size may come back.
type mark struct {
	off    int64
	size   Size
	number int
}

// sizes are the marks that the bytes in the ring need, in the order of their
// offsets. There is always at least one.
type sizes []mark

// add notes that size holds from off on. Several at one offset are one: only
// the last is of use to anybody.
func (z sizes) add(off int64, size Size) sizes {
	next := mark{off, size, 1}
	if len(z) > 0 {
		last := &z[len(z)-1]
		next.number = last.number + 1
		if last.off == off {
			*last = next
			return z
		}
	}
	if len(z) == maxMarks {
		z = append(z[:0], z[1:]...)
	}
	return append(z, next)
}

// forget drops the marks that no byte at or after start needs.
func (z sizes) forget(start int64) sizes {
	n := 0
	for n+1 < len(z) && z[n+1].off <= start {
		n++
	}
	if n == 0 {
		return z
	}
	return append(z[:0], z[n:]...)
}

// at is the mark in force at off, and the offset where the next begins (end if
// there is none).
func (z sizes) at(off, end int64) (mark, int64) {
	for i := len(z) - 1; i > 0; i-- {
		if z[i].off <= off {
			return z[i], end
		}
		end = z[i].off
	}
	return z[0], end
}

// last is the size in force now.
func (z sizes) last() Size { return z[len(z)-1].size }
