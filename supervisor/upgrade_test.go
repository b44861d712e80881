//go:build linux

package supervisor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
)

// command gives a command to the supervisor.
func (s *supervised) command(name string) (string, error) {
	return Do(context.Background(), filepath.Join(s.dir, "control.sock"), name)
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1")
	s.cmd.Env = append(s.cmd.Env, testHasty+"=1")
	s.start(t)
	control := filepath.Join(s.dir, "control.sock")
	child := s.ask(t, "child terminal cat")
	for _, one := range []struct{ file, answer, version string }{
		{"2", "upgraded to convoy 2", "2"},
		{"3 bad", "the new node ended with status 4: it is bad", "2"},
		{"3 slow", "the new node did not serve within 5s", "2"},
		{"4", "upgraded to convoy 4", "4"},
		{"5 crashing", "upgraded to convoy 5", "5"},
	} {
		install(t, s.dir, one.file)
		answer, err := Do(t.Context(), control, "upgrade")
		if err != nil {
			answer = err.Error()
		}
		if !strings.Contains(answer, one.answer) || strings.HasPrefix(answer, "upgraded") != (err == nil) {
			t.Errorf("%s: %q, want %q", one.file, answer, one.answer)
		}
		testkit.Eventually(t, "the log has it", func() bool { return strings.Contains(s.text(), one.answer) })
		var state []string
		testkit.Eventually(t, "version "+one.version+" serves", func() bool {
			answer, _ := s.try("state")
			state = strings.Fields(answer)
			return len(state) > 2 && state[1] == one.version
		})
		if state[len(state)-1] != "terminal/"+child+"/of terminal/1" && !strings.Contains(strings.Join(state, " "), child) {
			t.Errorf("%s: the entries are %q", one.file, state)
		}
	}
}

// A file that is no Convoy never becomes the node, which does not even leave.
func TestUpgrade_OtherFiles(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1")
	s.cmd.Env = append(s.cmd.Env, testHasty+"=1")
	s.start(t)
	pid := s.node(t)
	file := filepath.Join(s.dir, "convoy")
	for text, want := range map[string]string{
		"":                                  "does not start: exec format error",
		"garbage":                           "does not start: exec format error",
		"#!/bin/sh\necho convoy 2\n":        "version ended with status",
		"#!/no/such/program\necho convoy\n": "does not start: no such file or directory",
	} {
		testkit.Must(t, os.Remove(file))
		writeProgram(t, file, []byte(text))
		if _, err := s.command("upgrade"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for program, want := range map[string]string{"true": "ended with status 0", "yes": "did not end within 5s"} {
		path := "/usr/bin/" + program
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		testkit.Must(t, os.Remove(file))
		writeProgram(t, file, text)
		if _, err := s.command("upgrade"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", program, err, want)
		}
	}
	testkit.Must(t, os.Remove(file))
	_, err := s.command("upgrade")
	if err == nil || !strings.Contains(err.Error(), "no such") {
		t.Errorf("without a file: %v", err)
	}
	if after := s.node(t); after != pid {
		t.Errorf("another node runs, %d instead of %d", after, pid)
	}
}

// A node that crashes again and again is replaced at once: also while the supervisor waits before it starts it again.
func TestUpgrade_OfACrashingNode(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1").start(t)
	s.crashLoop(t)
	install(t, s.dir, "3 bad")
	if _, err := s.command("upgrade"); err == nil || !strings.Contains(err.Error(), "it is bad") {
		t.Errorf("to a node that fails: %v", err)
	}
	install(t, s.dir, "4")
	if text, err := s.command("upgrade"); err != nil || text != "upgraded to convoy 4" {
		t.Errorf("to a node that serves: %q, %v", text, err)
	}
	if state := s.ask(t, "state"); strings.Fields(state)[1] != "4" {
		t.Errorf("state %q", state)
	}
}

// crashLoop makes the node crash again and again.
func (s *supervised) crashLoop(t *testing.T) {
	t.Helper()
	install(t, s.dir, "2 crashing")
	s.command("upgrade") //nolint:errcheck // it may crash before
	testkit.Eventually(t, "it waits", func() bool { return strings.Contains(s.text(), "again in 800ms") })
}

func TestUpgrade_BySignal(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1").start(t)
	install(t, s.dir, "2")
	pid := s.node(t)
	unix.Kill(s.cmd.Process.Pid, unix.SIGUSR2)
	s.after(t, pid)
	if state := s.ask(t, "state"); strings.Fields(state)[1] != "2" {
		t.Errorf("state %q", state)
	}
}

// Commands need the key, which only the node's user can read.
func TestCommands_Key(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1").start(t)
	control := filepath.Join(s.dir, "control.sock")
	for _, file := range []string{control, keyPath(control)} {
		info, err := os.Stat(file)
		testkit.Must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", file, info.Mode())
		}
	}
	key, err := os.ReadFile(keyPath(control))
	testkit.Must(t, err)
	for _, wrong := range []string{"", "x", strings.Repeat("0", 64), string(key) + "0"} {
		for _, kind := range []string{"upgrade", "stop", "keep", "take", "taken", "nonsense"} {
			conn, _, err := dial(control)
			testkit.Must(t, err)
			testkit.Must(t, conn.send(message{Kind: kind, data: []byte(wrong)}))
			m, err := conn.receive()
			if err != nil || m.Status != 1 || string(m.data) != "wrong key" {
				t.Errorf("%s with the key %q: %v, %+v", kind, wrong, err, m)
			}
			conn.socket.Close()
		}
	}
	for _, kind := range []string{"take", "taken", "nonsense"} {
		if _, err := Do(t.Context(), control, kind); err == nil {
			t.Errorf("%s is answered", kind)
		}
	}
	if text, err := Do(t.Context(), control, "stop"); err != nil || text != "stopped" {
		t.Errorf("stop: %q, %v", text, err)
	}
	if status := s.ended(); status != 0 {
		t.Errorf("status %d", status)
	}
}

// What a node leaves is held until the next start.
func TestKeep(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1").start(t)
	control := filepath.Join(s.dir, "control.sock")
	child, err := strconv.Atoi(s.ask(t, "child terminal cat"))
	testkit.Must(t, err)
	for range 2 { // of a holder's entries as well
		text, err := Do(t.Context(), control, "keep")
		if err != nil || !strings.Contains(text, "keep running") {
			t.Fatalf("keep: %q, %v\n%s", text, err, s.text())
		}
		if status := s.ended(); status != 0 {
			t.Errorf("status %d", status)
		}
		if !runs(child) {
			t.Fatal("the child has ended")
		}
		if _, err := Do(t.Context(), control, "upgrade"); err == nil {
			t.Error("a holder was upgraded")
		}
		if _, err := s.try("state"); !errors.Is(err, unix.ECONNREFUSED) {
			t.Errorf("connecting while no node runs: %v", err)
		}
		s = again(t, s.dir)
		testkit.Must(t, s.cmd.Start())
		t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
		testkit.Eventually(t, "the next node has the child", func() bool {
			state, err := s.try("state")
			return err == nil && strings.Contains(state, "terminal/"+strconv.Itoa(child)+"/of terminal/1")
		})
	}
	s.kill(t)
	unix.Kill(child, unix.SIGKILL)
	if got := s.ask(t, "wait "+strconv.Itoa(child)); got != "0 "+ErrUnknown.Error() {
		t.Errorf("the child of an earlier supervisor: %s", got)
	}
}

// A start that fails leaves what is kept to the next one.
func TestKeep_NextStartFails(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1").start(t)
	child, err := strconv.Atoi(s.ask(t, "child terminal cat"))
	testkit.Must(t, err)
	if _, err := s.command("keep"); err != nil {
		t.Fatal(err)
	}
	s.ended()
	install(t, s.dir, "2 unlucky")
	for range 2 {
		s = again(t, s.dir)
		testkit.Must(t, s.cmd.Start())
		if status := s.ended(); status != 9 || !runs(child) {
			t.Fatalf("status %d, want 9, and the child to run: %s", status, s.text())
		}
	}
	install(t, s.dir, "3")
	s = again(t, s.dir).start(t)
	if state := s.ask(t, "state"); !strings.Contains(state, "terminal/"+strconv.Itoa(child)) {
		t.Errorf("the next node has %q", state)
	}
}

// What is to be kept is never ended: not during an upgrade, not while no node runs, and not by a node that hangs.
func TestKeep_Always(t *testing.T) {
	t.Parallel()
	for how, prepared := range map[string]func(*supervised){
		"upgrade": func(s *supervised) {
			install(t, s.dir, "2 slow")
			pid := s.node(t)
			unix.Kill(s.cmd.Process.Pid, unix.SIGUSR2)
			testkit.Eventually(t, "the node has left", func() bool { return !runs(pid) })
		},
		"crashes": func(s *supervised) { s.crashLoop(t) },
		"hangs":   func(s *supervised) { unix.Kill(s.node(t), unix.SIGSTOP) },
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, "1")
			if how != "crashes" { // else no crash would be the second in a row
				s.cmd.Env = append(s.cmd.Env, testHasty+"=1")
			}
			s.start(t)
			child, err := strconv.Atoi(s.ask(t, "child terminal cat"))
			testkit.Must(t, err)
			prepared(s)
			testkit.Eventually(t, "it is kept", func() bool {
				text, err := s.command("keep")
				return err == nil && strings.Contains(text, "keep running")
			})
			if s.ended(); !runs(child) {
				t.Error("the child has ended")
			}
			if text, err := s.command("keep"); err != nil || !strings.Contains(text, "already") || !runs(child) {
				t.Errorf("again: %q, %v", text, err)
			}
			s.command("stop") //nolint:errcheck // the test is over
		})
	}
}

// A holder ends with the last process that it holds, and when it is told to.
func TestKeep_HolderEnds(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"child", "stop"} {
		s := prepare(t, "1").start(t)
		control := filepath.Join(s.dir, "control.sock")
		child, err := strconv.Atoi(s.ask(t, "child terminal cat"))
		testkit.Must(t, err)
		if _, err := Do(t.Context(), control, "keep"); err != nil {
			t.Fatal(err)
		}
		if how == "child" {
			unix.Kill(child, unix.SIGKILL)
		} else if _, err := Do(t.Context(), control, "stop"); err != nil {
			t.Error(err)
		}
		testkit.Eventually(t, "the child has ended", func() bool { return !runs(child) })
		testkit.Eventually(t, "nobody listens", func() bool {
			_, err := Do(t.Context(), control, "nothing")
			return os.IsNotExist(err) ||
				err != nil && strings.Contains(err.Error(), "no such file")
		})
	}
}
