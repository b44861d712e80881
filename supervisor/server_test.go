//go:build linux

package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
)

// A node that is killed is followed by one with the same entries, and no connection is refused.
func TestRun_NodeKilled(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1").start(t)
	pid := s.ask(t, "child terminal cat >"+filepath.Join(s.dir, "out"))
	var done atomic.Bool
	refused := make(chan error, 1)
	go func() {
		for !done.Load() {
			if _, err := s.try("state"); err != nil && strings.Contains(err.Error(), "refused") {
				refused <- err
				return
			}
		}
		refused <- nil
	}()
	for range 3 {
		s.kill(t)
	}
	done.Store(true)
	testkit.Must(t, <-refused)
	state := s.ask(t, "state")
	want := fmt.Sprintf("1 %s  listener/0//1 terminal/%s/of terminal/1", testSecret, pid)
	if !strings.HasSuffix(state, want) {
		t.Errorf("the node has %q, want %q", state, want)
	}
	if got := s.ask(t, "write terminal"); got != "<nil>" {
		t.Errorf("writing to the kept file: %s", got)
	}
	testkit.Eventually(t, "the child has read it", func() bool {
		text, err := os.ReadFile(filepath.Join(s.dir, "out"))
		return err == nil && string(text) == "x"
	})
	testkit.Eventually(t, "it reports the crash", func() bool {
		return strings.Contains(s.text(), "the node was ended by SIGKILL (killed); it starts again in 0s")
	})
}

// The exit status of an entry's process is known, also if it ended while no node ran.
func TestRun_ExitStatus(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1").start(t)
	early, later := s.ask(t, "child early read line; exit 7"), s.ask(t, "child later read line; exit 9")
	reaped := s.ask(t, "child reaped exit 5")
	blocked := filepath.Join(s.dir, "blocked")
	testkit.Must(t, os.WriteFile(blocked, nil, 0o600))
	old := s.node(t)
	pid, err := strconv.Atoi(early)
	testkit.Must(t, err)
	unix.Kill(old, unix.SIGKILL)
	testkit.Eventually(t, "the node is gone", func() bool { return !runs(old) })
	unix.Kill(pid, unix.SIGTERM)
	testkit.Eventually(t, "the child was waited for", func() bool { return unix.Kill(pid, 0) == unix.ESRCH })
	testkit.Must(t, os.Remove(blocked))
	s.after(t, old)
	if got := s.ask(t, "wait "+early); got != "-1 <nil>" { // by a signal
		t.Errorf("ended while no node ran: %s", got)
	}
	if got := s.ask(t, "wait "+reaped); got != "0 "+ErrUnknown.Error() {
		t.Errorf("ended before, and the node waited for it: %s", got)
	}
	ended := make(chan string, 1)
	go func() { answer, _ := s.try("wait " + later); ended <- answer }()
	s.ask(t, "write later")
	pid, err = strconv.Atoi(later)
	testkit.Must(t, err)
	unix.Kill(pid, unix.SIGKILL)
	if got := <-ended; got != "-1 <nil>" {
		t.Errorf("ended while the next node ran: %s", got)
	}
}

func TestRun_BacksOff(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1 crashing")
	testkit.Must(t, s.cmd.Start())
	defer s.cmd.Process.Kill() //nolint:errcheck // it may have ended
	want := []string{"in 0s", "in 100ms", "in 200ms", "in 400ms"}
	testkit.Eventually(t, "it has started four more", func() bool { return strings.Count(s.text(), "starts again") >= 4 })
	var got []string
	for line := range strings.Lines(s.text()) {
		if _, delay, found := strings.Cut(line, "ended with status 7; it starts again "); found {
			got = append(got, strings.TrimSpace(delay))
		}
	}
	if !slices.Equal(got[:4], want) {
		t.Errorf("delays %q, want %q", got, want)
	}
	unix.Kill(s.cmd.Process.Pid, unix.SIGTERM)
	s.ended() // whether it waits or a node runs
}

func TestRun_FirstNodeFails(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1 bad")
	testkit.Must(t, s.cmd.Start())
	if status := s.ended(); status != 4 {
		t.Errorf("status %d, want that of the node, 4", status)
	}
}

func TestRun_Panic(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1").start(t)
	old := s.node(t)
	s.try("panic") //nolint:errcheck // it may end before it answers
	s.after(t, old)
	testkit.Eventually(t, "it reports the crash", func() bool {
		return strings.Contains(s.text(), "the node ended with status 2; it starts again in 0s")
	})
}

func TestRun_Signals(t *testing.T) {
	t.Parallel()
	for _, stop := range []unix.Signal{unix.SIGTERM, unix.SIGINT} {
		s := prepare(t, "1").start(t)
		s.ask(t, "stubborn")
		unix.Kill(s.cmd.Process.Pid, unix.SIGHUP) // means nothing
		unix.Kill(s.cmd.Process.Pid, unix.SIGTERM)
		testkit.Eventually(t, "the node was told to stop", func() bool { return s.ask(t, "stopped") == "true" })
		unix.Kill(s.cmd.Process.Pid, stop)
		if status := s.ended(); status != 128+int(unix.SIGKILL) {
			t.Errorf("after the second signal: status %d", status)
		}
	}
	s := prepare(t, "1").start(t)
	unix.Kill(s.cmd.Process.Pid, unix.SIGTERM)
	if status := s.ended(); status != 0 {
		t.Errorf("a node that stops: status %d", status)
	}
	if _, err := os.Lstat(filepath.Join(s.dir, "control.sock")); err == nil {
		t.Error("the socket is left")
	}
}

// Nothing outlives the supervisor: the node ends with it, and shells with both.
func TestRun_SupervisorKilled(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1").start(t)
	child, err := strconv.Atoi(s.ask(t, "child terminal cat"))
	testkit.Must(t, err)
	pid := s.kill(t)
	testkit.Must(t, s.cmd.Process.Kill())
	testkit.Eventually(t, "the node has ended", func() bool { return !runs(pid) })
	testkit.Eventually(t, "the child has ended", func() bool { return !runs(child) })

	both := prepare(t, "1").start(t)
	child, err = strconv.Atoi(both.ask(t, "child terminal cat"))
	testkit.Must(t, err)
	pid = both.node(t)
	unix.Kill(pid, unix.SIGSTOP) // else it could end by itself
	testkit.Must(t, both.cmd.Process.Kill())
	unix.Kill(pid, unix.SIGKILL)
	testkit.Eventually(t, "the child has ended", func() bool { return !runs(child) })
}

// Fifty nodes leave no process and no descriptor.
func TestRun_LeavesNothing(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1")
	s.cmd.Env = append(s.cmd.Env, testHasty+"=1")
	s.start(t)
	s.ask(t, "child terminal cat")
	s.kill(t)
	before := descriptors(t, s.cmd.Process.Pid)
	for range 50 {
		s.kill(t)
	}
	if after := descriptors(t, s.cmd.Process.Pid); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	if got := testkit.Children(s.cmd.Process.Pid); len(got) != 2 {
		t.Errorf("children: %v, want the node and its child", got)
	}
}

func descriptors(t *testing.T, pid int) int {
	t.Helper()
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	testkit.Must(t, err)
	return len(all)
}

// Secrets are in no environment and in no arguments.
func TestRun_Secrets(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1").start(t)
	for _, pid := range []int{s.cmd.Process.Pid, s.node(t), s.kill(t)} {
		if !strings.Contains(s.ask(t, "state"), testSecret) {
			t.Error("the node has no secret")
		}
		for _, file := range []string{"environ", "cmdline"} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			if err == nil && strings.Contains(string(text), testSecret) {
				t.Errorf("the secret is in %s of %d", file, pid)
			}
		}
	}
}

// processOne starts a supervisor as process 1 of a namespace.
func processOne(t *testing.T) *supervised {
	t.Helper()
	s := prepare(t, "1")
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID, Pdeathsig: unix.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Skipf("it takes the right to create a process namespace: %v", err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	testkit.Eventually(t, "the node serves", func() bool { _, err := s.try("state"); return err == nil })
	return s
}

// As process 1, it reaps what nobody waits for.
func TestRun_ProcessOne(t *testing.T) {
	t.Parallel()
	s := processOne(t)
	out := filepath.Join(s.dir, "out")
	s.ask(t, "child orphans for i in 1 2 3; do (sh -c 'echo $$ $PPID >>"+out+"' &); done; read line")
	testkit.Eventually(t, "three orphans have ended, and none is a zombie", func() bool {
		text, err := os.ReadFile(out)
		return err == nil && strings.Count(string(text), "\n") == 3 && len(testkit.Children(s.cmd.Process.Pid)) == 1
	})
	unix.Kill(s.cmd.Process.Pid, unix.SIGTERM)
	if status := s.ended(); status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestStore_Bounds(t *testing.T) {
	t.Parallel()
	var s store
	for i := range maxEntries {
		if err := s.put(message{Name: strings.Repeat("x", i%maxName) + string(rune('a'+i/maxName))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.put(message{Name: "more"}); err == nil {
		t.Error("one more entry is stored")
	}
	if err := s.put(message{Name: "a"}); err != nil {
		t.Errorf("an entry is not replaced: %v", err)
	}
	for _, name := range []string{"", strings.Repeat("x", maxName+1)} {
		if err := s.put(message{Name: name}); err == nil {
			t.Errorf("a name of %d bytes is stored", len(name))
		}
	}
	s.drop("a")
	s.drop("a")
	if len(s) != maxEntries-1 {
		t.Errorf("%d entries are left", len(s))
	}
}

// A node that is told to stop while it starts has not failed.
func TestRun_StopWhileStarting(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1")
	testkit.Must(t, os.WriteFile(filepath.Join(s.dir, "blocked"), nil, 0o600))
	testkit.Must(t, s.cmd.Start())
	pid := s.cmd.Process.Pid
	testkit.Eventually(t, "the node has started", func() bool { return testkit.NodeOf(pid) != pid })
	unix.Kill(pid, unix.SIGTERM)
	if status := s.ended(); status != 0 {
		t.Errorf("status %d", status)
	}
}

// Nobody reads what the supervisor prints, and it works nevertheless.
func TestRun_OutputThatNobodyReads(t *testing.T) {
	t.Parallel()
	in, out, err := os.Pipe()
	testkit.Must(t, err)
	defer in.Close()
	defer out.Close()
	s := prepare(t, "1")
	s.cmd.Stderr = out
	testkit.Must(t, fill(out))
	s.start(t)
	for range 3 {
		s.kill(t)
	}
}

// fill fills a pipe.
func fill(out *os.File) error {
	conn, err := out.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Control(func(fd uintptr) {
		for err == nil {
			_, err = unix.Write(int(fd), make([]byte, 1<<10))
		}
	})
}

// A supervisor at rest does not keep the pages of the program's file that its work has touched.
func TestRun_GivesMemoryBack(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1")
	s.cmd.Env = append(s.cmd.Env, testHasty+"=1")
	s.start(t)
	s.ask(t, "state") // the node serves, for which it has given memory back
	most := 0
	for n := range 20 { // work without another node
		s.ask(t, fmt.Sprintf("child work-%d true", n))
		most = max(most, residentFile(t, s.cmd.Process.Pid))
	}
	testkit.Eventually(t, "it has given pages back", func() bool { return residentFile(t, s.cmd.Process.Pid) < most })
}

// residentFile is the kB of files that a process has in memory.
func residentFile(t *testing.T, pid int) (kB int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	testkit.Must(t, err)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "RssFile:"); ok {
			_, err := fmt.Sscan(value, &kB)
			testkit.Must(t, err)
		}
	}
	return kB
}
