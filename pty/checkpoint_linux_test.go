package pty

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
	"convoy/pty/journal"
)

// restored is what a new process makes of a shell's journal now.
func restored(t *testing.T, s *Shell) *Shell {
	t.Helper()
	fd, err := unix.FcntlInt(s.journal.File().Fd(), unix.F_DUPFD_CLOEXEC, 0)
	testkit.Must(t, err)
	j, state, err := journal.Open(os.NewFile(uintptr(fd), "journal"))
	testkit.Must(t, err)
	t.Cleanup(j.Close)
	next := newShell(NewTable(Config{}).config, s.program, s.id, size, func() {})
	next.journal = j
	next.restoreOutput(state)
	return next
}

// Some seconds after a flood, the whole scrollback can be restored.
func TestCheckpoint_AfterFlood(t *testing.T) {
	t.Parallel()
	config := Config{Programs: programs("/bin/sh", "-c", "seq 1 600000; echo the end; cat"), Keeper: noKeeper{}}
	s, err := newTable(t, config).Open(size)
	testkit.Must(t, err)
	watch(t, s, options{types: true}).see("the end")
	testkit.Eventually(t, "a checkpoint with the scrollback", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.saved.timer == nil
	})
	next := restored(t, s)
	if got, want := next.draw(historyRows), s.draw(historyRows); !bytes.Equal(got, want) {
		t.Errorf("a screen with scrollback of %d bytes instead of %d", len(got), len(want))
	}
	got, want := next.ring.read(next.ring.start(), next.ring.max), s.ring.read(s.ring.start(), s.ring.max)
	if next.ring.end != s.ring.end || !bytes.Equal(got, want) {
		t.Errorf("%d bytes up to %d, want %d up to %d", len(got), next.ring.end, len(want), s.ring.end)
	}
}

// A program cannot delay the next start of its node with output that is expensive to draw.
func TestCheckpoint_LimitsTheWork(t *testing.T) {
	t.Parallel()
	s := newShell(NewTable(Config{Keeper: noKeeper{}}).config, programs("x")[0], "x", Size{maxSide, maxSide}, func() {})
	j, err := journal.Create(s.ring.max, maxSide, maxSide)
	testkit.Must(t, err)
	defer j.Close()
	s.journal = j
	p := []byte("\x1b[1;1H\x1b[999M")
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.stopTimers()
	for s.screen.Work() < 3*checkpointWork {
		n := copy(j.Space(), p)
		j.Publish(n)
		for rest := p[:n]; len(rest) > 0; s.checkpoint() {
			rest = rest[s.show(rest):]
		}
	}
	next := restored(t, s)
	if work := next.screen.Work(); work > replayWork+4*turnWork {
		t.Errorf("restoring the screen took %d of %d", work, s.screen.Work())
	}
}
