package pty

import (
	"errors"
	"math"
	"os"
	"time"
)

const (
	// readBytes is the most that one read takes from the terminal.
	readBytes = 32 << 10
	// paceBytes is how far the output may run ahead of what the fastest viewer
	// who may type has drawn, and minPaceBytes how far in any case. In between it
	// is what that viewer draws in paceTime: so a slow page answers Ctrl-C as
	// quickly as a fast one.
	paceBytes    = 512 << 10
	minPaceBytes = 160 << 10
	paceTime     = 100 * time.Millisecond
	// patience is how long the reader waits for that viewer to draw anything.
	patience = 250 * time.Millisecond
	// drainBytes is more than the kernel holds of a terminal's output.
	drainBytes = 256 << 10
)

// read moves output from the terminal into the ring until the program has ended.
func (s *Shell) read() {
	defer close(s.readDone)
	buf := make([]byte, readBytes)
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

// drain takes what the program left in the terminal when it ended. It waits for
// nothing more, and does not go on for ever when somebody else writes there.
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

// put appends output to the ring, and waits where the screen has to draw more for it than is free; see toll.
func (s *Shell) put(p []byte) {
	for len(p) > 0 {
		n, work := s.putSome(p)
		p = p[n:]
		s.owes = max(s.owes+work-freeWork*n, -creditWork)
		switch {
		case s.owes < leastDebt:
		case s.toll.pay(s.owes, s.dead):
			s.owes = 0
		case s.owes > lastDebt:
			return // the program has ended, and left what nobody could look at
		}
	}
}

// putSome appends output to the ring, as much of it as is drawn in one piece, and wakes the followers that wait for it.
// It returns how much that was, and what has been drawn since the last time.
func (s *Shell) putSome(p []byte) (n, work int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = s.show(p)
	work, s.drawn = s.screen.Work()-s.drawn, s.screen.Work()
	s.answer()
	s.noteOutput()
	s.sizes = s.sizes.forget(s.ring.start())
	for _, f := range s.followers {
		if s.ring.end >= f.wanted || f.inputs != s.inputs && f.wanted < math.MaxInt64 {
			f.poke()
		}
	}
	return n, work
}

// pace holds the reader while the viewers who may type have too much to draw.
func (s *Shell) pace(timer *time.Timer) {
	since := time.Now()
	for {
		wait := s.hold(since)
		if wait <= 0 {
			return
		}
		timer.Reset(wait)
		select {
		case <-s.resume:
		case <-timer.C:
		case <-s.dead:
			return
		}
	}
}

// hold says how long the reader, which waits since then, should wait for the
// viewers; 0 or less: not at all. The fastest viewer who may type decides. If it
// has drawn nothing for too long it is stalled until it does, and the next
// fastest decides; without any the reader runs free.
func (s *Shell) hold(since time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		f := s.fastest()
		if f == nil || s.ring.end-f.acked < f.speed.ahead(s.ahead) {
			return 0
		}
		if f.progress.After(since) {
			since = f.progress
		}
		if wait := s.patience - time.Since(since); wait > 0 {
			return wait
		}
		f.stalled = true
	}
}

// fastest is the follower that may type, draws, and has drawn most.
func (s *Shell) fastest() (fastest *follower) {
	for _, f := range s.followers {
		if f.viewer.types && !f.stalled && (fastest == nil || f.acked > fastest.acked) {
			fastest = f
		}
	}
	return fastest
}

// resumeReader has a waiting reader look again.
func (s *Shell) resumeReader() {
	select {
	case s.resume <- struct{}{}:
	default:
	}
}
