package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// leashArg makes gotest the program that go test starts tests by.
const leashArg = "-leash"

// leashed are the arguments by which tests die with go test, which itself does not see to that.
func leashed() []string {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{"-exec", fmt.Sprintf("'%s' %s", self, leashArg)}
}

// leash becomes the program of args, which dies with its parent. What it mounts ends with its last process.
func leash(args []string) error {
	runtime.LockOSThread() // the wish and the namespace are the thread's
	bind(syscall.SIGKILL)
	if unix.Unshare(unix.CLONE_NEWNS) == nil { // as root
		err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		if err != nil && !errors.Is(err, unix.EINVAL) { // which means that / is no mount
			return err
		}
	}
	return syscall.Exec(args[0], args, os.Environ())
}

// bind has the kernel send a signal when the parent ends.
func bind(signal syscall.Signal) {
	unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(signal), 0, 0, 0) //nolint:errcheck // it never fails for a signal
}

// tie has a program killed when this thread ends.
func tie(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
