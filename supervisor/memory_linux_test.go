package supervisor

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
)

// What a process has written to its own pages of the program's file stays, as relocations must.
func TestRelease_KeepsItsOwnPages(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	testkit.Must(t, err)
	file, err := os.Open(exe)
	testkit.Must(t, err)
	defer file.Close()
	page, err := unix.Mmap(int(file.Fd()), 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	testkit.Must(t, err)
	defer unix.Munmap(page) //nolint:errcheck // the process ends
	page[0] = '!'
	testkit.Must(t, unix.Mprotect(page, unix.PROT_READ))
	release()
	if page[0] != '!' {
		t.Error("a page has the file's content again")
	}
}
