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

// orphansPause is the time between two rounds of reapOrphans.
const reapInterval = 5 * time.Second

// reapOrphans collects, in a container where this is process 1, what shells leave behind: processes whose parent has
// ended become its children (wait(2)), and stay in the list of processes until somebody asks how they ended. Those that
// this program started itself are asked for at once by who started them; so a child that has been dead for a whole
// round is nobody's. It ends with ctx.
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
				unix.Wait4(pid, nil, unix.WNOHANG, nil) //nolint:errcheck // it was dead
			} else {
				now[key] = true
			}
		}
		before = now
	}
}

// deadChildren are the children of this process that have ended and were not asked for, by number and time of start
// (proc_pid_stat(5)).
func zombies() map[string]int {
	dead := map[string]int{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is a good one
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has gone
		}
		// The name in parentheses may hold anything; what follows it are state, parent, …, and as the 22nd of all the start.
		const state, parent, start = 0, 1, 22 - 3
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) <= start || string(fields[state]) != "Z" || string(fields[parent]) != strconv.Itoa(os.Getpid()) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			dead[strconv.Itoa(pid)+" "+string(fields[start])] = pid
		}
	}
	return dead
}
