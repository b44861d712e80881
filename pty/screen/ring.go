package screen

// ring holds lines, topmost first. It grows on demand.
type ring struct {
	lines []*line
	first int // position of line 0
	n     int
	work  *int // counts drawn cells; may be nil. See Screen.Work
}

// slot returns the position of line i, 0 <= i <= len(lines).
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
	if l.lazy {
		r.materialize(l)
	}
	return l
}

func (r *ring) materialize(l *line) {
	r.count(l.cols)
	l.materialize()
}

// count adds to the work.
func (r *ring) count(n int) {
	if r.work != nil {
		*r.work += n
	}
}

// peek returns line i, 0 <= i < n, which may be lazy.
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

func (r *ring) push(l *line) { r.insert(r.n, l) }

// unshift adds a line before all others.
func (r *ring) unshift(l *line) {
	r.grow(r.n + 1)
	r.first = r.slot(len(r.lines) - 1)
	r.lines[r.first] = l
	r.n++
}

// insert inserts a line at index i.
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

// rotateUp removes line top, moves the others down to bottom up by one, and returns the removed one, which is now at
// bottom.
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

// rotateDown is the mirror image of rotateUp.
func (r *ring) rotateDown(top, bottom int) *line {
	l := r.peek(bottom)
	for i := bottom; i > top; i-- {
		r.set(i, r.peek(i-1))
	}
	r.set(top, l)
	return l
}

// rotate moves the lines from top to bottom up by n; those that leave at the top enter at the bottom.
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
