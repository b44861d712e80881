package pty

import (
	"os"
	"path/filepath"
	"testing"

	"convoy/internal/testkit"
)

func TestTrimTitle(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ title, want string }{
		{" build 7\t", "build 7"},
		{"fdp.\u202egnp.exe", "fdp.gnp.exe"},
		{"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069 x", "x"},
		{"שלום 👩‍💻 e\u0301", "שלום 👩‍💻 e\u0301"},
	} {
		if got := trimTitle(test.title); got != test.want {
			t.Errorf("%q became %q, want %q", test.title, got, test.want)
		}
	}
}

// The kernel marks the path of a removed directory with the same text that a name may end with.
func TestInfo_RemovedDir(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/cwd"); err != nil {
		t.Skip("without /proc the state of a process is unknown")
	}
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	gone, named := filepath.Join(base, "gone"), filepath.Join(base, "named (deleted)")
	s := open(t, "/bin/sh", "-i")
	typeIn(t, s, "mkdir "+gone+" '"+named+"'; cd '"+named+"'\r")
	testkit.Eventually(t, "the directory whose name is a mark", func() bool { return s.Info().Dir == named })
	typeIn(t, s, "cd "+gone+"; rmdir "+gone+"; echo do''ne\r")
	testkit.Eventually(t, "the removed directory", func() bool {
		_, err := os.Stat(gone)
		return err != nil && s.Info().Dir == gone
	})
}
