package screen

import "slices"

// The functions of this file are BufferReflow.ts and the reflow parts of Buffer.ts of xterm.js, including quirks, so
// that a browser and its node agree on every row after a change of the width.

// wrappedFrom returns the lines from i that form one wrapped line, at least one.
func (b *buffer) wrappedFrom(i int) []*line {
	group := []*line{b.lines.at(i)}
	for i++; i < b.lines.n && b.lines.at(i).wrapped; i++ {
		group = append(group, b.lines.at(i))
	}
	return group
}

// usedColumns is the used length of line i of a group at width cols: all of it except for the last line, minus the
// column that a wide character left blank.
func usedColumns(group []*line, i, cols int) int {
	l := group[i]
	if i == len(group)-1 {
		return l.trimmed()
	}
	if !l.filled(cols-1) && l.width(cols-1) == 1 && group[i+1].width(0) == 2 {
		return cols - 1
	}
	return cols
}

// reflowWider joins wrapped lines for a wider screen.
func (b *buffer) reflowWider(rows, cols int) {
	drop := make(map[int]bool)
	for y := 0; y < b.lines.n-1; y++ {
		if !b.lines.at(y + 1).wrapped {
			continue
		}
		group := b.wrappedFrom(y)
		if at := b.screen() + b.row; at < y || at >= y+len(group) {
			n := joinWrapped(group, b.cols, cols)
			for i := range n {
				drop[y+len(group)-n+i] = true
			}
		}
		y += len(group) - 1
	}
	kept := 0
	for i := range b.lines.n {
		if !drop[i] {
			b.lines.set(kept, b.lines.at(i))
			kept++
		}
	}
	b.lines.truncate(kept)
	old := b.past.n
	b.past, _ = b.past.rewrap(cols, cols, b.exts, func(group []*line) []*line {
		if len(group) == 1 {
			return group
		}
		return group[:len(group)-joinWrapped(group, b.cols, cols)]
	})
	gone := old - b.past.n + len(drop)
	for range gone {
		if b.base > 0 {
			b.base--
			continue
		}
		b.row = max(b.row-1, 0)
		if b.count() < rows {
			b.push(newLine(cols, cell{}))
		}
	}
	b.saved.row = max(b.saved.row-gone, 0)
}

// joinWrapped moves the cells of a group to the front and returns how many lines at its end are unused.
func joinWrapped(group []*line, old, cols int) int {
	dst, to := 0, usedColumns(group, 0, old)
	src, from := 1, 0
	for src < len(group) {
		used := usedColumns(group, src, old)
		n := min(used-from, cols-to)
		group[dst].copyCells(group[src], from, to, n, false)
		if to += n; to == cols {
			dst, to = dst+1, 0
		}
		if from += n; from == used {
			src, from = src+1, 0
		}
		if to == 0 && dst > 0 && group[dst-1].width(cols-1) == 2 {
			group[dst].copyCells(group[dst-1], cols-1, to, 1, false)
			to++
			group[dst-1].set(cols-1, cell{})
		}
	}
	group[dst].replace(to, cols, cell{}, false)
	n := 0
	for i := len(group) - 1; i > 0 && (i > dst || group[i].trimmed() == 0); i-- {
		n++
	}
	return n
}

// insertion is a list of lines to insert after index start of the resulting list.
type insertion struct {
	start int
	lines []*line
}

// reflowNarrower breaks lines for a narrower screen.
func (b *buffer) reflowNarrower(rows, cols int) {
	var inserts []insertion
	total := 0
	for y := b.lines.n - 1; y >= 0; y-- {
		if l := b.lines.at(y); !l.wrapped && l.trimmed() <= cols {
			continue
		}
		last := y
		for y > 0 && b.lines.at(y).wrapped {
			y--
		}
		if at := b.screen() + b.row; at >= y && at <= last {
			continue
		}
		group := make([]*line, 0, last-y+1)
		for i := y; i <= last; i++ {
			group = append(group, b.lines.at(i))
		}
		grown, more := breakLines(group, b.cols, cols)
		if len(more) > 0 {
			inserts = append(inserts, insertion{y + len(group) + total, more})
			total += len(more)
		}
		b.shiftScreen(grown, rows, total)
	}
	b.reflowPastNarrower(rows, cols, total)
	if total > 0 {
		b.lines.insertAll(inserts, total)
	}
}

// reflowPastNarrower does the same in the history; inserted is the number of lines to be inserted below.
func (b *buffer) reflowPastNarrower(rows, cols, inserted int) {
	var grown []int
	past, lost := b.past.rewrap(b.cols, cols, b.exts, func(group []*line) []*line {
		if len(group) > 1 || group[0].wrapped || group[0].trimmed() > cols {
			n, more := breakLines(group, b.cols, cols)
			grown = append(grown, n)
			group = append(group, more...)
		}
		for _, l := range group {
			l.resize(cols)
		}
		return group
	})
	for _, n := range slices.Backward(grown) {
		inserted += max(n, 0)
		b.shiftScreen(n, rows, inserted)
	}
	b.past = past
	b.base -= lost
	b.saved.row = max(b.saved.row-lost, 0)
}

// shiftScreen moves the screen down by the growth of a group above it; inserted is the number of insertions so far.
func (b *buffer) shiftScreen(grown, rows, inserted int) {
	trimmed := max(b.count()-b.max+grown, 0)
	if b.base == 0 && b.row != b.count()-1 {
		trimmed = max(b.row-b.max+grown, 0)
	}
	for range grown - trimmed {
		switch {
		case b.base > 0:
			if b.base < min(b.max, b.count()+inserted)-rows {
				b.base++
			}
		case b.row < rows-1:
			b.row++
			b.lines.n-- // the line stays readable until the loop has passed it
		default:
			b.base++
		}
	}
	b.saved.row = min(b.saved.row+grown, b.base+rows-1)
}

// breakLines distributes the cells of a group over lines of cols columns. It returns the group's growth, which may be
// negative, and the additional lines.
func breakLines(group []*line, old, cols int) (grown int, more []*line) {
	lengths := brokenLengths(group, old, cols)
	grown = len(lengths) - len(group)
	lastUsed := group[len(group)-1].trimmed()
	for range grown {
		l := newLine(cols, cell{})
		l.wrapped = true
		more = append(more, l)
	}
	all := slices.Concat(group, more)
	lengthOf := func(i int) int {
		if i < 0 {
			return 0
		}
		return lengths[i]
	}
	dst := len(lengths) - 1
	to := lengthOf(dst)
	if to == 0 {
		dst--
		to = lengthOf(dst)
	}
	src, from := len(group)-1, lastUsed
	for src >= 0 && dst >= 0 {
		n := min(from, to)
		all[dst].copyCells(all[src], from-n, to-n, n, true)
		if to -= n; to == 0 {
			dst--
			to = lengthOf(dst)
		}
		if from -= n; from == 0 {
			src--
			from = usedColumns(all, max(src, 0), old)
		}
	}
	for i, l := range all {
		if i < len(lengths) && lengths[i] < cols {
			l.set(lengths[i], cell{})
		}
	}
	return grown, more
}

// brokenLengths returns the number of columns of each new line of a group.
func brokenLengths(group []*line, old, cols int) []int {
	needed := 0
	for i := range group {
		needed += usedColumns(group, i, old)
	}
	var lengths []int
	col, i := 0, 0
	for have := 0; have < needed; {
		if needed-have < cols {
			return append(lengths, needed-have)
		}
		col += cols
		if used := usedColumns(group, i, old); col > used {
			col -= used
			i++
		}
		n := cols
		if i < len(group) && group[i].width(col-1) == 2 {
			col--
			n--
		}
		lengths = append(lengths, n)
		have += n
	}
	return lengths
}

// insertAll performs insertions.
func (r *ring) insertAll(inserts []insertion, total int) {
	old := make([]*line, r.n)
	for i := range old {
		old[i] = r.peek(i)
	}
	r.grow(r.n + total)
	r.n += total
	src, done := len(old)-1, 0
	for i := r.n - 1; i >= 0; i-- {
		if len(inserts) > 0 && inserts[0].start > src+done {
			next := inserts[0]
			inserts = inserts[1:]
			for k := len(next.lines) - 1; k >= 0; k-- {
				if i >= 0 {
					r.set(i, next.lines[k])
				}
				i--
			}
			i++
			done += len(next.lines)
		} else if src >= 0 {
			r.set(i, old[src])
			src--
		}
	}
}
