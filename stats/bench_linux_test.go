package stats

import (
	"strconv"
	"testing"

	"convoy/internal/testkit"
)

// BenchmarkSampler_ThreeShells takes samples of a node with three idle shells. The share of a core is that of one
// sample at each tick, with the kernel's part for reading /proc.
func BenchmarkSampler_ThreeShells(b *testing.B) {
	var shells []Shell
	for i := range 3 {
		shells = append(shells, Shell{strconv.Itoa(i), startSession(b, "sleep 1000; :").Pid})
	}
	s := New(Config{Shells: func() []Shell { return shells }})
	samples, before := 0, testkit.CPUTime(b)
	for ; b.Loop(); samples++ {
		s.Sample()
	}
	b.ReportMetric(100*(testkit.CPUTime(b)-before).Seconds()/float64(samples)/Tick.Seconds(), "%-of-a-core")
}
