//go:build !linux

package confine

import "golang.org/x/sys/unix"

const rlimitProcesses = unix.RLIMIT_NPROC

// closeExtraFDs marks all descriptors except the first three close-on-exec.
func closeExtraFDs() {
	for fd := 3; fd < 1024; fd++ {
		unix.CloseOnExec(fd)
	}
}

func raiseOOMScore() {}

func (process) restrict(Plan) error { return nil }

// LandlockVersion returns the version of Landlock's interface; 0 without Landlock.
func LandlockVersion() int { return 0 }

// EnterAlone is Enter, before [Exec].
func (p Plan) EnterAlone() error { return p.Enter() }

// dup makes one descriptor a copy of another.
func dup(from, to int) error { return unix.Dup2(from, to) }
