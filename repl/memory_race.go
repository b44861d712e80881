//go:build race

package repl

import "golang.org/x/sys/unix"

// dataBytes is no bound: the race detector's own memory, which is terabytes of
// addresses, counts too.
const dataBytes = unix.RLIM_INFINITY
