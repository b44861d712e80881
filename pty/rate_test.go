package pty

import (
	"testing"
	"time"
)

// A viewer with a given speed and distance gets output as fast as the reader provides it, as far ahead as drawRate
// allows.
func TestSpeedSettles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		rate float64 // bytes per second that it draws
		trip time.Duration
		want int64 // bytes ahead in the end
	}{
		{"fast and near", 50e6, time.Millisecond, paceBytes},
		{"fast and far", 50e6, 300 * time.Millisecond, paceBytes},
		{"slow and near", 1e6, time.Millisecond, minPaceBytes},
		{"slow and far", 1e6, 300 * time.Millisecond, 460 << 10},
		{"middling and near", 2.5e6, time.Millisecond, 310 << 10},
	} {
		if got := settle(test.rate, test.trip); got < test.want*85/100 || got > test.want*115/100 {
			t.Errorf("%s: %d bytes ahead, want about %d", test.name, got, test.want)
		}
	}
}

// settle simulates a viewer that acknowledges every 64 KiB, and a sender that sends whenever it may.
func settle(rate float64, trip time.Duration) int64 {
	const ack = 64 << 10
	type arrival struct {
		off int64
		at  time.Time
	}
	var s drawRate
	var flying []arrival
	now := time.Now()
	last, free := now, now
	var sent, acked int64
	for range 400 {
		for sent+ack <= acked+max(ack, s.ahead(paceBytes)) {
			sent += ack
			s.sent(sent, now)
			begin := now.Add(trip / 2) // it draws sequentially
			if free.After(begin) {
				begin = free
			}
			free = begin.Add(time.Duration(ack / rate * float64(time.Second)))
			flying = append(flying, arrival{sent, free.Add(trip / 2)})
		}
		now = flying[0].at
		s.drew(flying[0].off, ack, now.Sub(last), now)
		acked, last, flying = flying[0].off, now, flying[1:]
		s.busy = len(flying) > 0
	}
	return s.ahead(paceBytes)
}

func TestSpeedNotKnown(t *testing.T) {
	t.Parallel()
	var s drawRate
	s.drew(10, 10, time.Hour, time.Now()) // it had nothing to draw for an hour
	if got := s.ahead(paceBytes); got != paceBytes {
		t.Errorf("%d bytes ahead of an unknown viewer, want %d", got, paceBytes)
	}
}
