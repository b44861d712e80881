package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ownMemory is what a process does not share with others of its program, in bytes, as Linux counts it; false elsewhere.
func ownMemory(pid int) (float64, bool) {
	kib, ok := statusOf(fmt.Sprintf("/proc/%d/status", pid))["RssAnon"]
	return kib * 1024, ok
}

// look reads what a process uses; false where it cannot be known.
func look(pid int) (u usage, ok bool) {
	status := statusOf(fmt.Sprintf("/proc/%d/status", pid))
	u.resident, u.own, u.cpu = status["VmRSS"]*1024, status["RssAnon"]*1024, cpuTime([]int{pid})
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, thread := range threads {
		u.wakes += statusOf(thread)["voluntary_ctxt_switches"]
	}
	return u, err == nil && u.resident > 0 && u.cpu > 0
}

// statusOf reads the numbers of a status file of /proc.
func statusOf(path string) map[string]float64 {
	values := map[string]float64{}
	text, err := os.ReadFile(path)
	if err != nil {
		return values
	}
	for line := range strings.Lines(string(text)) {
		if name, rest, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(rest) != "" {
			values[name], _ = strconv.ParseFloat(strings.Fields(rest)[0], 64) //nolint:errcheck // 0 then
		}
	}
	return values
}

// load is how many processes wanted to run, on average over the last minute; 0 where it is not known.
func load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	one, _, _ := strings.Cut(string(text), " ")
	value, _ := strconv.ParseFloat(one, 64) //nolint:errcheck // then it is not known
	return value
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
