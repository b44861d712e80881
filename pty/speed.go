package pty

import "time"

// speed is how fast a viewer draws, as far as its acknowledgements tell. Only
// the time in which it had something to draw counts; each acknowledgement makes
// those before it count a quarter less.
type speed struct {
	busy  bool // bytes were undrawn at the last acknowledgement
	bytes float64
	took  time.Duration
}

// drew notes that a viewer drew n bytes in the time since it last said so.
func (s *speed) drew(n int64, took time.Duration) {
	if !s.busy {
		return
	}
	s.bytes = s.bytes*3/4 + float64(n)
	s.took = s.took*3/4 + took
}

// ahead is how far the output may run ahead of the viewer: what it draws in
// paceTime, but no more than most. One that is not known yet is taken for fast.
func (s *speed) ahead(most int64) int64 {
	if s.took <= 0 {
		return most
	}
	drawn := s.bytes * float64(paceTime) / float64(s.took)
	return min(most, max(minPaceBytes, int64(drawn)))
}
