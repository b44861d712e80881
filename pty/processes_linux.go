package pty

import (
	"bytes"
	"context"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// process is one line of the kernel's list of processes (proc_pid_stat(5)).
type process struct {
	pid           int
	zombie        bool // it has ended, and its parent has not waited for it
	parent, group string
	start         string // ticks after the boot
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
			const state, parent, group, start = 0, 1, 2, 19
			fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if len(fields) <= start || err != nil {
				continue
			}
			one := process{
				pid:    pid,
				zombie: bytes.ContainsAny(fields[state], "ZX"),
				parent: string(fields[parent]),
				group:  string(fields[group]),
				start:  string(fields[start]),
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

// reapInterval is the time between two rounds of ReapOrphans.
const reapInterval = 5 * time.Second

// ReapOrphans reaps the zombies that shells leave where this is process 1, as in a container: the kernel makes orphans
// its children (wait(2)). The program waits for its own children at once, so a child that is a zombie for a whole round
// is an orphan. It returns when ctx ends.
func ReapOrphans(ctx context.Context) { reapOrphans(ctx, reapInterval) }

func reapOrphans(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	self, before := strconv.Itoa(os.Getpid()), map[string]bool{}
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := map[string]bool{} // by pid and start: a pid can be used again
		for p := range processes() {
			if !p.zombie || p.parent != self {
				continue
			}
			key := strconv.Itoa(p.pid) + " " + p.start
			if before[key] {
				unix.Wait4(p.pid, nil, unix.WNOHANG, nil) //nolint:errcheck // a zombie
			} else {
				now[key] = true
			}
		}
		before = now
	}
}
