package pty

import "time"

const (
	// paceBytes limits how far the output may be ahead of what the fastest typing viewer has drawn; minPaceBytes is
	// always allowed. In between, it is what that viewer draws in paceTime, so that a slow page responds to Ctrl-C as
	// quickly as a fast one.
	paceBytes    = 512 << 10
	minPaceBytes = 160 << 10
	paceTime     = 100 * time.Millisecond
	// patience is how long the reader waits for the fastest viewer to draw anything, and at most at a time for a slower
	// one.
	patience = 250 * time.Millisecond
	// waitShare limits how long the reader waits for one of the others: 1/waitShare of the time.
	waitShare = 10
	// levelShare is the part of paceBytes from which on a viewer counts as up to date: the rest need not be acknowledged.
	levelShare = 4
)

// grace is how long the reader may wait for the viewer now.
func (f *follower) grace(now time.Time) time.Duration {
	return min(f.shell.patience, now.Sub(f.paidAt)/waitShare)
}

// charge counts a wait for the viewer that ends now.
func (f *follower) charge(wait time.Duration, now time.Time) {
	if saved := now.Add(-f.shell.patience * waitShare); f.paidAt.Before(saved) {
		f.paidAt = saved
	}
	f.paidAt = f.paidAt.Add(wait * waitShare)
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
		case <-s.hurry:
			return
		}
	}
}

// hold returns how long the reader, which has waited since then, should wait for the viewers; 0 or less: not at all.
// The fastest viewer that can type decides. If it has drawn nothing for too long, it counts as stalled until it draws,
// and the next fastest decides. Without any, the reader does not wait. The others decide with holdForOthers.
func (s *Shell) hold(since time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		f := s.fastest()
		if f == nil {
			return 0
		}
		if s.ring.end-f.acked < f.rate.ahead(s.ahead) {
			return s.holdForOthers(time.Now())
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

// holdForOthers is hold for viewers that are not the fastest. When one falls paceBytes behind the output, the reader
// waits until it and all others are nearly up to date, so that viewers that are equally fast on average stay together.
// The time counts for the slowest of them, and is limited; see waitShare. A viewer that has drawn nothing since it was
// up to date is not waited for. It requires s.mu.
func (s *Shell) holdForOthers(now time.Time) time.Duration {
	behind := s.ahead
	if s.awaited != nil {
		s.awaited.charge(now.Sub(s.awaitedAt), now)
		behind = s.ahead / levelShare
	}
	s.awaitedAt = now
	for {
		s.awaited = s.slowest(behind)
		if s.awaited == nil {
			return 0
		}
		if wait := s.awaited.grace(now); wait > 0 {
			return wait
		}
		s.awaited.late = true
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

// slowest is the follower that is so many bytes behind the output, has drawn least, and is waited for.
func (s *Shell) slowest(behind int64) (slowest *follower) {
	for _, f := range s.followers {
		if s.ring.end-f.acked >= behind && f.draws() && (slowest == nil || f.acked < slowest.acked) {
			slowest = f
		}
	}
	return slowest
}

// draws reports whether the viewer can type and keeps drawing, as far as it has got output to draw.
func (f *follower) draws() bool {
	drew := f.acked > f.level || f.undrawn.bytes() < f.shell.window/4
	return f.viewer.canType && !f.stalled && !f.late && drew
}

// resumeReader makes a waiting reader check again.
func (s *Shell) resumeReader() {
	select {
	case s.resume <- struct{}{}:
	default:
	}
}
