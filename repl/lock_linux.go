package repl

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// lock removes from this process what a sandbox does not need. seccomp refuses system calls that open files, start
// programs, connect, or access other processes; Landlock without rules refuses files, connections, and signals by
// target. The process gains no privileges, cannot be traced, cannot grow files, has limited memory, and has a low
// priority. What the kernel lacks is skipped; Protections reports it.
func lock() error {
	limits := map[int]uint64{
		unix.RLIMIT_DATA:   dataBytes,
		unix.RLIMIT_NOFILE: maxFiles,
		unix.RLIMIT_FSIZE:  0,
		unix.RLIMIT_CORE:   0,
	}
	for resource, limit := range limits {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("limit %d: %w", resource, err)
		}
	}
	if err := lowerPriority(); err != nil {
		return fmt.Errorf("priority: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("dumpable: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	if err := landlock.V11.BestEffort().Restrict(); err != nil {
		return err
	}
	if !seccompAvailable() {
		return nil
	}
	return installFilter()
}

// lowerPriority sets the niceness of all threads: on Linux each has its own (setpriority(2)). It repeats until it finds
// no new thread.
func lowerPriority() error {
	for again := true; again; {
		again = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil { // no /proc: at least this thread
			return unix.Setpriority(unix.PRIO_PROCESS, 0, niceness)
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil {
				return err
			}
			switch raw, err := unix.Getpriority(unix.PRIO_PROCESS, id); { // 20 minus the niceness
			case errors.Is(err, unix.ESRCH) || err == nil && raw <= 20-niceness:
				continue
			case err != nil:
				return err
			}
			if err := unix.Setpriority(unix.PRIO_PROCESS, id, niceness); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
			again = true
		}
	}
	return nil
}

// Protections reports what lock does on this machine.
func Protections() []Protection {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	ruled := Protection{
		Name:   "Landlock",
		What:   "no files, connections, or signals, by target",
		Active: errno == 0 && abi > 0,
	}
	if ruled.Active {
		ruled.What = fmt.Sprintf("version %d: %s", abi, landlockRules(int(abi)))
	}
	return []Protection{
		{"seccomp", "no system calls that open files, start programs, connect, or access processes", seccompAvailable()},
		ruled,
		{"no new privileges", "a program that it started would gain none", true},
		{"not dumpable", "other processes of the same user cannot inspect it", true},
		{
			"limits",
			fmt.Sprintf("%d MiB of memory, %d descriptors, no file growth, low priority", uint64(dataBytes)>>20, maxFiles),
			true,
		},
	}
}

// landlockRules describes what a version of Landlock prevents.
func landlockRules(abi int) string {
	switch {
	case abi >= 6:
		return "no file, no TCP connection, no signal to other processes"
	case abi >= 4:
		return "no file, no TCP connection"
	}
	return "no file"
}
