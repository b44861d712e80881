package pty

import (
	"errors"
	"math"
	"os"
	"time"
)

const (
	// readBytes limits one read from the terminal.
	readBytes = 32 << 10
	// drainBytes exceeds the kernel's output buffer of a terminal.
	drainBytes = 256 << 10
)

// read moves output from the terminal into the ring until the program has ended. It gets its buffer from outside: on
// its own stack, the buffer doubled that to 64 KiB for each shell.
func (s *Shell) read(buf []byte) {
	defer close(s.readDone)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.pace(timer)
		n, err := s.terminal.ptmx.Read(buf)
		s.put(buf[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			s.drain(buf)
			return
		}
		if err != nil {
			s.log.Error("reading terminal failed", "err", err)
			return
		}
	}
}

// drain reads what the program left in the terminal. It waits for nothing, and stops at drainBytes even if another
// process keeps writing.
func (s *Shell) drain(buf []byte) {
	s.terminal.ptmx.SetReadDeadline(time.Time{})
	for total := 0; total < drainBytes; {
		n, err := s.terminal.readNow(buf)
		if n <= 0 || err != nil {
			return
		}
		s.put(buf[:n])
		total += n
	}
}

// put appends output to the ring, and waits if drawing it exceeds the free work; see throttle.
func (s *Shell) put(p []byte) {
	for len(p) > 0 {
		n, work := s.putSome(p)
		p = p[n:]
		s.debt = max(s.debt+work-freeWork*n, -maxCredit)
		switch {
		case s.debt < minDebt:
		case s.throttle.wait(s.debt, s.dead):
			s.debt = 0
		case s.debt > exitDebt:
			return // the program has ended, and its remaining output costs too much
		}
	}
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
	s.sizes = s.sizes.trim(s.ring.start())
	for _, f := range s.followers {
		if s.ring.end >= f.wakeAt || f.inputs != s.inputs && f.wakeAt < math.MaxInt64 {
			f.notify()
		}
	}
	return n, work
}
