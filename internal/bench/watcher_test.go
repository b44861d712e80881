package main

import (
	"hash/crc32"
	"testing"
)

func TestTally(t *testing.T) {
	t.Parallel()
	text := []byte("prompt$ the file's bytes.ready$ ")
	file := text[8:25]
	sum := crc32.Checksum(file, sums)
	for step := 1; step <= len(text); step++ {
		tally := newTally(8, 25, 30)
		for off := 0; off < len(text); off += step {
			last := min(off+step, len(text))
			if ended(tally) && off < 30 {
				t.Fatalf("in steps of %d it ends at %d", step, off)
			}
			tally.add(int64(off), text[off:last])
		}
		if !ended(tally) || !tally.right(sum) || tally.bytes != int64(len(file)) {
			t.Errorf("in steps of %d: %+v", step, tally)
		}
		if tally.right(sum + 1) {
			t.Error("any sum is right")
		}
	}
}

// TestTallyReset has bytes that never come: the end is reached, and what came is not right.
func TestTallyReset(t *testing.T) {
	t.Parallel()
	for _, to := range []int64{12, 25, 30, 99} {
		tally := newTally(8, 25, 30)
		tally.add(0, []byte("prompt$ the"))
		tally.skip(11, to)
		if to < 30 {
			tally.add(to, make([]byte, 30-to))
		}
		if !ended(tally) || tally.resets != 1 || tally.right(tally.sum) {
			t.Errorf("reset to %d: %+v", to, tally)
		}
	}
}

func ended(t *tally) bool {
	select {
	case <-t.whole:
		return true
	default:
		return false
	}
}
