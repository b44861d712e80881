package journal

import (
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
)

// FuzzJournal opens journals in which some numbers are wrong. A journal is either refused as damaged, or consistent.
func FuzzJournal(f *testing.F) {
	j := newJournal(f)
	read(j, make([]byte, 200_000))
	j.Mark(100_000, 50, 100)
	j.SetOwner(j.Viewer("viewer", 1), true)
	testkit.Must(f, j.Checkpoint(Checkpoint{Off: j.end, Rows: 50, Cols: 100, Marks: 2, Bytes: []byte("screen")}))
	for _, at := range []int{magicAt, versionAt, ringSizeAt, endAt, repliedAt, marksAt, ownerAt, activeAt, recordingAt,
		recordingsAt, markListAt, markListAt + 8, slotsAt, slotsAt + roomAt, slotsAt + nextAt, slotsAt + idLenAt,
		int(checkpointAt(len(j.ring), 0)), int(checkpointAt(len(j.ring), 0)) + 24} {
		f.Add(binary.NativeEndian.AppendUint64(binary.NativeEndian.AppendUint32(nil, uint32(at)), 1<<63+1))
		f.Add(binary.NativeEndian.AppendUint64(binary.NativeEndian.AppendUint32(nil, uint32(at)), 0))
	}
	whole := make([]byte, checkpointAt(len(j.ring), 0)+page)
	_, err := j.file.ReadAt(whole, 0)
	testkit.Must(f, err)
	f.Fuzz(func(t *testing.T, patches []byte) { // offsets of 4 bytes, each with a number of 8
		file := damaged(t, whole, checkpointsLen-page, patches)
		j, state, err := Open(file)
		if errors.Is(err, ErrDamaged) {
			return
		}
		testkit.Must(t, err)
		defer j.Close()
		checkState(t, j, state)
		j.Mark(j.End(), 24, 80)
		read(j, make([]byte, 2*len(j.ring)))
	})
}

// damaged is a sealed copy with some numbers replaced.
func damaged(t testing.TB, whole []byte, more int, patches []byte) *os.File {
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	testkit.Must(t, err)
	file := os.NewFile(uintptr(fd), "test")
	_, err = file.Write(whole)
	testkit.Must(t, err)
	testkit.Must(t, file.Truncate(int64(len(whole)+more)))
	for ; len(patches) >= 12; patches = patches[12:] {
		at := int64(binary.NativeEndian.Uint32(patches)) % int64(len(whole)-8)
		_, err = file.WriteAt(patches[4:12], at)
		testkit.Must(t, err)
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	testkit.Must(t, err)
	return file
}

func checkState(t *testing.T, j *Journal, s *State) {
	if s.Replied > j.End() || len(s.Marks) == 0 || s.Owner >= len(s.Viewers) || len(output(j)) != int(j.End()-j.Start()) {
		t.Errorf("state %+v of %d bytes", s, j.End())
	}
	last := int64(0)
	for _, m := range s.Marks {
		if m.Off < last || m.Off > j.End() || !sizeValid(m.Rows, m.Cols) {
			t.Errorf("mark %+v", m)
		}
		last = m.Off
	}
	for _, v := range s.Viewers {
		if v.Next < 0 || v.Part < 0 || v.ID == "" || v.Number < 0 {
			t.Errorf("viewer %+v", v)
		}
	}
	all := j.Checkpoints(s)
	for _, c := range all {
		if c.Off < j.Start() || c.Off > j.End() || !sizeValid(c.Rows, c.Cols) {
			t.Errorf("checkpoint of %d×%d at %d of %d", c.Rows, c.Cols, c.Off, j.End())
		}
	}
	if len(all) == 0 {
		t.Error("no checkpoint")
	}
	j.Recording("any")
}
