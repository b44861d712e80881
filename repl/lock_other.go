//go:build !linux

package repl

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// lock bounds this process as far as any Unix does.
func lock() error {
	limits := map[int]unix.Rlimit{unix.RLIMIT_NOFILE: {Cur: maxFiles, Max: maxFiles}, unix.RLIMIT_FSIZE: {}, unix.RLIMIT_CORE: {}}
	for what, limit := range limits {
		if err := unix.Setrlimit(what, &limit); err != nil {
			return fmt.Errorf("limit %d: %w", what, err)
		}
	}
	return nil
}
