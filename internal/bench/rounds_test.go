package main

import (
	"slices"
	"testing"
)

func TestRounds(t *testing.T) {
	t.Parallel()
	var r rounds
	r.add(1, 4, 6)
	r.add(0, 1)
	r.add(1, 8)
	if got := r.all(); !slices.Equal(got, []float64{1, 4, 6, 8}) {
		t.Errorf("all = %v", got)
	}
	if got := r.medians(); !slices.Equal(got, []float64{1, 6}) {
		t.Errorf("medians = %v", got)
	}
}
