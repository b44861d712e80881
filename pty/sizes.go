package pty

import "slices"

// Size is the size of a terminal in cells, 1 to 1000 each.
type Size struct{ Rows, Cols int }

// maxSide limits rows and columns.
const maxSide = 1000

func (z Size) valid() bool {
	return z.Rows >= 1 && z.Rows <= maxSide && z.Cols >= 1 && z.Cols <= maxSide
}

// maxMarks limits the remembered sizes; the oldest are dropped.
const maxMarks = 1024

// mark means that the output from off is for size. Marks have numbers, since a size may occur again.
type mark struct {
	off    int64
	size   Size
	number int
}

// sizes are the marks for the bytes in the ring, ordered by offset. There is always at least one.
type sizes []mark

// add adds a size from off. Of several at one offset only the last remains.
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
		z = slices.Delete(z, 0, 1)
	}
	return append(z, next)
}

// trim drops the marks that no byte at or after start needs.
func (z sizes) trim(start int64) sizes {
	n := 0
	for n+1 < len(z) && z[n+1].off <= start {
		n++
	}
	return slices.Delete(z, 0, n)
}

// at returns the mark at off, and the offset of the next one (end if there is none).
func (z sizes) at(off, end int64) (mark, int64) {
	for i := len(z) - 1; i > 0; i-- {
		if z[i].off <= off {
			return z[i], end
		}
		end = z[i].off
	}
	return z[0], end
}

// last is the current size.
func (z sizes) last() Size { return z[len(z)-1].size }
