//go:build linux

package node

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

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
		if strings.Contains(string(line), "\x00"+confine.SpareTask+"\x00"+name+"\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// launched is the program of TestLauncher.
const launched = `pwd; tty; ps -o tty= -p $$; echo $PPID; grep NoNewPrivs /proc/self/status; exit 7`

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
	testkit.Must(t, ptmx.SetReadDeadline(time.Now().Add(testkit.Patience)))
	out := bufio.NewScanner(ptmx)
	lines := []string{dir, "/dev/" + terminal, terminal, strconv.Itoa(os.Getpid()), "NoNewPrivs:\t1"}
	for _, want := range lines {
		if out.Scan(); out.Text() != want {
			t.Fatalf("in %s the program prints %q, want %q", dir, out.Text(), want)
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
		[]string{name, "-c", launched}, []string{"PATH=" + os.Getenv("PATH")}, wire.Pair,
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
	if got := start("/usr").Process.Pid; got == waits {
		t.Errorf("the program is process %d, which waited", got)
	}
	testkit.Eventually(t, "that has ended", func() bool { return syscall.Kill(waits, 0) == syscall.ESRCH })
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

// If the process that waits does not answer, another one starts the program, and it does not do so later.
func TestLauncher_Stopped(t *testing.T) {
	t.Parallel()
	const comm = "launch-stopped" // the kernel's name of all its processes, which zombies keep; at most 15 bytes
	name, link := filepath.Join(t.TempDir(), comm), filepath.Join(t.TempDir(), comm)
	testkit.Must(t, os.Symlink("/bin/sh", name))
	exe, err := os.Executable()
	testkit.Must(t, err)
	testkit.Must(t, os.Symlink(exe, link))
	l := sandbox.New(sandbox.On, confine.Plan{}, link, pty.OpenTerminal).Launcher(
		[]string{name, "-c", launched}, []string{"PATH=" + os.Getenv("PATH")}, wire.Pair,
	)
	t.Cleanup(l.Close)
	waits := func() bool { return len(awaiting(name)) == 1 }
	launch(t, l, "/")
	testkit.Eventually(t, "a process waits", waits)
	stopped := awaiting(name)[0]
	testkit.Must(t, syscall.Kill(stopped, syscall.SIGSTOP))
	t.Cleanup(func() { syscall.Kill(stopped, syscall.SIGKILL) }) //nolint:errcheck // it has ended
	testkit.Eventually(t, "all its threads have stopped", func() bool {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", stopped)) //nolint:errcheck // a good pattern
		return len(files) > 0 && !slices.ContainsFunc(files, func(file string) bool {
			stat, err := os.ReadFile(file)
			return err != nil || !strings.Contains(string(stat), ") T ")
		})
	})
	launch(t, l, "/usr")
	if err := syscall.Kill(stopped, syscall.SIGCONT); err != nil && err != syscall.ESRCH {
		t.Error(err)
	}
	testkit.Eventually(t, "it has ended", func() bool { return syscall.Kill(stopped, 0) == syscall.ESRCH })
	testkit.Eventually(t, "another process waits", waits)
	// if it ran on for a moment, it may have started the program, which then ends too
	testkit.Eventually(t, "nothing else is left", func() bool {
		return !slices.ContainsFunc(testkit.Children(os.Getpid()), func(pid int) bool {
			got, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)) //nolint:errcheck // it may have ended
			return string(got) == comm+"\n" && !slices.Contains(awaiting(name), pid)
		})
	})
}

// A process that waits prints why the program cannot be started, and ends with a shell's status.
func TestLauncher_ProgramFails(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]int{"": 127, "no program": 126} {
		name := filepath.Join(t.TempDir(), "program")
		testkit.Must(t, os.Symlink("/bin/true", name))
		exe, err := os.Executable()
		testkit.Must(t, err)
		l := sandbox.New(sandbox.On, confine.Plan{}, exe, pty.OpenTerminal).Launcher([]string{name}, nil, wire.Pair)
		t.Cleanup(l.Close)
		ptmx, tty, err := pty.OpenTerminal()
		testkit.Must(t, err)
		defer ptmx.Close()
		defer tty.Close()
		first, err := l.Start("/", tty, func() {})
		testkit.Must(t, err)
		testkit.Must(t, first.Wait())
		testkit.Eventually(t, "a process waits", func() bool { return len(awaiting(name)) == 1 })
		testkit.Must(t, os.Remove(name))
		if fault != "" {
			testkit.Must(t, os.WriteFile(name, []byte(fault), 0o700))
		}
		second, err := l.Start("/", tty, func() {})
		testkit.Must(t, err)
		var exit *exec.ExitError
		if err := second.Wait(); !errors.As(err, &exit) || exit.ExitCode() != want {
			t.Errorf("%q: it ends with %v, want status %d", fault, err, want)
		}
		out := bufio.NewScanner(ptmx)
		if out.Scan(); !strings.HasPrefix(out.Text(), `cannot start "program"`) {
			t.Errorf("%q: it prints %q", fault, out.Text())
		}
		if fault == "" { // no attempt has left a process
			testkit.Eventually(t, "another process waits", func() bool { return len(awaiting(name)) == 1 })
		}
	}
}
