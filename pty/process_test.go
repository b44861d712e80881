package pty

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"convoy/internal/testkit"
)

func TestExit(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]Exit{
		"exit 0":        {Code: 0},
		"exit 7":        {Code: 7},
		"kill -9 $$":    {Code: -1, Signal: "SIGKILL"},
		"kill -TERM $$": {Code: -1, Signal: "SIGTERM"},
	} {
		s := run(t, "echo last words; "+script)
		v := watch(t, s, options{})
		if exit := v.exit(); exit != want {
			t.Errorf("%s: ended with %v, want %v", script, exit, want)
		}
		if v.output() != "last words\r\n" {
			t.Errorf("%s: output %q", script, v.output())
		}
		info := s.Info()
		if info.Running || *info.Exit != want || info.End != 12 || info.Title != "sh" || info.PID == 0 {
			t.Errorf("%s: info %+v", script, info)
		}
	}
}

func TestProgramThatCannotBeStarted(t *testing.T) {
	t.Parallel()
	for program, cause := range map[string]string{
		"/does/not/exist":   "no such file",
		"no-such-program-x": "not found",
		"/etc/passwd":       "permission denied",
	} {
		s := open(t, program)
		v := watch(t, s, options{})
		if exit := v.exit(); exit != (Exit{Code: 127}) {
			t.Errorf("%s: ended with %v", program, exit)
		}
		if out := v.output(); !strings.HasPrefix(out, "cannot start \"") || !strings.Contains(out, cause) ||
			!strings.HasSuffix(out, "\r\n") {
			t.Errorf("%s: output %q", program, out)
		}
	}
	s, err := newTable(t, Config{Programs: programs("/bin/true"), Dir: "/does/not/exist"}).Open(size)
	if err != nil {
		t.Fatal(err)
	}
	v := watch(t, s, options{})
	if v.exit(); !strings.Contains(v.output(), "/does/not/exist") {
		t.Errorf("output %q", v.output())
	}
}

// A grandchild that keeps the terminal open, silent or not, does not keep the shell alive.
func TestGrandchildDoesNotDelayTheEnd(t *testing.T) {
	t.Parallel()
	for _, script := range []string{
		"trap '' HUP; sleep 1000 & echo pid $!; exit 3",
		"trap '' HUP; yes & echo pid $!; exit 3",
	} {
		s := run(t, script)
		v := watch(t, s, options{})
		exit := v.exit()
		for _, line := range strings.Split(v.output(), "\r\n") {
			if pid, ok := strings.CutPrefix(line, "pid "); ok {
				n, _ := strconv.Atoi(pid)
				t.Cleanup(func() { syscall.Kill(n, syscall.SIGKILL) })
			}
		}
		if exit.Code != 3 || !strings.Contains(v.output(), "pid ") {
			t.Errorf("%s: ended with %v, output %.100q", script, exit, v.output())
		}
	}
}

// A program may close its terminal and reopen it.
func TestTerminalClosedAndOpenedAgain(t *testing.T) {
	t.Parallel()
	path, openGate := gate(t)
	s := run(t, "echo one; exec <"+path+" >/dev/null 2>&1; read x; exec >/dev/tty; echo two; exit 4")
	v := watch(t, s, options{})
	v.see("one\r\n")
	openGate()
	if exit := v.exit(); exit.Code != 4 || v.output() != "one\r\ntwo\r\n" {
		t.Errorf("ended with %v, output %q", exit, v.output())
	}
}

func TestEnvironmentIsNotOurs(t *testing.T) {
	t.Parallel()
	table := NewTable(Config{Programs: []Program{{Args: []string{"/usr/bin/env"}}}})
	t.Cleanup(func() { table.Close(context.Background()) })
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	v := watch(t, s, options{})
	if v.exit(); v.output() != "" {
		t.Errorf("environment: %q", v.output())
	}
}

func TestInteractiveShellHasJobControl(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	s := open(t, bash, "--norc", "--noprofile", "-i")
	v := watch(t, s, options{types: true})
	v.see("$ ")
	typeIn(t, s, "sh -c 'echo up; exec sleep 1000'\r")
	v.see("\nup\r\n")
	typeIn(t, s, "\x1a")
	v.see("Stopped")
	typeIn(t, s, "kill %1; echo $((40+2))\r")
	v.see("\r\n42\r\n")
	if strings.Contains(v.output(), "job control") {
		t.Errorf("output %q", v.output())
	}
}

// Bash handles a signal that comes just before it waits for a key only after the next one. It must be woken.
func TestRemoveHangsUpAtThePrompt(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	table := newTable(t, Config{Programs: programs(bash, "--norc", "--noprofile", "-i")})
	table.config.grace = testkit.Patience // a busy machine may wake bash late
	for range 50 {
		s, err := table.Open(size)
		if err != nil {
			t.Fatal(err)
		}
		v := watch(t, s, options{})
		v.see("$ ")
		if err := table.Remove(t.Context(), s.id); err != nil {
			t.Fatal(err)
		}
		if exit := v.exit(); exit.Signal != "SIGHUP" {
			t.Fatalf("ended with %v, want SIGHUP", exit)
		}
		v.stop()
	}
}

// HUP is ignored by the program and by another group in the foreground.
func TestRemoveKillsWhatIgnoresHangUp(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: programs("/bin/sh", "-i")})
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	v := watch(t, s, options{types: true})
	v.see("$ ")
	typeIn(t, s, "sh -c 'trap \"\" HUP; echo pid $$; sleep 1000; echo'\r")
	v.see("\r\npid ")
	job := s.terminal.foreground()
	if job == s.pid {
		t.Fatal("the job is not in the foreground")
	}
	began := time.Now()
	if err := table.Remove(t.Context(), s.id); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < hangUpGrace {
		t.Errorf("killed after %v already", took)
	}
	if exit := v.exit(); exit.Signal == "" && exit.Code == 0 {
		t.Errorf("ended with %v", exit)
	}
	awaitGone(t, job)
}

func TestContextShortensGrace(t *testing.T) {
	t.Parallel()
	table := newTable(
		t, Config{Programs: programs("/bin/sh", "-c", "trap '' HUP TERM; echo ready; while :; do sleep 1000; done")},
	)
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	v := watch(t, s, options{})
	v.see("ready")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := table.Remove(ctx, s.id); err != nil {
		t.Fatal(err)
	}
	if exit := v.exit(); exit.Signal != "SIGKILL" {
		t.Errorf("ended with %v", exit)
	}
}

// awaitGone waits for a process that is not our child.
func awaitGone(t *testing.T, pid int) {
	t.Helper()
	testkit.Eventually(t, "the end of a killed process", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

const ignoredChildEnv = "CONVOY_TEST_IGNORED_CHILD"

// TestIgnoredSignalsAreNotInherited runs this test again with signals ignored, as a script's & does, and types ^C
// there.
func TestIgnoredSignalsAreNotInherited(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("/bin/sh", "-c", `trap "" INT QUIT HUP TSTP; exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), ignoredChildEnv+"=1")
	out, err := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "SIGINT" {
		t.Errorf("sleep ended with %q, %v; want SIGINT", got, err)
	}
}

func ignoredChild() {
	if !signal.Ignored(syscall.SIGINT) {
		os.Stdout.WriteString("SIGINT is not ignored: the test is wrong")
		return
	}
	table := NewTable(
		Config{Programs: []Program{{Args: []string{"/bin/sh", "-c", "echo ready; exec sleep 20"}, Env: os.Environ()}}},
	)
	s, err := table.Open(size)
	if err != nil {
		os.Stdout.WriteString(err.Error())
		return
	}
	for event := range s.Follow(context.Background(), Viewer{ID: "v", CanType: true}, 0) {
		switch event.Kind {
		case Output:
			s.Write(context.Background(), []byte("\x03"))
		case Exited:
			os.Stdout.WriteString(event.Exit.Signal)
		}
	}
}

// Not parallel: it counts the open descriptors of the whole test process.
func TestNothingIsLeftOfManyShells(t *testing.T) {
	before := descriptors(t)
	table := newTable(t, Config{Programs: programs("/bin/cat")})
	for range 50 {
		var shells []*Shell
		for range 4 {
			s, err := table.Open(size)
			if err != nil {
				t.Fatal(err)
			}
			shells = append(shells, s)
		}
		for _, s := range shells {
			if err := table.Remove(t.Context(), s.id); err != nil {
				t.Fatal(err)
			}
		}
	}
	left := descriptors(t)
	for _, one := range before { // some may be closed meanwhile, such as the pidfd of an earlier test's program
		if i := slices.Index(left, one); i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
	}
	if len(left) > 0 {
		t.Errorf("descriptors are left: %v", left)
	}
	if zombie, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a child remains: %d, %v", zombie, err)
	}
}

// descriptors lists the terminals that this process has open.
func descriptors(t *testing.T) (open []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here")
	}
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err == nil && !strings.HasPrefix(target, "/proc/") && !strings.Contains(target, "eventpoll") &&
			!strings.Contains(target, "eventfd") {
			open = append(open, target)
		}
	}
	slices.Sort(open)
	return open
}
