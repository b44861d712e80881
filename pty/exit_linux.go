package pty

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pollTime is how often a program is checked whose end cannot be waited for.
const pollTime = 100 * time.Millisecond

// birthOf identifies the process that has a pid now: a pid can be used again. "" is none.
func birthOf(pid int) string {
	p, _ := readProcess(pid)
	return p.start
}

// awaitExit waits until a child has ended, without reaping it: whoever reaps it gets its status. It returns false if
// ctx ends before.
func awaitExit(ctx context.Context, pid int) bool {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return pollExit(ctx, pid, birthOf(pid)) // Linux before 5.10
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	defer file.Close()
	stop := context.AfterFunc(ctx, func() { file.SetReadDeadline(time.Unix(0, 1)) })
	defer stop()
	conn, err := file.SyscallConn()
	if err != nil {
		return pollExit(ctx, pid, birthOf(pid))
	}
	ended := false
	err = conn.Read(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, 0)
		ended = n > 0 && err == nil
		return ended
	})
	return ended || err != nil && ctx.Err() == nil && pollExit(ctx, pid, birthOf(pid))
}

// pollExit waits until the process of that birth is a zombie or gone. It returns false if ctx ends before.
func pollExit(ctx context.Context, pid int, birth string) bool {
	tick := time.NewTicker(pollTime)
	defer tick.Stop()
	for {
		if p, ok := readProcess(pid); !ok || p.zombie || p.start != birth {
			return true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
}
