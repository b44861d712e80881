package testkit

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime is how long this process has run on all cores, in its own code and in the kernel.
func CPUTime(t testing.TB) time.Duration {
	t.Helper()
	var used unix.Rusage
	Must(t, unix.Getrusage(unix.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
