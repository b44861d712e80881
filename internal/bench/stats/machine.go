package stats

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// About is when and where something is measured.
func About() string {
	return fmt.Sprintf("%s, %s %s/%s, %d cores", time.Now().UTC().Format("2006-01-02 15:04 UTC"), runtime.Version(),
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
}

// Load is how many processes wanted to run, on average over the last minute; 0 where it is not known.
func Load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	one, _, _ := strings.Cut(string(text), " ")
	value, _ := strconv.ParseFloat(one, 64) //nolint:errcheck // then it is not known
	return value
}

// CPUTime is the time that processes have run on all cores; 0 where it cannot be known.
func CPUTime(pids ...int) (sum time.Duration) {
	for _, pid := range pids {
		var t unix.Timespec
		// The number of a process's clock, as Linux' clock_getcpuclockid makes it.
		if unix.ClockGettime(int32(^pid<<3|2), &t) == nil {
			sum += time.Duration(t.Nano())
		}
	}
	return sum
}

// Numbers reads a file of /proc with a name and a number on each line; what it cannot read is missing.
func Numbers(path string) map[string]float64 {
	values := map[string]float64{}
	text, err := os.ReadFile(path)
	if err != nil {
		return values
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) >= 2 {
			values[strings.TrimSuffix(fields[0], ":")], _ = strconv.ParseFloat(fields[1], 64) //nolint:errcheck // 0 then
		}
	}
	return values
}

// Status reads the numbers of a process.
func Status(pid int) map[string]float64 { return Numbers(fmt.Sprintf("/proc/%d/status", pid)) }
