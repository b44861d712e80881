package confine

import "golang.org/x/sys/unix"

// SetUndumpable has other processes of the same user not look into this one: its memory, the environment that it was
// started with, its descriptors (prctl(2), PR_SET_DUMPABLE; ptrace(2), access mode checking). A system shell, which
// runs as the same user, would otherwise find the cluster's cookie there. Root, with all its capabilities, looks
// everywhere.
func SetUndumpable() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
