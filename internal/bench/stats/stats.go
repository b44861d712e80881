// Package stats has percentiles, ratios and tables for the benchmarks.
package stats

import (
	"math"
	"slices"
)

// Percentile is the p-th percentile (0 to 100) by nearest rank: a value that was measured. It is NaN for no values.
func Percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Median is the middle of the values, or the mean of the two in the middle. It is NaN for no values.
func Median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Ratio is the median of a[i]/b[i]: what was measured in the same round, hence under the same noise, is compared.
// Rounds that only one of them has do not count, and without any it is NaN.
func Ratio(a, b []float64) float64 {
	var each []float64
	for i := range min(len(a), len(b)) {
		if b[i] != 0 {
			each = append(each, a[i]/b[i])
		}
	}
	return Median(each)
}
