//go:build !linux

package repl

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// lock applies the limits that every Unix has.
func lock() error {
	limits := map[int]unix.Rlimit{
		unix.RLIMIT_NOFILE: {Cur: maxFiles, Max: maxFiles},
		unix.RLIMIT_FSIZE:  {},
		unix.RLIMIT_CORE:   {},
	}
	for what, limit := range limits {
		if err := unix.Setrlimit(what, &limit); err != nil {
			return fmt.Errorf("limit %d: %w", what, err)
		}
	}
	return unix.Setpriority(unix.PRIO_PROCESS, 0, niceness)
}

// Protections reports what lock does on this machine.
func Protections() []Protection {
	return []Protection{
		{"seccomp and Landlock", "Linux alone has them: here the language itself is what keeps to itself", false},
		{"limits", fmt.Sprintf("%d descriptors, no file grows, and all others go first", maxFiles), true},
	}
}
