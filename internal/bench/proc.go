package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// resident is a process's resident memory in bytes, as Linux counts it; false elsewhere.
func resident(pid int) (float64, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib * 1024, err == nil
		}
	}
	return 0, false
}

// cpuTime is the time that processes have run on all cores; 0 where it cannot be known.
func cpuTime(pids []int) (sum time.Duration) {
	for _, pid := range pids {
		var t unix.Timespec
		// The number of a process's clock, as Linux' clock_getcpuclockid makes it.
		if unix.ClockGettime(int32(^pid<<3|2), &t) == nil {
			sum += time.Duration(t.Nano())
		}
	}
	return sum
}
