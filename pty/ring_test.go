package pty

import (
	"bytes"
	"fmt"
	"testing"
)

// FuzzRing writes pieces to a small ring and a plain slice, and compares them.
func FuzzRing(f *testing.F) {
	f.Add([]byte{1, 2, 3}, uint16(8))
	f.Add([]byte{0}, uint16(8))
	f.Add([]byte{255, 255, 0, 255, 7}, uint16(300))
	f.Add(bytes.Repeat([]byte{200}, 200), uint16(20000))
	f.Fuzz(func(t *testing.T, lengths []byte, size uint16) {
		r := ring{max: int(size) + 1}
		var all []byte
		for i, n := range lengths {
			piece := make([]byte, int(n)*(i%5+1))
			for j := range piece {
				piece[j] = ringByte(len(all) + j)
			}
			r.write(piece)
			all = append(all, piece...)

			start := r.start()
			if kept := r.end - start; r.end != int64(len(all)) || kept != min(r.end, int64(r.max)) {
				t.Fatalf("keeps %d to %d of %d, %d at most", start, r.end, len(all), r.max)
			}
			if got := r.read(start, int(r.end-start)); !bytes.Equal(got, all[start:]) {
				t.Fatalf("from %d: differs", start)
			}
			feeds := i % 4
			if got, want := r.lastLines(feeds, start), max(start, lastLines(all, feeds)); got != want {
				t.Fatalf("the last %d lines of %d to %d begin at %d, want %d", feeds, start, r.end, got, want)
			}
			middle := (start + r.end) / 2
			line := r.lineStart(middle, 100)
			if at := bytes.IndexByte(all[middle:min(int(middle)+100, len(all))], '\n'); line != middle+int64(at)+1 && at >= 0 ||
				at < 0 && line != middle {
				t.Fatalf("line after %d begins at %d", middle, line)
			}
		}
	})
}

// ringByte is a byte at an offset: lines that end in CR LF, and in LF.
func ringByte(off int) byte {
	switch {
	case off%11 == 3:
		return '\r'
	case off%11 == 4, off%17 == 0:
		return '\n'
	}
	return byte(off)
}

// lastLines is what ring.lastLines returns if everything is kept.
func lastLines(all []byte, feeds int) int64 {
	for end := len(all); ; {
		end = bytes.LastIndex(all[:end], []byte("\r\n"))
		if end < 0 {
			return 0
		}
		if (end+1)%blockBytes == 0 { // in two blocks
			continue
		}
		if bytes.Count(all[end+2:], newline) >= feeds {
			return int64(end + 2)
		}
	}
}

func TestRingTakesNoMoreThanNeeded(t *testing.T) {
	t.Parallel()
	r := ring{max: 1 << 20}
	size := func() (size int) {
		for _, block := range r.blocks {
			size += cap(block)
		}
		return size
	}
	r.write(make([]byte, 100))
	if size() != firstBlockBytes {
		t.Errorf("100 bytes take %d", size())
	}
	for range 100 {
		r.write(make([]byte, 31<<10))
	}
	if size() > r.max+blockBytes {
		t.Errorf("a full ring takes %d", size())
	}
}

// FuzzSizes compares the sizes with a complete list.
func FuzzSizes(f *testing.F) {
	f.Add([]byte{0, 1, 0, 5, 9, 0, 0, 3})
	f.Fuzz(func(t *testing.T, steps []byte) {
		steps = steps[:min(len(steps), 256)] // each checks all offsets; beyond maxMarks the oldest would be dropped
		first := Size{1, 1}
		z := sizes{}.add(0, first)
		truth := []Size{first} // at each offset
		start := int64(0)
		for i, step := range steps {
			for range step % 8 {
				truth = append(truth, truth[len(truth)-1])
			}
			off := int64(len(truth) - 1)
			truth[off] = Size{i + 2, 1}
			z = z.add(off, truth[off])
			if step >= 128 {
				start = (start + off) / 2
				z = z.trim(start)
			}
			for at := start; at <= off; at++ {
				got, next := z.at(at, off+1)
				if got.size != truth[at] {
					t.Fatalf("size at %d is %v, want %v", at, got.size, truth[at])
				}
				for i := at; i < next && i <= off; i++ {
					if truth[i] != got.size {
						t.Fatalf("size changes at %d, not at %d", i, next)
					}
				}
			}
		}
	})
}

func TestSizesAreBounded(t *testing.T) {
	t.Parallel()
	var z sizes
	for i := range 3 * maxMarks {
		z = z.add(int64(i), Size{i%9 + 1, 1})
	}
	if len(z) != maxMarks || z.last() != (Size{(3*maxMarks-1)%9 + 1, 1}) {
		t.Errorf("%d marks, last %v", len(z), z.last())
	}
	if first, _ := z.at(0, 1); first != z[0] {
		t.Errorf("before the first mark: %v", first)
	}
}

// FuzzSpans compares the spans with a set of offsets.
func FuzzSpans(f *testing.F) {
	f.Add([]byte{10, 0, 3, 20, 130, 9})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var p spans
		undrawn := map[int64]bool{}
		var end int64
		for i, step := range steps {
			if step >= 128 { // draw up to some offset
				off := end * int64(step-128) / 127
				p = p.trim(off)
				for at := range undrawn {
					if at < off {
						delete(undrawn, at)
					}
				}
			} else { // lose some, yield some
				end += int64(i % 3)
				n := int(step%16) + 1
				p = p.add(end, n)
				for range n {
					undrawn[end] = true
					end++
				}
			}
			if p.bytes() != len(undrawn) {
				t.Fatalf("step %d: %d bytes in %v, want %d", i, p.bytes(), p, len(undrawn))
			}
		}
	})
}

func TestViewersAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/cat")
	kept := watch(t, s, options{name: "attached"})
	kept.until("first event", func(e []Event) bool { return len(e) > 0 })
	for i := range 3 * maxViewers {
		if err := s.Input(t.Context(), fmt.Sprint("viewer-", i), 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.viewers) != maxViewers {
		t.Errorf("%d viewers remembered", len(s.viewers))
	}
	for _, name := range []string{"attached", fmt.Sprint("viewer-", 3*maxViewers-1)} {
		if s.viewers[name] == nil {
			t.Errorf("%s was forgotten", name)
		}
	}
}
