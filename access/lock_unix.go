package access

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile waits until no other process holds a file, and holds it until unlock.
func lockFile(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			return func() { file.Close() }, err
		}
	}
}
