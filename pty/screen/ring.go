package screen

// ring holds lines, topmost first. Its array grows as lines come.
type ring struct {
	lines []*line
	first int // where line 0 is
	n     int
	work  *int // counts the cells that are drawn; nil: nobody counts. See Screen.Work
}

// slot returns the place of line i, 0 <= i <= len(lines).
func (r *ring) slot(i int) int {
	i += r.first
	if i >= len(r.lines) {
		i -= len(r.lines)
	}
	return i
}

// at returns line i, 0 <= i < n, with its cells.
func (r *ring) at(i int) *line {
	l := r.peek(i)
	if l.bare {
		r.draw(l)
	}
	return l
}

// draw draws a bare line.
func (r *ring) draw(l *line) {
	r.count(l.cols)
	l.draw()
}

// count adds to the work that has been done.
func (r *ring) count(n int) {
	if r.work != nil {
		*r.work += n
	}
}

// peek returns line i, 0 <= i < n, as it is: it may be bare.
func (r *ring) peek(i int) *line {
	i += r.first
	if i >= len(r.lines) {
		i -= len(r.lines)
	}
	return r.lines[i]
}

func (r *ring) set(i int, l *line) { r.lines[r.slot(i)] = l }

// grow makes room for n lines.
func (r *ring) grow(n int) {
	if n <= len(r.lines) {
		return
	}
	lines := make([]*line, max(n, 2*len(r.lines)))
	for i := range r.n {
		lines[i] = r.peek(i)
	}
	r.lines, r.first = lines, 0
}

// push adds a line at the end.
func (r *ring) push(l *line) { r.insert(r.n, l) }

// unshift adds a line before all others.
func (r *ring) unshift(l *line) {
	r.grow(r.n + 1)
	r.first = r.slot(len(r.lines) - 1)
	r.lines[r.first] = l
	r.n++
}

// insert puts a line at index i.
func (r *ring) insert(i int, l *line) {
	r.grow(r.n + 1)
	r.n++
	for k := r.n - 1; k > i; k-- {
		r.set(k, r.peek(k-1))
	}
	r.set(i, l)
}

// trim drops the n topmost lines.
func (r *ring) trim(n int) {
	for range min(n, r.n) {
		r.lines[r.first] = nil
		r.first = r.slot(1)
		r.n--
	}
}

// truncate drops lines at the end, down to n.
func (r *ring) truncate(n int) {
	for r.n > n {
		r.n--
		r.set(r.n, nil)
	}
}

// rotateUp takes line top away, moves the others up to bottom one up and returns
// the one taken, which is set at bottom.
func (r *ring) rotateUp(top, bottom int) *line {
	l := r.peek(top)
	if top == 0 && bottom == r.n-1 {
		r.lines[r.first] = nil
		r.first = r.slot(1)
		r.set(bottom, l)
		return l
	}
	for i := top; i < bottom; i++ {
		r.set(i, r.peek(i+1))
	}
	r.set(bottom, l)
	return l
}

// rotateDown is rotateUp's mirror image.
func (r *ring) rotateDown(top, bottom int) *line {
	l := r.peek(bottom)
	for i := bottom; i > top; i-- {
		r.set(i, r.peek(i-1))
	}
	r.set(top, l)
	return l
}

// rotate moves the lines from top to bottom up by n, those that go out at the top come in at the bottom.
func (r *ring) rotate(top, bottom, n int) {
	r.reverse(top, top+n-1)
	r.reverse(top+n, bottom)
	r.reverse(top, bottom)
}

func (r *ring) reverse(first, last int) {
	for ; first < last; first, last = first+1, last-1 {
		l := r.peek(first)
		r.set(first, r.peek(last))
		r.set(last, l)
	}
}
