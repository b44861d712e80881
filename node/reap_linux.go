package node

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// reapInterval is the time between two rounds of reapOrphans.
const reapInterval = 5 * time.Second

// reapOrphans reaps orphaned zombies where this is process 1, as in a container: the kernel makes orphans its children
// (wait(2)). The program waits for its own children at once, so a child that is a zombie for a whole round is an
// orphan. It ends with ctx.
func reapOrphans(ctx context.Context, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	before := map[string]bool{}
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := map[string]bool{}
		for key, pid := range zombies() {
			if before[key] {
				unix.Wait4(pid, nil, unix.WNOHANG, nil) //nolint:errcheck // a zombie
			} else {
				now[key] = true
			}
		}
		before = now
	}
}

// zombies returns the zombie children of this process, by pid and start time (proc_pid_stat(5)).
func zombies() map[string]int {
	zombies := map[string]int{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the only error is a bad pattern
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended
		}
		// The name in parentheses may contain anything. The fields after it start with the state and the parent.
		const state, parent, start = 0, 1, 22 - 3
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) <= start || string(fields[state]) != "Z" || string(fields[parent]) != strconv.Itoa(os.Getpid()) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			zombies[strconv.Itoa(pid)+" "+string(fields[start])] = pid
		}
	}
	return zombies
}
