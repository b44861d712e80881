package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// enterSpace runs the benchmark again in a network namespace of its own, so that the kernel's counters there count the
// cluster's packets and no other program's. Without the right to, a user namespace is made around it. It is not entered
// where neither is allowed; the error says why.
func enterSpace(args []string) (status int, entered bool, err error) {
	for _, flags := range []uintptr{syscall.CLONE_NEWNET, syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER} {
		cmd := exec.Command("/proc/self/exe", append([]string{roleSpace}, args...)...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		if flags&syscall.CLONE_NEWUSER != 0 {
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		}
		if err = cmd.Start(); err != nil {
			continue
		}
		err = cmd.Wait() // signals of a terminal reach both
		if exit := (*exec.ExitError)(nil); err == nil || errors.As(err, &exit) {
			return max(cmd.ProcessState.ExitCode(), 0), true, nil
		}
		return 1, true, err
	}
	return 0, false, err
}

// openSpace makes the loopback of a new network namespace usable.
func openSpace() error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a network: %w", err)
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("open a network: %w", err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("open a network: %w", err)
	}
	return nil
}
