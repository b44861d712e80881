package repl

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// lock takes from this process what an evaluator does not need: system calls that open files, start programs, connect
// or reach into other processes (seccomp); files, connections and signals once more by what they are aimed at
// (Landlock without a rule); new privileges, being looked into, growing files. It bounds the memory, and has all others
// go first. What the kernel does not have is left out; Protections says so.
func lock() error {
	limits := map[int]uint64{
		unix.RLIMIT_DATA:   dataBytes,
		unix.RLIMIT_NOFILE: maxFiles,
		unix.RLIMIT_FSIZE:  0,
		unix.RLIMIT_CORE:   0,
	}
	for what, most := range limits {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit %d: %w", what, err)
		}
	}
	if err := standBack(); err != nil {
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
	if !canRefuseCalls() {
		return nil
	}
	return refuseCalls()
}

// standBack gives all threads of this process the niceness: on Linux each has its own (setpriority(2)). A thread that
// is made meanwhile by one that is not there yet is found in the next turn.
func standBack() error {
	for again := true; again; {
		again = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil { // there is no /proc: this thread, at least
			return unix.Setpriority(unix.PRIO_PROCESS, 0, niceness)
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil {
				return err
			}
			switch raw, err := unix.Getpriority(unix.PRIO_PROCESS, id); { // 20 less the niceness
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

// Protections says what lock does on this machine.
func Protections() []Protection {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	ruled := Protection{
		Name:   "Landlock",
		What:   "no file, no connection and no signal by its target",
		Active: errno == 0 && abi > 0,
	}
	if ruled.Active {
		ruled.What = fmt.Sprintf("version %d: %s", abi, landlockRules(int(abi)))
	}
	return []Protection{
		{"seccomp", "no call that opens files, starts programs, connects, or reaches into other processes", canRefuseCalls()},
		ruled,
		{"no new privileges", "no program that it could start would gain any", true},
		{"not dumpable", "other processes of its user cannot look into it", true},
		{
			"limits",
			fmt.Sprintf(
				"%d MiB of memory, %d descriptors, no file grows, and all others go first",
				uint64(dataBytes)>>20,
				maxFiles,
			),
			true,
		},
	}
}

// landlockRules is what a version of Landlock keeps an evaluator from.
func landlockRules(abi int) string {
	switch {
	case abi >= 6:
		return "no file, no TCP connection, no signal to other processes"
	case abi >= 4:
		return "no file, no TCP connection"
	}
	return "no file"
}
