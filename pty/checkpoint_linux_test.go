package pty

import (
	"bytes"
	"math/rand/v2"
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

// At any time of a flood, the journal has what a new process needs for the same screen, and its scrollback if only text
// has come.
func TestCheckpoint_DuringFlood(t *testing.T) {
	t.Parallel()
	for seed := range uint64(len(floods)) {
		random := rand.New(rand.NewPCG(seed, 2))
		s := newShell(NewTable(Config{Keeper: noKeeper{}}).config, programs("x")[0], "x", size, func() {})
		j, err := journal.Create(s.ring.max, size.Rows, size.Cols)
		testkit.Must(t, err)
		defer j.Close()
		s.journal = j
		s.mu.Lock()
		defer s.mu.Unlock()
		defer s.stopTimers()
		for range 60 {
			s.receive(floods[seed](random))
			if behind := j.End() - s.saved.off; behind > 2*j.Keep() {
				t.Fatalf("kind %d: the last checkpoint is %d bytes behind", seed, behind)
			}
			if random.IntN(20) > 0 {
				continue
			}
			rows := 0
			if seed == 0 {
				rows = historyRows
			}
			if got, want := restored(t, s).draw(rows), s.draw(rows); !bytes.Equal(got, want) {
				t.Fatalf("kind %d: after %d bytes, a screen of %d bytes instead of %d", seed, s.ring.end, len(got), len(want))
			}
		}
	}
}

// receive takes p as read does.
func (s *Shell) receive(p []byte) {
	for len(p) > 0 {
		n := copy(s.journal.Space(), p)
		s.journal.Publish(n)
		for rest := p[:n]; len(rest) > 0; s.checkpoint() {
			rest = rest[s.show(rest):]
		}
		p = p[n:]
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
		s.receive(p)
	}
	next := restored(t, s)
	if work := next.screen.Work(); work > replayWork+4*turnWork {
		t.Errorf("restoring the screen took %d of %d", work, s.screen.Work())
	}
}
