package confine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

const rlimitProcesses = unix.RLIMIT_NPROC

// keepStandard has all descriptors but the first three close when the program starts.
func closeExtraFDs() {
	if unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	for fd := 3; fd < 1024; fd++ { // Linux before 5.11
		unix.CloseOnExec(fd)
	}
}

// firstWhenShort has the kernel end these programs before the node when memory is short (proc_pid_oom_score_adj(5)).
func raiseOOMScore() {
	os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0) //nolint:errcheck // a container may not let us
}

// The rights that are kept from what is hidden: everything that reads or changes a file, or takes its place. Names can
// be listed: that right would have to be given on the directories above, and holds below them.
const (
	fileRights = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	dirRights  = fileRights | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
	scopes = unix.LANDLOCK_SCOPE_SIGNAL | unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
)

// restrict takes the privileges that programs with set-user-ID bits would give, and what Landlock can take: a process
// of a Landlock domain cannot look into those outside (ptrace(2)), and since its version 6 cannot signal them.
func (p Plan) restrict() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	if p.strictSameUser() {
		if err := denyUnixSockets(); err != nil {
			return err
		}
	}
	hidden := p.hidden()
	if len(hidden) == 0 {
		// Processes are kept apart by any domain, which needs something that it handles: this allows all of it.
		const rights = unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_REFER
		config, err := landlock.NewConfig(landlock.AccessFSSet(rights), landlock.ScopedSet(scopes))
		if err != nil {
			return err
		}
		return config.BestEffort().Restrict(landlock.PathAccess(rights, "/"))
	}
	config, err := landlock.NewConfig(landlock.AccessFSSet(dirRights), landlock.ScopedSet(scopes))
	if err != nil {
		return err
	}
	files, dirs := allowedPaths("/", hidden)
	if p.strictSameUser() {
		files = append(files, ownTerminal()...)
	}
	return config.BestEffort().Restrict(
		landlock.PathAccess(fileRights, files...).IgnoreIfMissing(),
		landlock.PathAccess(dirRights, dirs...).IgnoreIfMissing(),
	)
}

// terminals is the directory of all of them.
const ptsDir = "/dev/pts"

// ownTerminal is the path of the terminal on standard input, if it is one.
func ownTerminal() []string {
	if path, err := os.Readlink("/proc/self/fd/0"); err == nil && isTerminal() {
		return []string{path}
	}
	return nil
}

// alone reports whether nothing but this package keeps the program from what its user has elsewhere: strict is then as
// strict as it can be.
func (p Plan) strictSameUser() bool { return p.Strict && p.User == nil }

// hidden are those of Hide that are there and that are to be hidden, as the system calls them.
func (p Plan) hidden() (list []string) {
	hide := p.Hide
	if p.strictSameUser() {
		hide = append(slices.Clone(hide), ptsDir)
	}
	for _, path := range hide {
		real, err := filepath.EvalSymlinks(path)
		if err == nil && (p.Strict || !writableAbove(real)) {
			list = append(list, real)
		}
	}
	return list
}

// writableAbove reports whether this user can make files in a directory above path.
func writableAbove(path string) bool {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if unix.Access(dir, unix.W_OK) == nil {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}

// around is everything in dir but what is hidden and what leads there. Landlock allows, and does not forbid: so what is
// beside is allowed. Links are left out; what they lead to is beside as well, or is not.
func allowedPaths(dir string, hidden []string) (files, dirs []string) {
	entries, _ := os.ReadDir(dir) // what cannot be listed is not allowed
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch leads, is := relation(path, hidden); {
		case is || e.Type()&os.ModeSymlink != 0:
		case leads:
			moreFiles, moreDirs := allowedPaths(path, hidden)
			files, dirs = append(files, moreFiles...), append(dirs, moreDirs...)
		case e.IsDir():
			dirs = append(dirs, path)
		default:
			files = append(files, path)
		}
	}
	return files, dirs
}

// onTheWay reports whether a path leads to something hidden, or is hidden.
func relation(path string, hidden []string) (leads, is bool) {
	for _, one := range hidden {
		is = is || one == path
		leads = leads || len(one) > len(path) && one[:len(path)] == path && one[len(path)] == filepath.Separator
	}
	return leads, is
}

// LandlockVersion is the version of Landlock's interface, 0 without one.
func LandlockVersion() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

func noNewPrivileges() bool {
	set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	return err == nil && set == 1
}

// trace begins to trace a process, and lets go of it.
func tryTrace(pid int) error {
	err := unix.PtraceSeize(pid)
	if err == nil {
		unix.PtraceDetach(pid) //nolint:errcheck // one that is not stopped goes on when its tracer ends
	}
	return err
}
