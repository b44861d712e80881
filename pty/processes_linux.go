package pty

import (
	"bytes"
	"iter"
	"os"
	"path/filepath"
	"strconv"
)

// process is one line of the kernel's list of processes (proc_pid_stat(5)).
type process struct {
	pid    int
	zombie bool // it has ended, and its parent has not waited for it
	group  string
	start  string // ticks after the boot
}

// processes yields all processes that can be read now.
func processes() iter.Seq[process] {
	return func(yield func(process) bool) {
		paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the only error is a bad pattern
		for _, path := range paths {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				continue
			}
			if one, ok := readProcess(pid); ok && !yield(one) {
				return
			}
		}
	}
}

// readProcess reads a process's line; ok is false if it has ended.
func readProcess(pid int) (p process, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return p, false
	}
	// The name in parentheses, field 2, may contain anything. These are counted from the field behind it.
	const state, group, start = 0, 2, 19
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) <= start {
		return p, false
	}
	return process{
		pid:    pid,
		zombie: bytes.ContainsAny(fields[state], "ZX"),
		group:  string(fields[group]),
		start:  string(fields[start]),
	}, true
}

// onlyZombies reports whether every process of the group has ended.
func onlyZombies(group int) bool {
	for p := range processes() {
		if p.group == strconv.Itoa(group) && !p.zombie {
			return false
		}
	}
	return true
}
