package confine

import "golang.org/x/sys/unix"

// SetUndumpable prevents other processes of the same user from reading this one's memory, initial environment and
// descriptors (prctl(2), PR_SET_DUMPABLE; ptrace(2), access mode checking). A system shell of the same user could
// otherwise read the cluster's cookie there. It does not stop root with all capabilities.
func SetUndumpable() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
