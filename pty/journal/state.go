package journal

import (
	"fmt"
	"math"
	"os"
	"time"
)

// maxSide limits rows and columns.
const maxSide = 1000

func sizeValid(rows, cols int) bool {
	return rows >= 1 && rows <= maxSide && cols >= 1 && cols <= maxSide
}

// State is what a journal recorded, besides its output and checkpoints.
type State struct {
	Replied int64  // queries before it were answered
	Marks   []Mark // at least one, ordered
	Viewers []Viewer
	Owner   int // index in Viewers, -1: none
	Pinned  bool
	Active  time.Time
}

// Mark says that output from Off on is for that size. Marks are numbered from 0.
type Mark struct {
	Number     uint64
	Off        int64
	Rows, Cols int
}

// Viewer is a viewer that had a slot.
type Viewer struct {
	Slot       *Slot
	ID         string
	Number     int
	CanType    bool
	Hidden     bool
	Rows, Cols int   // of its window; 0: unknown
	Next       int64 // number of its next input
	Part       int   // bytes of that input that are written
}

// Open opens a journal that another process has left. It trusts nothing in it: every number is checked, and a damaged
// journal is ErrDamaged. It owns the file.
func Open(file *os.File) (*Journal, *State, error) {
	mem, err := openFile(file)
	if err != nil {
		file.Close() //nolint:errcheck // it is memory
		return nil, nil, fmt.Errorf("open journal: %w", err)
	}
	j := &Journal{file: file, mem: mem, ring: mem[ringAt:]}
	state, err := j.decode()
	if err != nil {
		j.Close()
		return nil, nil, fmt.Errorf("open journal: %w", err)
	}
	return j, state, nil
}

// checkHeader returns the size of the ring.
func checkHeader(number func(at int) uint64) (ring int, err error) {
	if number(magicAt) != magic {
		return 0, fmt.Errorf("%w: it does not begin like one", ErrDamaged)
	}
	if v := number(versionAt); v != version {
		return 0, fmt.Errorf("%w: its layout has version %d, not %d", ErrDamaged, v, version)
	}
	n := number(ringSizeAt)
	if n < 2*ReadBytes || n > maxRing || n%page != 0 {
		return 0, fmt.Errorf("%w: a ring of %d bytes", ErrDamaged, n)
	}
	return int(n), nil
}

// decode checks and reads everything but the checkpoints, and finds unpublished output.
func (j *Journal) decode() (*State, error) {
	end, replied := j.word(endAt).Load(), j.word(repliedAt).Load()
	if end > math.MaxInt64/2 || replied > end {
		return nil, fmt.Errorf("%w: replies up to %d of %d bytes", ErrDamaged, replied, end)
	}
	j.end = int64(end)
	s := &State{Replied: int64(replied), Owner: -1, Active: time.Unix(0, int64(j.word(activeAt).Load()))}
	if err := j.decodeMarks(s); err != nil {
		return nil, err
	}
	if err := j.decodeViewers(s); err != nil {
		return nil, err
	}
	j.findOutput()
	j.findCheckpoints()
	return s, nil
}

// findOutput publishes what was read but not published.
func (j *Journal) findOutput() {
	space := j.Space()
	n := len(space)
	for n > 0 && space[n-1] == filler {
		n--
	}
	j.Publish(n)
	j.fill(j.end, ReadBytes) // whatever a damaged journal had there
}

// findCheckpoints finds the oldest checkpoint of each kind.
func (j *Journal) findCheckpoints() {
	for kind, p := range places {
		oldest := int64(math.MaxInt64)
		for i := range p.n {
			c, ok := readCheckpoint(j.file, len(j.ring), p.first+i)
			if !ok {
				c.Off = -1
			}
			if c.Off < oldest {
				oldest, j.next[kind] = c.Off, i
			}
		}
	}
}

func (j *Journal) decodeMarks(s *State) error {
	j.marks = j.word(marksAt).Load()
	if j.marks == 0 || j.marks > math.MaxInt64 {
		return fmt.Errorf("%w: %d sizes", ErrDamaged, j.marks)
	}
	last := int64(0)
	for n := j.marks - min(j.marks, MaxMarks); n < j.marks; n++ {
		at := markListAt + int(n%MaxMarks)*markLen
		m := Mark{Number: n, Off: int64(j.word(at).Load())}
		m.Rows, m.Cols = unpackSize(j.word(at + 8).Load())
		if m.Off < last || m.Off > j.end || !sizeValid(m.Rows, m.Cols) {
			return fmt.Errorf("%w: size %d×%d at %d", ErrDamaged, m.Rows, m.Cols, m.Off)
		}
		last = m.Off
		s.Marks = append(s.Marks, m)
	}
	return nil
}

func (j *Journal) decodeViewers(s *State) error {
	owner := j.word(ownerAt).Load()
	s.Pinned = owner&pinnedBit != 0
	if owner &^= pinnedBit; owner > MaxViewers {
		return fmt.Errorf("%w: owner %d", ErrDamaged, owner)
	}
	seen := map[string]bool{}
	for i := range MaxViewers {
		slot := &Slot{j: j, index: i, at: slotsAt + i*slotLen}
		v, used, err := slot.decode()
		if err != nil {
			return err
		}
		if !used {
			continue
		}
		if seen[v.ID] {
			return fmt.Errorf("%w: two slots of a viewer", ErrDamaged)
		}
		seen[v.ID], j.used[i] = true, true
		if uint64(i)+1 == owner {
			s.Owner = len(s.Viewers)
		}
		s.Viewers = append(s.Viewers, v)
	}
	return nil
}

// decode reads a slot. An input in doubt counts as written.
func (s *Slot) decode() (v Viewer, used bool, err error) {
	number := func(at int) uint64 { return s.j.word(s.at + at).Load() }
	state := number(stateAt)
	if state&usedBit == 0 {
		return v, false, nil
	}
	next, part, n := number(nextAt), number(partAt), number(idLenAt)
	rows, cols := unpackSize(number(roomAt))
	v = Viewer{Slot: s, Number: int(state >> 32), CanType: state&canTypeBit != 0, Hidden: state&hiddenBit != 0,
		Rows: rows, Cols: cols, Next: int64(next), Part: int(part)}
	if n == 0 || n > MaxID || next > math.MaxInt64/2 || part > math.MaxInt32 || v.Number > math.MaxInt32 ||
		number(roomAt) != 0 && !sizeValid(rows, cols) {
		return v, true, fmt.Errorf("%w: a viewer's slot", ErrDamaged)
	}
	v.ID = string(s.j.mem[s.at+idAt:][:n])
	if number(doubtAt) == next+1 {
		v.Next, v.Part = v.Next+1, 0
		s.Done(v.Next - 1)
	}
	return v, true, nil
}
