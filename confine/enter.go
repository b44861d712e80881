package confine

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	maxFiles     = 65536 // descriptors of a process
	maxProcesses = 1024  // of another user; the node's own are not counted apart from its programs'
)

// Enter gives up what the plan says, for this process and all that it starts, for good. It has to be called first thing
// in a process of its own. After an error the process may have given up a part of it, and must end.
func (p Plan) Enter() error {
	runtime.LockOSThread() // no new privileges are a thread's
	keepStandard()
	if err := limit(unix.RLIMIT_CORE, 0); err != nil {
		return err
	}
	if err := limit(unix.RLIMIT_NOFILE, maxFiles); err != nil {
		return err
	}
	firstWhenShort()
	if p.User != nil {
		if err := p.User.become(); err != nil {
			return err
		}
	}
	return p.restrict()
}

// limit lowers a limit; one that is lower stays.
func limit(what int, most uint64) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(what, &now); err != nil {
		return fmt.Errorf("limit %d: %w", what, err)
	}
	lower(&now.Max, most)
	now.Cur = min(now.Cur, now.Max)
	if err := syscall.Setrlimit(what, &now); err != nil {
		return fmt.Errorf("limit %d: %w", what, err)
	}
	return nil
}

// lower is min for both types that systems have for limits.
func lower[T int64 | uint64](limit *T, most uint64) { *limit = min(*limit, T(most)) }

// become makes this process the user's, for good, and its terminal as well, which the user may want to open by its name.
func (u *User) become() error {
	if at, err := os.Stdin.Stat(); err == nil && at.Mode()&os.ModeCharDevice != 0 && at.Mode()&os.ModeDevice != 0 && isTerminal() {
		if err := os.Stdin.Chown(u.UID, u.GID); err != nil {
			return fmt.Errorf("give the terminal to user %d: %w", u.UID, err)
		}
	}
	if err := limit(rlimitProcesses, maxProcesses); err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return syscall.Setgroups([]int{u.GID}) },
		func() error { return syscall.Setgid(u.GID) },
		func() error { return syscall.Setuid(u.UID) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("become user %d: %w", u.UID, err)
		}
	}
	if u.UID != 0 && syscall.Setuid(0) == nil {
		return fmt.Errorf("become user %d: the way back is open", u.UID)
	}
	// A directory that is closed to the user is no place to start in.
	if unix.Access(".", unix.X_OK) != nil && (u.Home == "" || os.Chdir(u.Home) != nil) {
		return os.Chdir("/")
	}
	return nil
}

func isTerminal() bool {
	_, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
	return err == nil
}
