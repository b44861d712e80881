package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

const (
	// ReadBytes limits one read into the ring.
	ReadBytes = 32 << 10
	// MaxViewers limits the viewers that have a slot.
	MaxViewers = 1024
	// MaxMarks is the number of the latest marks that are kept.
	MaxMarks = 1024
	// MaxID limits the id of a viewer with a slot, in bytes.
	MaxID = 208

	magic   = 0x6c6e726a796f7663 // "cvoyjrnl"
	version = 1
	page    = 4096
	maxRing = 1 << 30
	filler  = 0xff
)

// Offsets in the header.
const (
	magicAt      = 0
	versionAt    = 8
	ringSizeAt   = 16
	endAt        = 24
	repliedAt    = 32
	marksAt      = 40
	ownerAt      = 48
	activeAt     = 56
	recordingAt  = 64
	recordingsAt = 72
	recordingLen = 32
	headerLen    = recordingsAt + 2*recordingLen
)

// Offsets of the parts.
const (
	markListAt = page
	markLen    = 16
	slotsAt    = markListAt + MaxMarks*markLen
	slotLen    = 256
	ringAt     = slotsAt + MaxViewers*slotLen
)

const pinnedBit = 1 << 32

// ErrDamaged reports a journal that no Convoy of this version has written.
var ErrDamaged = errors.New("the journal is damaged")

// Journal is the journal of one shell. A nil Journal records nothing. Space and Publish are for the only reader of the
// output; the other methods are safe for concurrent use, and do nothing after Close.
type Journal struct {
	file *os.File
	ring []byte
	end  int64 // as published; used by the reader only

	mu    sync.Mutex // guards the following fields
	mem   []byte     // all but the checkpoints; nil: closed
	marks uint64
	used  [MaxViewers]bool
	next  [2]int // the checkpoint of each kind to replace next
}

// Create makes a journal for a new shell that keeps at least the given number of bytes of output.
func Create(keep, rows, cols int) (*Journal, error) {
	ring := (2*keep + ReadBytes + page - 1) / page * page
	file, mem, err := create(ringAt+ring, ringAt+ring+checkpointsLen)
	if err != nil {
		return nil, fmt.Errorf("create journal: %w", err)
	}
	j := &Journal{file: file, mem: mem, ring: mem[ringAt:]}
	j.word(ringSizeAt).Store(uint64(ring))
	j.word(versionAt).Store(version)
	j.word(activeAt).Store(uint64(time.Now().UnixNano()))
	j.Mark(0, rows, cols)
	j.fill(0, ReadBytes)
	j.word(magicAt).Store(magic)
	return j, nil
}

// File is the shared memory, for the process that keeps it. The journal owns it.
func (j *Journal) File() *os.File { return j.file }

// Close releases this process's copy. The reader must have ended.
func (j *Journal) Close() {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.mem != nil {
		unmap(j.mem)
		j.file.Close() //nolint:errcheck // it is memory
		j.mem, j.ring = nil, nil
	}
}

// word returns the number at an offset. It requires j.mu, or to be the reader.
func (j *Journal) word(at int) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&j.mem[at])) }

// set stores a number unless the journal is closed.
func (j *Journal) set(at int, v uint64) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.mem != nil {
		j.word(at).Store(v)
	}
}

// Space is where the next bytes of output belong: at least one byte, at most ReadBytes.
func (j *Journal) Space() []byte {
	at := int(j.end % int64(len(j.ring)))
	return j.ring[at:min(at+ReadBytes, len(j.ring))]
}

// Publish makes the first n bytes of Space part of the output.
func (j *Journal) Publish(n int) {
	if j == nil || n <= 0 {
		return
	}
	j.fill(j.end+ReadBytes, n)
	j.end += int64(n)
	j.word(endAt).Store(uint64(j.end))
}

// fill puts n fillers at an offset.
func (j *Journal) fill(off int64, n int) {
	at := int(off % int64(len(j.ring)))
	first := j.ring[at:min(at+n, len(j.ring))]
	fillWith(first)
	fillWith(j.ring[:n-len(first)])
}

// fillWith doubles what it has filled: copying is many times faster than writing each byte.
func fillWith(b []byte) {
	if len(b) == 0 {
		return
	}
	b[0] = filler
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// Keep is the number of bytes of output that a process should keep between two checkpoints: half of what is there.
func (j *Journal) Keep() int64 { return int64(len(j.ring)-ReadBytes) / 2 }

// Start is the offset of the oldest byte in the ring.
func (j *Journal) Start() int64 { return max(0, j.end-int64(len(j.ring)-ReadBytes)) }

// End is the offset after the last byte of output.
func (j *Journal) End() int64 { return j.end }

// Bytes yields the output between two offsets in the ring, in slices that are valid until the reader continues.
func (j *Journal) Bytes(from, to int64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for from < to {
			at := int(from % int64(len(j.ring)))
			part := j.ring[at:min(at+int(to-from), len(j.ring))]
			if !yield(part) {
				return
			}
			from += int64(len(part))
		}
	}
}

// Mark records that output from off on is for a terminal of that size.
func (j *Journal) Mark(off int64, rows, cols int) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.mem == nil {
		return
	}
	at := markListAt + int(j.marks%MaxMarks)*markLen
	j.word(at).Store(uint64(off))
	j.word(at + 8).Store(packSize(rows, cols))
	j.marks++
	j.word(marksAt).Store(j.marks)
}

// Marks counts the marks ever made.
func (j *Journal) Marks() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.marks
}

func packSize(rows, cols int) uint64 { return uint64(uint32(rows))<<32 | uint64(uint32(cols)) }

func unpackSize(v uint64) (rows, cols int) { return int(int32(v >> 32)), int(int32(v)) }

// SetReplied records that all queries before off are answered.
func (j *Journal) SetReplied(off int64) { j.set(repliedAt, uint64(off)) }

// SetActive records the time of the last input or output.
func (j *Journal) SetActive(now time.Time) { j.set(activeAt, uint64(now.UnixNano())) }

// SetOwner records who owns the size; a nil owner is none or unknown.
func (j *Journal) SetOwner(owner *Slot, pinned bool) {
	v := uint64(0)
	if owner != nil {
		v = uint64(owner.index) + 1
	}
	if pinned {
		v |= pinnedBit
	}
	j.set(ownerAt, v)
}

// Recording is how far a recording is written.
type Recording struct {
	ID   string        // of the recording
	Size int64         // of its file
	Off  int64         // what comes next, in the recorder's terms
	At   time.Duration // time of its last event, since its start
}

// SetRecording records how far a recording is written.
func (j *Journal) SetRecording(r Recording) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.mem == nil {
		return
	}
	other := 1 - j.word(recordingAt).Load()&1
	at := recordingsAt + int(other)*recordingLen
	for i, v := range []uint64{uint64(r.Size), uint64(r.Off), uint64(r.At.Milliseconds()), sum(r.ID)} {
		j.word(at + 8*i).Store(v)
	}
	j.word(recordingAt).Store(other)
}

// Recording returns how far the recording with that id is written; ok is false if unknown.
func (j *Journal) Recording(id string) (r Recording, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.mem == nil {
		return r, false
	}
	at := recordingsAt + int(j.word(recordingAt).Load()&1)*recordingLen
	number := func(i int) int64 { return int64(j.word(at + 8*i).Load()) }
	r = Recording{ID: id, Size: number(0), Off: number(1), At: time.Duration(number(2)) * time.Millisecond}
	return r, j.word(at+24).Load() == sum(id) && r.Size > 0 && r.Off <= j.end && r.At >= 0
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(text string) uint64 { return uint64(crc32.Checksum([]byte(text), castagnoli)) }
