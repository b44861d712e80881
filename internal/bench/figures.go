package main

import (
	"math"
	"slices"
	"time"
)

// percentile is the p-th percentile (0 to 100) by nearest rank: a value that was measured. It is NaN for no values.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// median is the middle of the values, or the mean of the two in the middle. It is NaN for no values.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// ratio is the median of a[i]/b[i]: what was measured in the same round, hence under the same noise, is compared. Rounds
// that only one of them has do not count.
func ratio(a, b []float64) float64 {
	var each []float64
	for i := range min(len(a), len(b)) {
		if b[i] != 0 {
			each = append(each, a[i]/b[i])
		}
	}
	return median(each)
}

// rounds are the values of one way, by round.
type rounds [][]float64

// add notes a value of a round.
func (r *rounds) add(round int, values ...float64) {
	for len(*r) <= round {
		*r = append(*r, nil)
	}
	(*r)[round] = append((*r)[round], values...)
}

// all are the values of all rounds.
func (r rounds) all() []float64 { return slices.Concat(r...) }

// medians are the medians of the rounds.
func (r rounds) medians() (list []float64) {
	for _, values := range r {
		list = append(list, median(values))
	}
	return list
}

// micros and millis are a duration in µs and ms.
func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
