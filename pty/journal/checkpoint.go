package journal

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// Kind is the kind of a checkpoint.
type Kind int

// The kinds. A journal keeps the latest whole checkpoint and at least the latest two brief ones.
const (
	Whole Kind = iota // with the scrollback
	Brief             // without
)

const (
	// MaxCheckpoint limits the bytes of a checkpoint.
	MaxCheckpoint = 8<<20 - checkpointHeader

	checkpointLen    = 8 << 20
	checkpointHeader = 40
	checkpoints      = 5
	checkpointsLen   = checkpoints * checkpointLen
)

// places are the first checkpoint of a kind and their number.
var places = [2]struct{ first, n int }{{0, 2}, {2, 3}}

// Checkpoint is a screen: Bytes make a new one of that size show it. What follows is the output from Off on, and the
// marks from number Marks on.
type Checkpoint struct {
	Kind       Kind
	Off        int64
	Rows, Cols int
	Marks      uint64
	Bytes      []byte
}

// Checkpoint writes a checkpoint in place of the oldest of its kind. One that is too large is an error.
func (j *Journal) Checkpoint(c Checkpoint) error {
	if len(c.Bytes) > MaxCheckpoint {
		return fmt.Errorf("checkpoint of %d bytes: at most %d are possible", len(c.Bytes), MaxCheckpoint)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.mem == nil {
		return nil
	}
	head := make([]byte, 0, checkpointHeader)
	for _, v := range []uint64{uint64(c.Off), packSize(c.Rows, c.Cols), c.Marks, uint64(len(c.Bytes))} {
		head = binary.NativeEndian.AppendUint64(head, v)
	}
	head = binary.NativeEndian.AppendUint64(head, uint64(crc(head, c.Bytes)))
	at := checkpointAt(len(j.ring), places[c.Kind].first+j.next[c.Kind])
	j.next[c.Kind] = (j.next[c.Kind] + 1) % places[c.Kind].n
	if _, err := j.file.WriteAt(c.Bytes, at+checkpointHeader); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if _, err := j.file.WriteAt(head, at); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return nil
}

func checkpointAt(ring, i int) int64 { return int64(ringAt+ring) + int64(i)*checkpointLen }

func crc(head, bytes []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, bytes)
}

// Checkpoints returns the checkpoints from which the journal still has all output and marks, at least one. The first
// leads to the longest scrollback, the last is the newest. A new terminal is one, too. If nothing else is left, what
// the journal still has counts as the output to a new terminal.
func (j *Journal) Checkpoints(s *State) []Checkpoint {
	var whole, brief []Checkpoint
	for i := range checkpoints {
		c, ok := readCheckpoint(j.file, len(j.ring), i)
		if !ok || c.Off < j.Start() || c.Off > j.end || c.Marks > j.marks || j.marks-c.Marks > MaxMarks {
			continue
		}
		if c.Kind == Whole {
			whole = append(whole, c)
		} else {
			brief = append(brief, c)
		}
	}
	older := func(a, b Checkpoint) int { return cmp.Compare(a.Off, b.Off) }
	slices.SortFunc(whole, older)
	slices.SortFunc(brief, older)
	switch first := j.first(s); {
	case len(whole) > 0:
		first = whole[len(whole)-1]
		newer := slices.DeleteFunc(brief, func(c Checkpoint) bool { return c.Off <= first.Off })
		return append([]Checkpoint{first}, newer...)
	case len(brief) == 0 || first.Off == 0 && first.Marks == 1:
		return append([]Checkpoint{first}, brief...)
	}
	return brief
}

// first is a new terminal before the oldest byte.
func (j *Journal) first(s *State) Checkpoint {
	m := s.Marks[0]
	for _, later := range s.Marks[1:] {
		if later.Off <= j.Start() && later.Off > 0 {
			m = later
		}
	}
	return Checkpoint{Off: j.Start(), Rows: m.Rows, Cols: m.Cols, Marks: m.Number + 1}
}

// readCheckpoint reads one checkpoint; ok is false if there is none, or an incomplete one.
func readCheckpoint(in io.ReaderAt, ring, i int) (c Checkpoint, ok bool) {
	at := checkpointAt(ring, i)
	head := make([]byte, checkpointHeader)
	if _, err := in.ReadAt(head, at); err != nil {
		return c, false
	}
	number := func(i int) uint64 { return binary.NativeEndian.Uint64(head[8*i:]) }
	c.Off, c.Marks = int64(number(0)), number(2)
	c.Rows, c.Cols = unpackSize(number(1))
	if c.Off < 0 || number(3) > MaxCheckpoint || !sizeValid(c.Rows, c.Cols) {
		return c, false
	}
	c.Bytes = make([]byte, number(3))
	if _, err := in.ReadAt(c.Bytes, at+checkpointHeader); err != nil {
		return c, false
	}
	if i >= places[Brief].first {
		c.Kind = Brief
	}
	return c, uint64(crc(head[:32], c.Bytes)) == number(4)
}
