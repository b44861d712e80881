package journal

// Offsets in a slot.
const (
	stateAt = 0
	roomAt  = 8
	nextAt  = 16
	partAt  = 24
	doubtAt = 32
	idLenAt = 40
	idAt    = 48

	usedBit    = 1
	canTypeBit = 2
	hiddenBit  = 4
)

// Slot records one viewer's input. A nil Slot records nothing. Begin, Wrote, and Done are for the one writer at a time.
type Slot struct {
	j     *Journal
	index int
	at    int
}

// Viewer returns a new slot for a viewer, nil if there is none left or its id is too long.
func (j *Journal) Viewer(id string, number int) *Slot {
	if j == nil || len(id) == 0 || len(id) > MaxID {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.used {
		if j.used[i] || j.mem == nil {
			continue
		}
		j.used[i] = true
		s := &Slot{j: j, index: i, at: slotsAt + i*slotLen}
		for _, at := range []int{stateAt, roomAt, nextAt, partAt, doubtAt} {
			j.word(s.at + at).Store(0)
		}
		copy(j.mem[s.at+idAt:s.at+slotLen], id)
		j.word(s.at + idLenAt).Store(uint64(len(id)))
		j.word(s.at + stateAt).Store(state(number, true, false))
		return s
	}
	return nil
}

func state(number int, canType, hidden bool) uint64 {
	v := uint64(uint32(number))<<32 | usedBit
	if canType {
		v |= canTypeBit
	}
	if hidden {
		v |= hiddenBit
	}
	return v
}

// Free forgets the viewer.
func (s *Slot) Free() {
	if s == nil {
		return
	}
	s.j.set(s.at+stateAt, 0)
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	s.j.used[s.index] = false
}

// SetState records what the viewer may do.
func (s *Slot) SetState(number int, canType, hidden bool) {
	if s != nil {
		s.j.set(s.at+stateAt, state(number, canType, hidden))
	}
}

// SetRoom records the size of the viewer's window.
func (s *Slot) SetRoom(rows, cols int) {
	if s != nil {
		s.j.set(s.at+roomAt, packSize(rows, cols))
	}
}

// Begin records that input n is being written.
func (s *Slot) Begin(n int64) {
	if s != nil {
		s.j.set(s.at+doubtAt, uint64(n)+1)
	}
}

// Wrote ends Begin: part bytes of the input are written.
func (s *Slot) Wrote(part int) {
	if s != nil {
		s.j.set(s.at+partAt, uint64(part))
		s.j.set(s.at+doubtAt, 0)
	}
}

// Done records that input n is written. Between its stores the input is in doubt.
func (s *Slot) Done(n int64) {
	if s != nil {
		s.j.set(s.at+doubtAt, uint64(n)+1)
		s.j.set(s.at+partAt, 0)
		s.j.set(s.at+nextAt, uint64(n)+1)
	}
}
