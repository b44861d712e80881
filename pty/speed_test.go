package pty

import (
	"testing"
	"time"
)

func TestSpeed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		acks int
		n    int64
		took time.Duration
		busy bool
		want int64
	}{
		{"not known", 0, 0, 0, true, paceBytes},
		{"fast", 5, 64 << 10, time.Millisecond, true, paceBytes},
		{"slow", 5, 64 << 10, 100 * time.Millisecond, true, minPaceBytes},
		{"in between", 50, 64 << 10, 20 * time.Millisecond, true, 320 << 10},
		{"had nothing to draw", 5, 10, time.Second, false, paceBytes},
	} {
		s := speed{busy: test.busy}
		for range test.acks {
			s.drew(test.n, test.took)
		}
		if got := s.ahead(paceBytes); got < test.want*99/100 || got > test.want*101/100 {
			t.Errorf("%s: %d bytes ahead, want %d", test.name, got, test.want)
		}
	}
}
