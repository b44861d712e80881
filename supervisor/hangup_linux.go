package supervisor

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// hangUpWait is the time between HUP and KILL, as when a node ends its shells.
const hangUpWait = 2 * time.Second

// hangUp ends what the store still has when no node runs that could: the kernel hangs up the terminals when their
// descriptors are closed, and what remains after hangUpWait gets KILL, at once if this process was told to stop twice.
// Spawned nodes end with their standard input.
func (s *server) hangUp() {
	var groups []int
	for _, e := range s.store {
		groups = append(groups, e.groups()...)
	}
	for _, e := range s.store {
		e.close()
	}
	s.store, s.stopping = nil, true
	signalGroups(groups, unix.SIGHUP, unix.SIGCONT) // a stopped process must continue to handle it
	for end := time.Now().Add(hangUpWait); !s.hasty && time.Now().Before(end); {
		for pid := 1; pid > 0; {
			pid, _ = unix.Wait4(-1, nil, unix.WNOHANG, nil) //nolint:errcheck // then there is none
		}
		if groups = slices.DeleteFunc(groups, groupEnded); len(groups) == 0 {
			return
		}
		poll := []unix.PollFd{{Fd: int32(s.wake), Events: unix.POLLIN}}
		if n, _ := unix.Poll(poll, 10); n > 0 { //nolint:errcheck // then there is no signal
			s.signals()
		}
	}
	signalGroups(groups, unix.SIGKILL)
}

// groups are the process groups of an entry with a terminal, if its process leads the terminal's session: the process's
// own, and the one in the foreground.
func (e *entry) groups() (groups []int) {
	for _, fd := range e.files {
		if leader, err := unix.IoctlGetInt(fd, unix.TIOCGSID); err != nil || leader != e.pid || e.ended {
			continue
		}
		groups = append(groups, e.pid)
		if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err == nil && group > 0 && group != e.pid {
			groups = append(groups, group)
		}
	}
	return groups
}

func groupEnded(group int) bool { return unix.Kill(-group, 0) != nil }

func signalGroups(groups []int, signals ...unix.Signal) {
	for _, group := range groups {
		for _, one := range signals {
			unix.Kill(-group, one) //nolint:errcheck // it may have ended
		}
	}
}
