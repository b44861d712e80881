package local

import (
	"os"

	"golang.org/x/sys/unix"
)

// newMemory returns a file in memory, which lives as long as any process has it open.
func newMemory() (*os.File, error) {
	fd, err := unix.MemfdCreate("output", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "output"), nil
}
