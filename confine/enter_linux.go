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

// closeExtraFDs marks all descriptors except the first three close-on-exec.
func closeExtraFDs() {
	if unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	for fd := 3; fd < 1024; fd++ { // Linux before 5.11
		unix.CloseOnExec(fd)
	}
}

// raiseOOMScore makes the kernel kill these programs before the node when memory is short (proc_pid_oom_score_adj(5)).
func raiseOOMScore() {
	os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0) //nolint:errcheck // a container may forbid it
}

// The rights denied on hidden paths: to read, change or replace a file. Listing names is allowed: denying it would need
// rules for the directories above, which also apply below.
const (
	fileRights = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	dirRights  = fileRights | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
	scopes = unix.LANDLOCK_SCOPE_SIGNAL | unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
)

// restrict sets no_new_privs and the Landlock domain. A process in a domain cannot trace those outside (ptrace(2)), and
// since Landlock version 6 cannot signal them.
func (process) restrict(p Plan) error {
	rights, rules, err := p.prepare()
	if err != nil {
		return err
	}
	config, err := landlock.NewConfig(landlock.AccessFSSet(rights), landlock.ScopedSet(scopes))
	if err != nil {
		return err
	}
	var allowed []landlock.Rule
	for _, r := range rules {
		allowed = append(allowed, landlock.PathAccess(landlock.AccessFSSet(r.rights), r.paths...).IgnoreIfMissing())
	}
	return config.BestEffort().Restrict(allowed...)
}

// rule allows rights on files, or on directories and what they contain. Paths that do not exist are ignored.
type rule struct {
	rights uint64
	paths  []string
}

// prepare sets no_new_privs for this thread, and denies it sockets if the plan does. It returns the rights that the
// Landlock domain denies, except where a rule allows them.
func (p Plan) prepare() (rights uint64, rules []rule, err error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, nil, fmt.Errorf("no new privileges: %w", err)
	}
	if p.strictSameUser() {
		if err := denyUnixSockets(); err != nil {
			return 0, nil, err
		}
	}
	hidden := p.hidden()
	if len(hidden) == 0 {
		// Any domain isolates processes, but needs a right to handle; this rule allows that right everywhere.
		const rights = unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_REFER
		return rights, []rule{{rights, []string{"/"}}}, nil
	}
	files, dirs := allowedPaths("/", hidden)
	if p.strictSameUser() {
		files = append(files, ownTerminal()...)
	}
	return dirRights, []rule{{fileRights, files}, {dirRights, dirs}}, nil
}

// ptsDir is the directory of all terminals.
const ptsDir = "/dev/pts"

// ownTerminal returns the path of the terminal on standard input, if it is one.
func ownTerminal() []string {
	if path, err := os.Readlink("/proc/self/fd/0"); err == nil && isTerminal() {
		return []string{path}
	}
	return nil
}

// strictSameUser reports whether Strict has to protect the user's other programs, because the program runs as the same
// user.
func (p Plan) strictSameUser() bool { return p.Strict && p.User == nil }

// hidden returns the existing paths to hide, without symbolic links.
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

// writableAbove reports whether this user can create files in a directory above path.
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

// allowedPaths returns everything in dir except the hidden paths and the directories above them: Landlock has only
// rules that allow. Symbolic links are omitted; what they point to is listed by itself.
func allowedPaths(dir string, hidden []string) (files, dirs []string) {
	entries, _ := os.ReadDir(dir) // a directory that cannot be listed is not allowed
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch above, is := relation(path, hidden); {
		case is || e.Type()&os.ModeSymlink != 0:
		case above:
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

// relation reports whether a path is above a hidden one, or is hidden itself.
func relation(path string, hidden []string) (above, is bool) {
	for _, one := range hidden {
		is = is || one == path
		above = above || len(one) > len(path) && one[:len(path)] == path && one[len(path)] == filepath.Separator
	}
	return above, is
}

// LandlockVersion returns the version of Landlock's interface; 0 without Landlock.
func LandlockVersion() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// dup makes one descriptor a copy of another, which is a different one.
func dup(from, to int) error { return unix.Dup3(from, to, 0) }
