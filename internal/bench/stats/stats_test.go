package stats

import (
	"math"
	"slices"
	"strings"
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
		if got := Percentile(test.values, test.p); got != test.want {
			t.Errorf("Percentile(%v, %v) = %v, want %v", test.values, test.p, got, test.want)
		}
		if !slices.Equal(test.values, before) {
			t.Error("Percentile changes its argument")
		}
	}
	if got := Percentile(nil, 50); !math.IsNaN(got) {
		t.Errorf("Percentile of nothing = %v, want NaN", got)
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
		if got := Median(test.values); got != test.want {
			t.Errorf("Median(%v) = %v, want %v", test.values, got, test.want)
		}
	}
	if got := Median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing = %v, want NaN", got)
	}
}

func TestRatioIsByRound(t *testing.T) {
	t.Parallel()
	// Twice as slow in each round, while the machine gets ten times slower: medians of all would say otherwise.
	if got := Ratio([]float64{2, 20, 200}, []float64{1, 10, 100}); got != 2 {
		t.Errorf("Ratio = %v, want 2", got)
	}
	if got := Ratio([]float64{2, 4, 99}, []float64{1, 1}); got != 3 {
		t.Errorf("Ratio of unequal numbers of rounds = %v, want 3", got)
	}
	if got := Ratio([]float64{1}, []float64{0}); !math.IsNaN(got) {
		t.Errorf("Ratio to zero = %v, want NaN", got)
	}
}

func TestWriteTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := WriteTable(&out, [][]string{{"", "p50, µs", "×"}, {"Zürich", "61", "1.00"}, {"b", "7", ""}}); err != nil {
		t.Fatal(err)
	}
	want := "            p50, µs     ×\n    Zürich       61  1.00\n    b             7      \n"
	if out.String() != want {
		t.Errorf("got\n%s, want\n%s", out.String(), want)
	}
}
