package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
)

// A new process finds the output, also what was read but not published, wherever the ring begins.
func TestOpen_FindsTheOutput(t *testing.T) {
	j := newJournal(t)
	random := rand.New(rand.NewPCG(1, 2))
	var all []byte
	for range 300 {
		p := make([]byte, 1+random.IntN(20_000))
		for i := range p {
			p[i] = byte(random.IntN(255)) // no filler
		}
		read(j, p)
		all = append(all, p...)
		p = p[:min(len(p), len(j.Space()))]
		copy(j.Space(), p)
		all = append(all, p...) // the process is killed before Publish
		next, state := reopen(t, j)
		if got := output(next); next.End() != int64(len(all)) || !bytes.Equal(got, all[next.Start():]) ||
			int64(len(got)) < min(2*keep, next.End()) {
			t.Fatalf("%d bytes up to %d, want those up to %d", len(got), next.End(), len(all))
		}
		if len(state.Marks) != 1 || state.Marks[0] != (Mark{Rows: 24, Cols: 80}) {
			t.Fatalf("sizes %v", state.Marks)
		}
		j.Close()
		j = next
	}
}

func TestOpen_FindsEverything(t *testing.T) {
	j := newJournal(t)
	read(j, []byte("hello"))
	j.Mark(5, 30, 100)
	j.SetReplied(3)
	now := time.Now()
	j.SetActive(now)
	a, b := j.Viewer("viewer-a", 1), j.Viewer("viewer-b", 2)
	a.Done(6)
	a.Wrote(3)
	b.SetState(2, false, true)
	b.SetRoom(40, 50)
	j.SetOwner(b, true)
	j.SetRecording(Recording{ID: "first", Size: 100, Off: -2})
	j.SetRecording(Recording{ID: "second", Size: 200, Off: 5, At: 1500 * time.Millisecond})
	next, s := reopen(t, j)
	if s.Replied != 3 || !s.Active.Equal(now) || s.Owner != 1 || !s.Pinned || len(s.Marks) != 2 ||
		s.Marks[1] != (Mark{Number: 1, Off: 5, Rows: 30, Cols: 100}) {
		t.Errorf("state %+v", s)
	}
	for i, want := range []Viewer{
		{ID: "viewer-a", Number: 1, CanType: true, Next: 7, Part: 3},
		{ID: "viewer-b", Number: 2, Hidden: true, Rows: 40, Cols: 50},
	} {
		if s.Viewers[i].Slot = nil; s.Viewers[i] != want {
			t.Errorf("viewer %+v, want %+v", s.Viewers[i], want)
		}
	}
	want := Recording{ID: "second", Size: 200, Off: 5, At: 1500 * time.Millisecond}
	if r, ok := next.Recording("second"); !ok || r != want {
		t.Errorf("recording %+v, %v", r, ok)
	}
	if _, ok := next.Recording("first"); ok {
		t.Error("another recording has this position")
	}
}

// Whatever store was the last one before a kill, an input is never repeated, and the next one never skipped.
func TestSlot_InDoubt(t *testing.T) {
	type want struct {
		next int64
		part int
	}
	steps := []func(*Slot){
		func(s *Slot) { s.Begin(0) },
		func(s *Slot) { s.j.set(s.at+partAt, 3) }, // Wrote
		func(s *Slot) { s.j.set(s.at+doubtAt, 0) },
		func(s *Slot) { s.Begin(0) },
		func(s *Slot) { s.Wrote(5) },
		func(s *Slot) { s.j.set(s.at+doubtAt, 1) }, // Done
		func(s *Slot) { s.j.set(s.at+partAt, 0) },
		func(s *Slot) { s.j.set(s.at+nextAt, 1) },
		func(s *Slot) { s.Begin(1) },
		func(s *Slot) { s.Done(1) },
	}
	wants := []want{{1, 0}, {1, 0}, {0, 3}, {1, 0}, {0, 5}, {1, 0}, {1, 0}, {1, 0}, {2, 0}, {2, 0}}
	for last := range steps {
		j := newJournal(t)
		s := j.Viewer("viewer", 1)
		for _, step := range steps[:last+1] {
			step(s)
		}
		for range 2 { // it stays so
			next, state := reopen(t, j)
			if got := (want{state.Viewers[0].Next, state.Viewers[0].Part}); got != wants[last] {
				t.Errorf("killed after step %d: next %d, part %d, want %v", last, got.next, got.part, wants[last])
			}
			next.Close()
		}
	}
}

func TestViewer_SlotsAreUsedAgain(t *testing.T) {
	j := newJournal(t)
	var slots []*Slot
	for i := range MaxViewers {
		slots = append(slots, j.Viewer(fmt.Sprint("viewer-", i), i+1))
	}
	if j.Viewer("one more", 1) != nil || j.Viewer(string(make([]byte, MaxID+1)), 1) != nil {
		t.Error("a slot that does not exist")
	}
	slots[7].Done(3)
	slots[7].Free()
	j.Viewer("another", 2000)
	_, state := reopen(t, j)
	if v := state.Viewers[7]; len(state.Viewers) != MaxViewers || v.ID != "another" || v.Next != 0 || v.Number != 2000 {
		t.Errorf("%d viewers, %+v", len(state.Viewers), v)
	}
}

// Checkpoints are offered as long as the output after them is there.
func TestCheckpoints(t *testing.T) {
	j := newJournal(t)
	offered := func() (text string) {
		next, state := reopen(t, j)
		defer next.Close()
		for _, c := range next.Checkpoints(state) {
			text += fmt.Sprintf("%d@%d %s;", c.Kind, c.Off, c.Bytes)
		}
		return text
	}
	save := func(kind Kind) {
		testkit.Must(t, j.Checkpoint(Checkpoint{Kind: kind, Off: j.End(), Rows: 24, Cols: 80, Marks: 1, Bytes: []byte("s")}))
	}
	steps := []struct {
		kind Kind
		want string
	}{
		{Brief, "0@0 ;1@50000 s;"},
		{Whole, "0@100000 s;"},
		{Brief, "0@100000 s;1@150000 s;"},
		{Brief, "0@100000 s;1@150000 s;1@200000 s;"},
		{Brief, "1@150000 s;1@200000 s;1@250000 s;"},
		{Brief, "1@200000 s;1@250000 s;1@300000 s;"},
		{Whole, "0@350000 s;"},
	}
	for i, step := range steps {
		read(j, make([]byte, 50_000))
		save(step.kind)
		if got := offered(); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
	if err := j.Checkpoint(Checkpoint{Bytes: make([]byte, MaxCheckpoint+1)}); err == nil {
		t.Error("a checkpoint that is too large")
	}
	at := checkpointAt(len(j.ring), 0)
	for i := range int64(2) { // both whole ones are torn
		_, err := j.file.WriteAt([]byte("?"), at+i*checkpointLen+checkpointHeader)
		testkit.Must(t, err)
	}
	if got := offered(); got != "1@250000 s;1@300000 s;" {
		t.Errorf("without the torn ones: %s", got)
	}
	read(j, make([]byte, 200_000))
	if got := offered(); got != fmt.Sprintf("0@%d ;", j.Start()) {
		t.Errorf("with none left: %s", got)
	}
}

// A new journal takes little memory, because most of it is never written.
func TestCreate_Memory(t *testing.T) {
	j := newJournal(t)
	j.Viewer("viewer", 1)
	var stat unix.Stat_t
	testkit.Must(t, unix.Fstat(int(j.file.Fd()), &stat))
	if used := stat.Blocks * 512; used > 60<<10 {
		t.Errorf("it takes %d bytes", used)
	}
}

// A file that another process could shrink, or of another size, is refused: reading it could end this process.
func TestOpen_OtherFiles(t *testing.T) {
	j := newJournal(t)
	whole := make([]byte, ringAt+ReadBytes)
	_, err := j.file.ReadAt(whole, 0)
	testkit.Must(t, err)
	plain, err := os.CreateTemp(t.TempDir(), "")
	testkit.Must(t, err)
	_, err = plain.Write(whole)
	testkit.Must(t, err)
	ends, _, err := os.Pipe()
	testkit.Must(t, err)
	for name, file := range map[string]*os.File{
		"a file": plain, "a pipe": ends, "empty": sealed(t, nil, 0), "short": sealed(t, whole, 0),
		"zero": sealed(t, nil, 1<<20),
	} {
		if _, _, err := Open(file); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := file.Stat(); err == nil {
			t.Errorf("%s: it is still open", name)
		}
	}
}

// sealed is sealed memory with these first bytes and some more.
func sealed(t testing.TB, head []byte, more int) *os.File {
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	testkit.Must(t, err)
	file := os.NewFile(uintptr(fd), "test")
	_, err = file.Write(head)
	testkit.Must(t, err)
	testkit.Must(t, file.Truncate(int64(len(head)+more)))
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	testkit.Must(t, err)
	return file
}

func TestClosedJournal(t *testing.T) {
	j := newJournal(t)
	s := j.Viewer("viewer", 1)
	j.Close()
	j.Close()
	s.Begin(0)
	s.Wrote(1)
	s.Done(0)
	s.Free()
	j.Mark(0, 1, 1)
	j.SetReplied(0)
	j.SetOwner(s, true)
	j.SetRecording(Recording{})
	if err := j.Checkpoint(Checkpoint{}); err != nil || j.Viewer("another", 2) != nil {
		t.Error(err)
	}
	var none *Journal
	none.Publish(1)
	none.Mark(0, 1, 1)
	none.SetOwner(none.Viewer("viewer", 1), false)
	none.Close()
}
