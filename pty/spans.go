package pty

import "slices"

// span is a range of offsets.
type span struct{ from, to int64 }

// spans are ranges of output ordered by offset, with gaps where a viewer lost bytes.
type spans []span

// bytes is their total length.
func (p spans) bytes() (n int) {
	for _, span := range p {
		n += int(span.to - span.from)
	}
	return n
}

// add appends n bytes from off, which is after all others.
func (p spans) add(off int64, n int) spans {
	if last := len(p) - 1; last >= 0 && p[last].to == off {
		p[last].to += int64(n)
		return p
	}
	return append(p, span{off, off + int64(n)})
}

// trim removes everything before off.
func (p spans) trim(off int64) spans {
	n := 0
	for n < len(p) && p[n].to <= off {
		n++
	}
	if p = slices.Delete(p, 0, n); len(p) > 0 {
		p[0].from = max(p[0].from, off)
	}
	return p
}
