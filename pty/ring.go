package pty

import "bytes"

// firstRingBytes is the initial size of a ring.
const firstRingBytes = 16 << 10

// ring keeps the last max bytes of output, addressed by offset. It grows up to max bytes, then wraps around. The byte
// at offset o is at o % len(buf): while the ring grows, that is o itself, so growing moves nothing.
type ring struct {
	buf []byte
	max int
	end int64 // offset after the last byte
}

// start is the offset of the oldest kept byte.
func (r *ring) start() int64 { return max(0, r.end-int64(len(r.buf))) }

// write appends p.
func (r *ring) write(p []byte) {
	r.grow(len(p))
	if over := len(p) - len(r.buf); over > 0 {
		r.end += int64(over)
		p = p[over:]
	}
	for len(p) > 0 {
		n := copy(r.buf[r.end%int64(len(r.buf)):], p)
		r.end += int64(n)
		p = p[n:]
	}
}

// grow makes room for n more bytes, up to max.
func (r *ring) grow(n int) {
	size := len(r.buf)
	if size == r.max || r.end+int64(n) <= int64(size) {
		return
	}
	for size < r.max && int64(size) < r.end+int64(n) {
		size = min(r.max, max(firstRingBytes, 2*size))
	}
	buf := make([]byte, size)
	copy(buf, r.buf)
	r.buf = buf
}

// read copies n bytes from off. They must be kept: off >= start and off+n <= end.
func (r *ring) read(off int64, n int) []byte {
	out := make([]byte, n)
	for done := 0; done < n; {
		at := (off + int64(done)) % int64(len(r.buf))
		done += copy(out[done:], r.buf[at:])
	}
	return out
}

// parts returns the kept bytes from off as one or two slices of the ring, valid until the next write.
func (r *ring) parts(off int64) [][]byte {
	n := r.end - off
	if n == 0 {
		return nil
	}
	at := off % int64(len(r.buf))
	if rest := int64(len(r.buf)) - at; n > rest {
		return [][]byte{r.buf[at:], r.buf[:n-rest]}
	}
	return [][]byte{r.buf[at : at+n]}
}

// lineStart returns the offset of the first line that begins at or after off, or off if none begins within limit bytes.
func (r *ring) lineStart(off int64, limit int) int64 {
	n := int(min(int64(limit), r.end-off))
	if i := bytes.IndexByte(r.read(off, n), '\n'); i >= 0 {
		return off + int64(i) + 1
	}
	return off
}
