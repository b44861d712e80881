package confine

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// EnterAlone is Enter for the calling thread alone, which must be the process's first. Call [Exec] next: the program
// has only the rights of that thread. It is faster because no other thread has to run: Enter stops all of them for each
// step, which takes several milliseconds if other programs keep the processors busy.
func (p Plan) EnterAlone() error {
	if unix.Gettid() != os.Getpid() {
		return errors.New("not on the first thread")
	}
	return p.enter(thread{})
}

// thread is the calling thread, with system calls of its own: those of package syscall change all threads.
type thread struct{}

func (thread) setgroups(groups []int) error {
	list := make([]uint32, len(groups))
	for i, group := range groups {
		list[i] = uint32(group)
	}
	first := unsafe.Pointer(unsafe.SliceData(list))
	_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(list)), uintptr(first), 0)
	return asError(errno)
}

func (thread) setgid(gid int) error {
	_, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(gid), uintptr(gid), uintptr(gid))
	return asError(errno)
}

func (thread) setuid(uid int) error {
	_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid))
	return asError(errno)
}

func asError(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// restrict is that of process, with as much as this kernel's version of Landlock has.
func (thread) restrict(p Plan) error {
	rights, rules, err := p.prepare()
	version := LandlockVersion()
	if err != nil || version < 2 { // which would deny all moves between directories
		return err
	}
	if version < 3 {
		rights &^= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	domain := ll.RulesetAttr{HandledAccessFS: rights}
	if version >= 6 {
		domain.Scoped = scopes
	}
	fd, err := ll.LandlockCreateRuleset(&domain, 0)
	if err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	defer unix.Close(fd)
	for _, r := range rules {
		for _, path := range r.paths {
			if err := allow(fd, path, r.rights&rights); err != nil {
				return fmt.Errorf("landlock: allow %s: %w", path, err)
			}
		}
	}
	if err := ll.LandlockRestrictSelf(fd, 0); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	return nil
}

// allow adds a rule to a ruleset.
func allow(ruleset int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return ll.LandlockAddPathBeneathRule(ruleset, &ll.PathBeneathAttr{AllowedAccess: rights, ParentFd: fd}, 0)
}
