// Package logs keeps the node's log: a ring of its last lines, numbered from the node's start, that readers follow at
// their own pace, and handlers that write the same records to standard output.
package logs

import (
	"context"
	"crypto/rand"
	"iter"
	"sync"
)

// followLines bounds the lines that a follower gets at once, and is the default number of old ones.
const followLines = 200

// Ring holds the last lines of this node's log. It is safe for concurrent use; writing never waits for readers.
type Ring struct {
	boot string

	mu      sync.Mutex
	lines   []Line // the line with offset off is at off % cap
	next    int64  // offset of the next line
	changed chan struct{}
}

// New returns a ring that keeps that many lines, at least one.
func New(lines int) *Ring {
	return &Ring{
		boot:    rand.Text(),
		lines:   make([]Line, 0, max(1, lines)),
		changed: make(chan struct{}),
	}
}

// Boot identifies this start of the node: offsets are valid only with it.
func (r *Ring) Boot() string { return r.boot }

// Next returns the offset of the next line.
func (r *Ring) Next() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next
}

// Tail returns the last n lines, or as many as there are.
func (r *Ring) Tail(n int) []Line {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read(r.next-int64(max(0, n)), len(r.lines))
}

// From returns the lines from that offset on that are still kept, and the offset after them. A negative offset means
// the last 200 lines.
func (r *Ring) From(off int64) (lines []Line, next int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read(r.start(off), len(r.lines)), r.next
}

// Follow yields the lines from that offset on, at most 200 at once, and then every new one, until ctx ends or the
// reader stops. A negative offset means the last 200 lines. Lines that are no longer kept are skipped, as the offsets
// show: at the start, and when the reader is too slow.
func (r *Ring) Follow(ctx context.Context, from int64) iter.Seq[[]Line] {
	return func(yield func([]Line) bool) {
		r.mu.Lock()
		off := r.start(from)
		r.mu.Unlock()
		for ctx.Err() == nil {
			r.mu.Lock()
			lines, changed := r.read(off, followLines), r.changed
			r.mu.Unlock()
			if len(lines) > 0 {
				off = lines[len(lines)-1].Off + 1
				if !yield(lines) {
					return
				}
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	}
}

// start returns the first offset for a reader. r.mu must be held.
func (r *Ring) start(from int64) int64 {
	if from < 0 {
		from = r.next - followLines
	}
	return min(from, r.next)
}

// read copies up to n lines from off on. r.mu must be held.
func (r *Ring) read(off int64, n int) []Line {
	off = max(off, r.next-int64(len(r.lines)))
	end := min(r.next, off+int64(n))
	if end <= off {
		return nil
	}
	lines := make([]Line, 0, end-off)
	for ; off < end; off++ {
		lines = append(lines, r.lines[off%int64(cap(r.lines))])
	}
	return lines
}

// add numbers and keeps a line, and wakes the followers.
func (r *Ring) add(l Line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.Off = r.next
	if len(r.lines) < cap(r.lines) {
		r.lines = append(r.lines, l)
	} else {
		r.lines[l.Off%int64(cap(r.lines))] = l
	}
	r.next++
	close(r.changed)
	r.changed = make(chan struct{})
}
