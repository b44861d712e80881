package main

import (
	"slices"
	"time"

	"convoy/internal/bench/stats"
)

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
		list = append(list, stats.Median(values))
	}
	return list
}

// micros and millis are a duration in µs and ms.
func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
