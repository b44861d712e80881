package pty

import (
	"bytes"
	"iter"
)

const (
	// blockBytes is the size of a full block.
	blockBytes = chunkBytes
	// firstBlockBytes is the initial capacity of the first block.
	firstBlockBytes = 4 << 10
)

var newline = []byte{'\n'}

// ring keeps the last max bytes of output, addressed by offset. It consists of blocks that begin at multiples of
// blockBytes. Bytes are never overwritten, so all viewers share them.
type ring struct {
	blocks [][]byte // all but the last are full
	feeds  []int    // the number of line feeds in each block
	first  int64    // offset of the first block
	floor  int64    // nothing before it is kept
	max    int
	end    int64 // offset after the last byte
}

// start is the offset of the oldest kept byte.
func (r *ring) start() int64 { return max(r.floor, r.end-int64(r.max)) }

// begin makes an empty ring begin at an offset.
func (r *ring) begin(off int64) {
	r.first = off / blockBytes * blockBytes
	r.floor, r.end = off, r.first
	r.write(make([]byte, off-r.first)) // never read
}

// write appends p.
func (r *ring) write(p []byte) {
	for len(p) > 0 {
		if r.end == r.first+int64(len(r.blocks))*blockBytes {
			r.blocks = append(r.blocks, make([]byte, 0, r.capacity()))
			r.feeds = append(r.feeds, 0)
		}
		last := &r.blocks[len(r.blocks)-1]
		n := min(len(p), blockBytes-len(*last))
		*last = append(*last, p[:n]...)
		r.feeds[len(r.feeds)-1] += bytes.Count(p[:n], newline)
		r.end += int64(n)
		p = p[n:]
	}
	if old := int((r.start() - r.first) / blockBytes); old > 0 {
		r.blocks = append(r.blocks[:0], r.blocks[old:]...)
		clear(r.blocks[len(r.blocks):cap(r.blocks)])
		r.feeds = append(r.feeds[:0], r.feeds[old:]...)
		r.first += int64(old) * blockBytes
	}
}

// capacity is that of a new block. A shell without much output takes little memory.
func (r *ring) capacity() int {
	if r.end == 0 {
		return firstBlockBytes
	}
	return blockBytes
}

// read returns n bytes from off. They must be kept: off >= start and off+n <= end. They are shared: do not change them.
func (r *ring) read(off int64, n int) []byte {
	if at := (off - r.first) % blockBytes; n > 0 && at+int64(n) <= blockBytes {
		return r.blocks[(off-r.first)/blockBytes][at : at+int64(n) : at+int64(n)]
	}
	out := make([]byte, 0, n)
	for part := range r.parts(off) {
		out = append(out, part[:min(len(part), n-len(out))]...)
	}
	return out
}

// parts yields the kept bytes from off, in slices of the ring.
func (r *ring) parts(off int64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for off < r.end {
			part := r.blocks[(off-r.first)/blockBytes][(off-r.first)%blockBytes:]
			if !yield(part) {
				return
			}
			off += int64(len(part))
		}
	}
}

// lastLines returns the offset after the last CR LF within a block that is followed by at least that many line feeds,
// or off if there is none after off.
func (r *ring) lastLines(feeds int, off int64) int64 {
	for i := len(r.blocks) - 1; i >= 0; i-- {
		at := r.first + int64(i)*blockBytes
		if at+blockBytes <= off {
			break
		}
		if feeds >= r.feeds[i] {
			feeds -= r.feeds[i]
			continue
		}
		if n := endOfLines(r.blocks[i], r.feeds[i]-feeds); n > 0 {
			return max(off, at+int64(n))
		}
		feeds = 0
	}
	return off
}

// endOfLines returns the position after the last CR LF in b that is one of the first n line feeds, or 0.
func endOfLines(b []byte, n int) (end int) {
	for at := 0; n > 0; n-- {
		i := bytes.IndexByte(b[at:], '\n')
		if at += i + 1; i > 0 && b[at-2] == '\r' {
			end = at
		}
	}
	return end
}

// lineStart returns the offset of the first line that begins at or after off, or off if none begins within limit bytes.
func (r *ring) lineStart(off int64, limit int) int64 {
	n := int(min(int64(limit), r.end-off))
	if i := bytes.IndexByte(r.read(off, n), '\n'); i >= 0 {
		return off + int64(i) + 1
	}
	return off
}
