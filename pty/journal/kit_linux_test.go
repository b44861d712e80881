package journal

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
)

// keep is the size of a test journal: its ring has two pages more than twice that.
const keep = 64 << 10

func newJournal(t testing.TB) *Journal {
	t.Helper()
	if !Supported {
		t.Skip("no journals on this system")
	}
	j, err := Create(keep, 24, 80)
	testkit.Must(t, err)
	t.Cleanup(j.Close)
	return j
}

// read puts output into the journal, as a reader does.
func read(j *Journal, p []byte) {
	for len(p) > 0 {
		n := copy(j.Space(), p)
		j.Publish(n)
		p = p[n:]
	}
}

// reopen opens what another process would find now.
func reopen(t testing.TB, j *Journal) (*Journal, *State) {
	t.Helper()
	fd, err := unix.FcntlInt(j.file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	testkit.Must(t, err)
	next, state, err := Open(os.NewFile(uintptr(fd), "journal"))
	testkit.Must(t, err)
	t.Cleanup(next.Close)
	return next, state
}

func output(j *Journal) []byte {
	return bytes.Join(slices.Collect(j.Bytes(j.Start(), j.End())), nil)
}
