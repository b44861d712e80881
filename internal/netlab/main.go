//go:build linux

package netlab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideVariable is set in a process that Main has started.
const insideVariable = "NETLAB_INSIDE"

// inside reports whether this process, its children and the names of its namespaces are isolated from the rest of the
// machine.
var inside = os.Getenv(insideVariable) != ""

// Main runs tests, and returns the exit status. It does so in a process of its own, whose children, mounts and names of
// namespaces are in namespaces that end with it: nothing outlives the tests, also when they are killed. They go before
// whatever else the machine does, since they need little of it and see how soon things happen. Where this cannot be,
// tests run here, and New skips those that want a lab.
func Main(tests func() int) int {
	if inside {
		if err := settle(); err != nil {
			fmt.Fprintln(os.Stderr, "netlab:", err)
			return 1
		}
		return tests()
	}
	// the other process ends with this thread, which is the main one, and has its priority
	runtime.LockOSThread()
	unix.Setpriority(unix.PRIO_PROCESS, 0, -10) //nolint:errcheck // then they take their turn
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		runtime.UnlockOSThread()
		return tests()
	}
	if err := cmd.Wait(); err != nil {
		return max(1, cmd.ProcessState.ExitCode())
	}
	return 0
}

// settle mounts what a process needs to see of its namespaces, and where ip keeps names and files of theirs.
func settle() error {
	return errors.Join(
		unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""), unix.Mount("proc", "/proc", "proc", 0, ""), empty(runDir),
		empty(etcDir),
	)
}

// empty puts an empty directory over another.
func empty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return unix.Mount("tmpfs", dir, "tmpfs", 0, "")
}
