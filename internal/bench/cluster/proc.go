package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// memory is what a process holds, in bytes, as Linux counts it: all that is resident, and of it what is its own and not
// of a file that all processes share. It is 0 elsewhere.
func memory(pid int) (resident, own float64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	values := named(string(text))
	return values["VmRSS:"] * 1024, values["RssAnon:"] * 1024
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

// cpuTime is the time that a process has run, user and system, on all cores: the sum of utime and stime of
// /proc/PID/stat, but in nanoseconds rather than in ticks of 10 ms.
func cpuTime(pid int) time.Duration {
	var t unix.Timespec
	// The number of a process's clock, as Linux' clock_getcpuclockid makes it.
	if unix.ClockGettime(int32(^pid<<3|2), &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// traffic is what a network namespace has sent over IPv6 so far.
type traffic struct {
	packets   float64 // of IPv6: UDP and TCP
	datagrams float64 // of UDP
	bytes     float64 // of IPv6, with all headers from IP's on
}

// sent reads the kernel's counters, of the network namespace that this process is in.
func sent() traffic {
	text, err := os.ReadFile("/proc/net/snmp6")
	if err != nil {
		return traffic{}
	}
	values := named(string(text))
	return traffic{values["Ip6OutRequests"], values["Udp6OutDatagrams"], values["Ip6OutOctets"]}
}

// named reads lines of a name and a number.
func named(text string) map[string]float64 {
	values := map[string]float64{}
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) >= 2 {
			values[fields[0]], _ = strconv.ParseFloat(fields[1], 64) //nolint:errcheck // 0 then
		}
	}
	return values
}
