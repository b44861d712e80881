//go:build !linux

package repl

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const maxFiles = 32

// lock bounds this process as far as any Unix does.
func lock() error {
	for what, most := range map[int]uint64{unix.RLIMIT_NOFILE: maxFiles, unix.RLIMIT_FSIZE: 0, unix.RLIMIT_CORE: 0} {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit %d: %w", what, err)
		}
	}
	return nil
}
