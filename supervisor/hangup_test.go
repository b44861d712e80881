//go:build linux

package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
)

// What ignores the hang-up of its terminal ends with a supervisor that has no node, too: the leader and the job in the
// foreground.
func TestStop_WithoutNode(t *testing.T) {
	t.Parallel()
	for how, end := range map[string]func(*testing.T, *supervised){
		"crashes": func(t *testing.T, s *supervised) { s.crashLoop(t) },
		"holder": func(t *testing.T, s *supervised) {
			if _, err := s.command("keep"); err != nil {
				t.Error(err)
			}
		},
		"twice": func(t *testing.T, s *supervised) {
			s.ask(t, "stubborn")
			unix.Kill(s.cmd.Process.Pid, unix.SIGTERM)
			testkit.Eventually(t, "the node was told to stop", func() bool { return s.ask(t, "stopped") == "true" })
			unix.Kill(s.cmd.Process.Pid, unix.SIGTERM)
		},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, "1").start(t)
			leader, job := s.deafShell(t)
			end(t, s)
			if how != "twice" {
				if text, err := s.command("stop"); err != nil || text != "stopped" {
					t.Errorf("stop: %q, %v", text, err)
				}
			}
			s.ended()
			testkit.Eventually(t, "both have ended", func() bool { return !runs(leader) && !runs(job) })
		})
	}
}

// A supervisor without a node waits for the spawned nodes, which end when their standard input does.
func TestStop_WaitsForSpawned(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1").start(t)
	out := filepath.Join(s.dir, "out")
	s.ask(t, "child spawned read line; sleep 0.5; echo ended >"+out)
	s.crashLoop(t)
	if text, err := s.command("stop"); err != nil || text != "stopped" {
		t.Errorf("stop: %q, %v", text, err)
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "ended\n" {
		t.Errorf("the spawned node has not ended: %q, %v", text, err)
	}
}

// deafShell starts a shell that ignores HUP, with a job in the foreground that does, too.
func (s *supervised) deafShell(t *testing.T) (leader, job int) {
	t.Helper()
	file := filepath.Join(s.dir, "job")
	script := "trap '' HUP; set -m; sh -c 'echo $$ >" + file + "; while :; do sleep 1; done'"
	leader, err := strconv.Atoi(s.ask(t, "shell "+script))
	testkit.Must(t, err)
	testkit.Eventually(t, "the job runs", func() bool {
		text, _ := os.ReadFile(file) //nolint:errcheck // then it is empty
		job, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	})
	t.Cleanup(func() {
		unix.Kill(-leader, unix.SIGKILL)
		unix.Kill(-job, unix.SIGKILL)
	})
	return leader, job
}

// Process 1 cannot leave the shells to another process, because they would end with it.
func TestKeep_ProcessOne(t *testing.T) {
	t.Parallel()
	s := processOne(t)
	s.ask(t, "child terminal cat")
	if text, err := s.command("keep"); err == nil || !strings.Contains(err.Error(), "nothing was stopped") {
		t.Errorf("keep: %q, %v", text, err)
	}
	s.try("panic") //nolint:errcheck // it may end before it answers
	testkit.Eventually(t, "the next node has the child", func() bool {
		state, _ := s.try("state") //nolint:errcheck // then it is empty
		return strings.Contains(state, "terminal/")
	})
	if text, err := s.command("stop"); err != nil || text != "stopped" {
		t.Errorf("stop: %q, %v", text, err)
	}
}

// What the caller left open by mistake reaches neither the node nor, so, its shells.
func TestRun_LeakedDescriptors(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1")
	leaked, err := os.Open(filepath.Join(s.dir, "convoy"))
	testkit.Must(t, err)
	defer leaked.Close()
	for range 20 {
		s.cmd.ExtraFiles = append(s.cmd.ExtraFiles, leaked)
	}
	s.start(t)
	for _, pid := range []int{s.node(t), s.kill(t)} {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		testkit.Must(t, err)
		for _, file := range files {
			if target, _ := os.Readlink(file); target == leaked.Name() { //nolint:errcheck // it was closed meanwhile
				t.Errorf("the node has %s: %s", file, target)
			}
		}
	}
}
