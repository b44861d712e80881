package confine

import (
	"errors"
	"fmt"
	"math/rand/v2"
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
	closeExtraFDs()
	if err := setLimit(unix.RLIMIT_CORE, 0); err != nil {
		return err
	}
	if err := setLimit(unix.RLIMIT_NOFILE, maxFiles); err != nil {
		return err
	}
	raiseOOMScore()
	if p.User != nil {
		if err := p.setUser(); err != nil {
			return err
		}
	}
	return p.restrict()
}

// Chdir enters a directory with the power that is left after Enter, and returns it. If that cannot be done it enters
// home, or else /, and returns why. "" is home.
func Chdir(dir, home string) (entered string, err error) {
	if dir == "" {
		dir = home
	}
	if err = os.Chdir(dir); err != nil {
		if dir = home; os.Chdir(dir) != nil {
			dir = "/"
			os.Chdir(dir) //nolint:errcheck // where this process is already, or nowhere
		}
	}
	return dir, err
}

// limit lowers a limit; one that is lower stays.
func setLimit(what int, most uint64) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(what, &now); err != nil {
		return fmt.Errorf("limit %d: %w", what, err)
	}
	lowerTo(&now.Max, most)
	now.Cur = min(now.Cur, now.Max)
	if err := syscall.Setrlimit(what, &now); err != nil {
		return fmt.Errorf("limit %d: %w", what, err)
	}
	return nil
}

// lower is min for both types that systems have for limits.
func lowerTo[T int64 | uint64](limit *T, most uint64) { *limit = min(*limit, T(most)) }

// become makes this process the user's, for good.
func (p Plan) setUser() error {
	u, groups := p.User, []int{p.User.GID}
	if isTerminal() {
		group, err := p.AssignTerminal(os.Stdin)
		if err != nil {
			return err
		}
		groups = append(groups, group)
	}
	if err := setLimit(rlimitProcesses, maxProcesses); err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return syscall.Setgroups(groups) },
		func() error { return syscall.Setgid(u.GID) },
		func() error { return syscall.Setuid(u.UID) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("become user %d: %w", u.UID, err)
		}
	}
	if u.UID != 0 && syscall.Setuid(0) == nil {
		return fmt.Errorf("become user %d: the process can still change back", u.UID)
	}
	return nil
}

// Groups that own terminals: numbers that systems give to nobody. Where a user namespace has only 65,536 of them the
// second range is used.
const (
	terminalGroups, terminalGroupsEnd               = 1 << 28, 1<<31 - 1
	smallTerminalGroups, smallTerminalGroupsEnd int = 20_000, 60_000
)

// GiveTerminal has a terminal opened by name only by processes of the returned group, which is new for each terminal:
// not by the user, whose other programs would otherwise read what is typed there. It stays the node's own, so its mode
// cannot be changed. Without another user it does nothing: the user of the node opens all terminals of its shells.
func (p Plan) AssignTerminal(tty *os.File) (group int, err error) {
	if p.User == nil {
		return 0, nil
	}
	group = terminalGroups + rand.IntN(terminalGroupsEnd-terminalGroups)
	if err = tty.Chown(-1, group); errors.Is(err, syscall.EINVAL) {
		group = smallTerminalGroups + rand.IntN(smallTerminalGroupsEnd-smallTerminalGroups)
		err = tty.Chown(-1, group)
	}
	if err == nil {
		err = tty.Chmod(0o660)
	}
	if err != nil {
		return 0, fmt.Errorf("give the terminal to user %d: %w", p.User.UID, err)
	}
	return group, nil
}

func isTerminal() bool {
	_, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
	return err == nil
}
