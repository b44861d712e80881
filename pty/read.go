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
	// paceBytes limits how far the output may be ahead of what the fastest typing viewer has drawn; minPaceBytes is
	// always allowed. In between, it is what that viewer draws in paceTime, so that a slow page responds to Ctrl-C as
	// quickly as a fast one.
	paceBytes    = 512 << 10
	minPaceBytes = 160 << 10
	paceTime     = 100 * time.Millisecond
	// patience is how long the reader waits for that viewer to draw anything.
	patience = 250 * time.Millisecond
	// drainBytes exceeds the kernel's output buffer of a terminal.
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

// pace delays the reader while the typing viewers have too much to draw.
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

// hold returns how long the reader, which has waited since then, should wait for the viewers; 0 or less: not at all.
// The fastest viewer that can type decides. If it has drawn nothing for too long, it counts as stalled until it draws,
// and the next fastest decides. Without any, the reader does not wait.
func (s *Shell) hold(since time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		f := s.fastest()
		if f == nil || s.ring.end-f.acked < f.rate.ahead(s.ahead) {
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

// fastest is the follower that can type, is not stalled, and has drawn most.
func (s *Shell) fastest() (fastest *follower) {
	for _, f := range s.followers {
		if f.viewer.canType && !f.stalled && (fastest == nil || f.acked > fastest.acked) {
			fastest = f
		}
	}
	return fastest
}

// resumeReader makes a waiting reader check again.
func (s *Shell) resumeReader() {
	select {
	case s.resume <- struct{}{}:
	default:
	}
}
