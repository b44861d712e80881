package pty

import (
	"errors"
	"math"
	"os"
	"slices"
	"time"

	"convoy/pty/journal"
)

const (
	// readBytes limits one read from the terminal.
	readBytes = journal.ReadBytes
	// drainBytes exceeds the kernel's output buffer of a terminal.
	drainBytes = 256 << 10
)

// read moves output from the terminal into the ring until the program has ended, or the shell is left to the next
// process. It reads into the journal if there is one.
func (s *Shell) read() {
	defer close(s.readDone)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	space := s.journal.Space
	if s.journal == nil {
		buf := slices.Repeat([]byte{0}, readBytes) // on the heap: the goroutine's stack would grow to 64 KiB
		space = func() []byte { return buf }
	}
	for {
		s.pace(timer)
		b := space()
		n, err := s.terminal.ptmx.Read(b)
		s.journal.Publish(n)
		shown := s.put(b[:n])
		switch {
		case s.stay.Err() != nil || !shown:
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.drain(space)
			return
		case err != nil:
			s.log.Error("reading terminal failed", "err", err)
			return
		}
	}
}

// drain reads what the program left in the terminal. It waits for nothing, and stops at drainBytes even if another
// process keeps writing.
func (s *Shell) drain(space func() []byte) {
	s.terminal.ptmx.SetReadDeadline(time.Time{})
	for total := 0; total < drainBytes; {
		b := space()
		n, err := s.terminal.readNow(b)
		if n <= 0 || err != nil {
			return
		}
		s.journal.Publish(n)
		if !s.put(b[:n]) {
			return
		}
		total += n
	}
}

// put appends output to the ring, and waits if drawing it exceeds the free work; see throttle. It returns false if the
// program has ended, and the rest of its output costs too much.
func (s *Shell) put(p []byte) bool {
	for len(p) > 0 {
		n, work := s.putSome(p)
		p = p[n:]
		s.debt = max(s.debt+work-freeWork*n, -maxCredit)
		switch {
		case s.debt < minDebt:
		case s.throttle.wait(s.debt, s.hurry):
			s.debt = 0
		case s.debt > exitDebt:
			return false
		}
	}
	return true
}

// putSome appends the output that is drawn in one piece, and notifies waiting followers. It returns the number of
// bytes, and the drawing work since the last call.
func (s *Shell) putSome(p []byte) (n, work int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = s.show(p)
	work, s.drawn = s.screen.Work()-s.drawn, s.screen.Work()
	s.sendReplies()
	s.recordOutput()
	s.checkpoint()
	s.sizes = s.sizes.trim(s.ring.start())
	for _, f := range s.followers {
		if s.ring.end >= f.wakeAt || f.inputs != s.inputs && f.wakeAt < math.MaxInt64 {
			f.notify()
		}
	}
	return n, work
}
