//go:build linux

package node

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"convoy/confine"
	"convoy/confine/sandbox"
	"convoy/internal/testkit"
	"convoy/pty"
	"convoy/repl/wire"
)

// awaiting lists this process's children that wait for a terminal, to run a program with this name.
func awaiting(name string) (pids []int) {
	for _, pid := range testkit.Children(os.Getpid()) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) //nolint:errcheck // it may have ended
		if strings.Contains(string(line), "\x00"+confine.AwaitTask+"\x00"+name+"\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// launch starts the program of TestLauncher, and checks where it runs.
func launch(t *testing.T, l *sandbox.Launcher, dir string) *exec.Cmd {
	t.Helper()
	ptmx, tty, err := pty.OpenTerminal()
	testkit.Must(t, err)
	defer ptmx.Close()
	defer tty.Close()
	began := make(chan struct{})
	cmd, err := l.Start(dir, tty, func() { close(began) })
	testkit.Must(t, err)
	<-began
	terminal := strings.TrimPrefix(tty.Name(), "/dev/")
	out := bufio.NewScanner(ptmx)
	for _, want := range []string{dir, "/dev/" + terminal, terminal} {
		if out.Scan(); out.Text() != want {
			t.Errorf("in %s the program prints %q, want %q", dir, out.Text(), want)
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("it ends with %v", err)
	}
	return cmd
}

// A process waits for the next shell. If something kills it, the shell starts as the first one did.
func TestLauncher(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "sh")
	testkit.Must(t, os.Symlink("/bin/sh", name))
	exe, err := os.Executable()
	testkit.Must(t, err)
	l := sandbox.New(sandbox.On, confine.Plan{}, exe, pty.OpenTerminal).Launcher(
		[]string{name, "-c", "pwd; tty; ps -o tty= -p $$; exit 7"}, []string{"PATH=" + os.Getenv("PATH")}, wire.Pair,
	)
	t.Cleanup(l.Close)
	start := func(dir string) *exec.Cmd { return launch(t, l, dir) }
	next := func() (pid int) {
		testkit.Eventually(t, "a process waits", func() bool {
			pids := awaiting(name)
			if len(pids) == 1 {
				pid = pids[0]
			}
			return len(pids) == 1
		})
		return pid
	}
	if _, err := l.Start(strings.Repeat("/long", 1000), os.Stdin, nil); !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("in a long directory: %v", err)
	}
	start("/")
	waits := next()
	if got := start("/usr").Process.Pid; got != waits {
		t.Errorf("the program is process %d, while %d waited", got, waits)
	}
	killed := next()
	testkit.Must(t, syscall.Kill(killed, syscall.SIGKILL))
	testkit.Eventually(t, "it has ended with all its threads", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", killed))
		threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", killed)) //nolint:errcheck // as above
		return err == nil && len(threads) == 1 && strings.Contains(string(stat), ") Z ")
	})
	start("/usr")
	next()
	l.Close()
	if left := awaiting(name); left != nil {
		t.Errorf("after Close %v wait", left)
	}
	start("/usr") // a shell that was requested before
	if left := awaiting(name); left != nil {
		t.Errorf("after Close %v wait", left)
	}
}
