package main

import (
	"fmt"
	"path/filepath"

	"convoy/internal/bench/stats"
)

// ownMemory is what a process does not share with others of its program, in bytes, as Linux counts it; false elsewhere.
func ownMemory(pid int) (float64, bool) {
	status := stats.Status(pid)
	anonymous, ok := status["RssAnon"]
	return (anonymous + status["RssShmem"]) * 1024, ok
}

// look reads what a process uses; false where it cannot be known.
func look(pid int) (u usage, ok bool) {
	status := stats.Status(pid)
	u.resident, u.own, u.cpu = status["VmRSS"]*1024, (status["RssAnon"]+status["RssShmem"])*1024, stats.CPUTime(pid)
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, thread := range threads {
		u.wakes += stats.Numbers(thread)["voluntary_ctxt_switches"]
	}
	return u, err == nil && u.resident > 0 && u.cpu > 0
}
