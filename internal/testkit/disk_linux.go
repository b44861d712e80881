package testkit

import (
	"syscall"
	"testing"
)

// SmallDisk returns a directory with a file system of its own, of a size such as 3m, which ends with the test. The test
// is skipped if it may not mount one.
func SmallDisk(t testing.TB, size string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small disk takes the right to mount one: %v", err)
	}
	t.Cleanup(func() { Must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}
