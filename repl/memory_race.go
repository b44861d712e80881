//go:build race

package repl

import "golang.org/x/sys/unix"

// dataBytes is unlimited: the race detector reserves terabytes of address space, which count.
const dataBytes = unix.RLIM_INFINITY
