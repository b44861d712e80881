package confine

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Subcommand is the first argument of a confined process. The next arguments are the plan and one of the tasks below;
// then the program for RunTask, or the paths of the targets for ProbeTask.
const Subcommand = "confined"

// The tasks of a confined process.
const (
	RunTask   = "run"   // execute a program
	AwaitTask = "await" // execute a program once Await has returned for descriptor 3
	SpareTask = "spare" // likewise, but in a process that Spawn starts
	ProbeTask = "try"   // print a report of what it can still do, as JSON
	FilesTask = "files" // transfer files with the rights of a system shell
)

// Chdir enters a directory with the rights that are left after Enter. If it cannot, it enters home, or else /, and also
// returns the error. "" is home.
func Chdir(dir, home string) (entered string, err error) {
	dir = cmp.Or(dir, home)
	if err = os.Chdir(dir); err != nil {
		if dir = home; os.Chdir(dir) != nil {
			dir = "/"
			os.Chdir(dir) //nolint:errcheck // there is no other directory
		}
	}
	return dir, err
}

// Exec replaces this process with a program, looked up in PATH with the rights that are left. If that fails it returns
// a shell's exit status, and the reason. Call it on the same thread as Enter.
func Exec(args, env []string) (status int, err error) {
	path, err := exec.LookPath(args[0])
	if err == nil {
		err = syscall.Exec(path, args, env)
	}
	if e, ok := errors.AsType[*exec.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	const notFound, notRun = 127, 126
	status = notFound
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOEXEC) {
		status = notRun
	}
	return status, fmt.Errorf("cannot start %q: %w", filepath.Base(args[0]), err)
}
