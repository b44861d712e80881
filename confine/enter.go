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
	maxProcesses = 1024  // of another user; the node's own user may run other programs
)

// Enter applies the plan to this process and its descendants, irrevocably. Call it first in a new process. After an
// error the plan may be partly applied, and the process must exit.
func (p Plan) Enter() error {
	runtime.LockOSThread() // no_new_privs belongs to the thread
	return p.enter(process{})
}

// subject is what a plan is applied to: a process, or one thread of it.
type subject interface {
	setgroups(groups []int) error
	setgid(gid int) error
	setuid(uid int) error
	restrict(p Plan) error
}

// process is this process with all its threads.
type process struct{}

func (process) setgroups(groups []int) error { return syscall.Setgroups(groups) }
func (process) setgid(gid int) error         { return syscall.Setgid(gid) }
func (process) setuid(uid int) error         { return syscall.Setuid(uid) }

func (p Plan) enter(who subject) error {
	closeExtraFDs()
	if err := setLimit(unix.RLIMIT_CORE, 0); err != nil {
		return err
	}
	if err := setLimit(unix.RLIMIT_NOFILE, maxFiles); err != nil {
		return err
	}
	raiseOOMScore()
	if p.User != nil {
		if err := p.setUser(who); err != nil {
			return err
		}
	}
	return who.restrict(p)
}

// setLimit lowers a resource limit, but never raises it.
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

// lowerTo sets a limit of either type that systems use.
func lowerTo[T int64 | uint64](limit *T, most uint64) { *limit = min(*limit, T(most)) }

// setUser switches to the plan's user, irrevocably.
func (p Plan) setUser(who subject) error {
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
		func() error { return who.setgroups(groups) },
		func() error { return who.setgid(u.GID) },
		func() error { return who.setuid(u.UID) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("switch to user %d: %w", u.UID, err)
		}
	}
	if u.UID != 0 && who.setuid(0) == nil {
		return fmt.Errorf("switch to user %d: the process can still change back", u.UID)
	}
	return nil
}

// Groups of terminals: numbers that systems do not assign. The second range is for user namespaces with only 65,536
// groups.
const (
	terminalGroups, terminalGroupsEnd               = 1 << 28, 1<<31 - 1
	smallTerminalGroups, smallTerminalGroupsEnd int = 20_000, 60_000
)

// AssignTerminal lets only processes of the returned group open a terminal by name. The group is new for each terminal,
// because other programs of the user could read what is typed there. The node still owns the terminal, so the user
// cannot change its mode. Without another user it does nothing.
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
