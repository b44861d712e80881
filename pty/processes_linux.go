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
}

// processes yields all processes that can be read now.
func processes() iter.Seq[process] {
	return func(yield func(process) bool) {
		paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the only error is a bad pattern
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				continue // the process has ended
			}
			// The name in parentheses, field 2, may contain anything. These are counted from the field behind it.
			const state, group = 0, 2
			fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if len(fields) <= group || err != nil {
				continue
			}
			one := process{
				pid:    pid,
				zombie: bytes.ContainsAny(fields[state], "ZX"),
				group:  string(fields[group]),
			}
			if !yield(one) {
				return
			}
		}
	}
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
