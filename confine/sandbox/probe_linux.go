package sandbox

import "golang.org/x/sys/unix"

func noNewPrivileges() bool {
	set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	return err == nil && set == 1
}

// tryTrace attaches to a process, and detaches.
func tryTrace(pid int) error {
	err := unix.PtraceSeize(pid)
	if err == nil {
		unix.PtraceDetach(pid) //nolint:errcheck // the kernel detaches when the tracer ends
	}
	return err
}
