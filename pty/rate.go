package pty

import "time"

// drawRate estimates a viewer's drawing speed and round-trip time from its acknowledgements. Only time with pending
// output counts; each acknowledgement reduces the weight of earlier ones by a quarter.
type drawRate struct {
	busy  bool // output was pending at the last acknowledgement
	bytes float64
	took  time.Duration

	probe   int64 // offset whose acknowledgement is timed; 0: none
	probeAt time.Time
	rtt     time.Duration // shortest time from sending to acknowledgement; 0: unknown
}

// sent records that bytes up to off were sent to the viewer.
func (r *drawRate) sent(off int64, now time.Time) {
	if r.probe == 0 {
		r.probe, r.probeAt = off, now
	}
}

// drew records that a viewer drew n bytes, up to off, since its last acknowledgement.
func (r *drawRate) drew(off, n int64, took time.Duration, now time.Time) {
	if r.probe > 0 && off >= r.probe {
		if trip := now.Sub(r.probeAt); r.rtt == 0 || trip < r.rtt {
			r.rtt = trip
		}
		r.probe = 0
	}
	if r.busy {
		r.bytes = r.bytes*3/4 + float64(n)
		r.took = r.took*3/4 + took
	}
}

// ahead is how far the output may be ahead of the viewer: what it draws in paceTime and one round trip, but no more
// than limit. An unknown viewer counts as fast. The round trip is included because acknowledgements from a distant
// viewer are late even if it draws fast: otherwise it would slow down more and more.
func (r *drawRate) ahead(limit int64) int64 {
	if r.took <= 0 {
		return limit
	}
	drawn := r.bytes * float64(paceTime+r.rtt) / float64(r.took)
	return min(limit, max(minPaceBytes, int64(drawn)))
}
