//go:build !linux

package confine

import (
	"errors"

	"golang.org/x/sys/unix"
)

const rlimitProcesses = unix.RLIMIT_NPROC

// keepStandard has all descriptors but the first three close when the program starts.
func closeExtraFDs() {
	for fd := 3; fd < 1024; fd++ {
		unix.CloseOnExec(fd)
	}
}

func raiseOOMScore() {}

func (p Plan) restrict() error { return nil }

// LandlockVersion is the version of Landlock's interface, 0 without one.
func LandlockVersion() int { return 0 }

func noNewPrivileges() bool { return false }

func tryTrace(int) error { return errors.ErrUnsupported }
