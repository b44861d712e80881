package main

import (
	"math"
	"slices"
	"testing"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, test := range []struct {
		values  []float64
		p, want float64
	}{
		{[]float64{7}, 50, 7},
		{[]float64{7}, 99, 7},
		{[]float64{3, 1, 2}, 50, 2},
		{[]float64{4, 3, 1, 2}, 50, 2},
		{[]float64{3, 1, 2}, 0, 1},
		{[]float64{3, 1, 2}, 100, 3},
		{hundred, 50, 50},
		{hundred, 90, 90},
		{hundred, 99, 99},
		{hundred, 99.5, 100},
	} {
		before := slices.Clone(test.values)
		if got := percentile(test.values, test.p); got != test.want {
			t.Errorf("percentile(%v, %v) = %v, want %v", test.values, test.p, got, test.want)
		}
		if !slices.Equal(test.values, before) {
			t.Error("percentile changes its argument")
		}
	}
	if got := percentile(nil, 50); !math.IsNaN(got) {
		t.Errorf("percentile of nothing = %v, want NaN", got)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{5}, 5},
		{[]float64{9, 1}, 5},
		{[]float64{9, 1, 2}, 2},
		{[]float64{9, 1, 2, 4}, 3},
	} {
		if got := median(test.values); got != test.want {
			t.Errorf("median(%v) = %v, want %v", test.values, got, test.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing = %v, want NaN", got)
	}
}

func TestRatioIsByRound(t *testing.T) {
	t.Parallel()
	// Twice as slow in each round, while the machine gets ten times slower: medians of all would say otherwise.
	if got := ratio([]float64{2, 20, 200}, []float64{1, 10, 100}); got != 2 {
		t.Errorf("ratio = %v, want 2", got)
	}
	if got := ratio([]float64{2, 4, 99}, []float64{1, 1}); got != 3 {
		t.Errorf("ratio of unequal numbers of rounds = %v, want 3", got)
	}
	if got := ratio([]float64{1}, []float64{0}); !math.IsNaN(got) {
		t.Errorf("ratio to zero = %v, want NaN", got)
	}
}

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
