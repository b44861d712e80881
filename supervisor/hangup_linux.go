package supervisor

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// hangUpWait is the time between HUP and KILL, as when a node ends its shells.
	hangUpWait = 2 * time.Second
	// spawnedWait limits the wait for spawned nodes, which end with their standard input.
	spawnedWait = 8 * time.Second
)

// hangUp ends what the store still has when no node runs that could: the kernel hangs up the terminals when their
// descriptors are closed, and what remains after hangUpWait gets KILL. It does not wait if this process was told to
// stop twice.
func (s *server) hangUp() {
	var groups, spawned []int
	for _, e := range s.store {
		if own := e.groups(); own != nil {
			groups = append(groups, own...)
		} else if e.pid > 0 && !e.ended {
			spawned = append(spawned, e.pid)
		}
	}
	for _, e := range s.store {
		e.close()
	}
	s.store, s.stopping = nil, true
	signalAll(groups, unix.SIGHUP, unix.SIGCONT) // a stopped process must continue to handle it
	signalAll(s.await(groups, hangUpWait), unix.SIGKILL)
	s.await(spawned, spawnedWait)
}

// await waits until processes, or groups as negative numbers, have ended. It returns those that have not within limit.
func (s *server) await(list []int, limit time.Duration) []int {
	for end := time.Now().Add(limit); !s.hasty && time.Now().Before(end); {
		for pid := 1; pid > 0; {
			pid, _ = unix.Wait4(-1, nil, unix.WNOHANG, nil) //nolint:errcheck // then there is none
		}
		if list = slices.DeleteFunc(list, gone); len(list) == 0 {
			break
		}
		poll := []unix.PollFd{{Fd: int32(s.wake), Events: unix.POLLIN}}
		if n, _ := unix.Poll(poll, 10); n > 0 { //nolint:errcheck // then there is no signal
			s.signals()
		}
	}
	return list
}

// groups are the process groups, as negative numbers, of an entry with a terminal whose session its process leads: the
// process's own, and the one in the foreground.
func (e *entry) groups() (groups []int) {
	for _, fd := range e.files {
		if leader, err := unix.IoctlGetInt(fd, unix.TIOCGSID); err != nil || leader != e.pid || e.ended {
			continue
		}
		groups = append(groups, -e.pid)
		if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err == nil && group > 0 && group != e.pid {
			groups = append(groups, -group)
		}
	}
	return groups
}

// gone reports whether a process has ended, also if nobody has waited for it, or a group is empty.
func gone(pid int) bool {
	if pid < 0 {
		return unix.Kill(pid, 0) != nil
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return true
	}
	defer closeAll([]int{fd})
	n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0) //nolint:errcheck // then n is 0
	return n > 0
}

func signalAll(pids []int, signals ...unix.Signal) {
	for _, pid := range pids {
		for _, one := range signals {
			unix.Kill(pid, one) //nolint:errcheck // it may have ended
		}
	}
}
