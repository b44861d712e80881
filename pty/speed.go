package pty

import "time"

// speed is how fast a viewer draws and how far away it is, as far as its
// acknowledgements tell. Only the time in which it had something to draw counts;
// each acknowledgement makes those before it count a quarter less.
type speed struct {
	busy  bool // bytes were undrawn at the last acknowledgement
	bytes float64
	took  time.Duration

	probe   int64 // the offset whose acknowledgement is timed; 0: none
	probeAt time.Time
	trip    time.Duration // the shortest time from sending to acknowledgement; 0: not known
}

// sent notes that bytes up to off leave for the viewer.
func (s *speed) sent(off int64, now time.Time) {
	if s.probe == 0 {
		s.probe, s.probeAt = off, now
	}
}

// drew notes that a viewer drew n bytes, up to off, in the time since it last
// said so.
func (s *speed) drew(off, n int64, took time.Duration, now time.Time) {
	if s.probe > 0 && off >= s.probe {
		if trip := now.Sub(s.probeAt); s.trip == 0 || trip < s.trip {
			s.trip = trip
		}
		s.probe = 0
	}
	if s.busy {
		s.bytes = s.bytes*3/4 + float64(n)
		s.took = s.took*3/4 + took
	}
}

// ahead is how far the output may run ahead of the viewer: what it draws in
// paceTime and one trip, but no more than most. One that is not known yet is
// taken for fast. The trip is in it because over a long way acknowledgements
// come late, however fast the viewer draws: without it a distant viewer would
// slow itself down more and more.
func (s *speed) ahead(most int64) int64 {
	if s.took <= 0 {
		return most
	}
	drawn := s.bytes * float64(paceTime+s.trip) / float64(s.took)
	return min(most, max(minPaceBytes, int64(drawn)))
}
