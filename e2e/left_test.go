//go:build linux

package e2e

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

const leftShells = 200 // of TestShells_LeaveNothing

var leftRestarts = flag.Int("left-restarts", 15, "crashes and upgrades of TestShells_LeaveNothing")

// What shells have used is free again after they have ended, whatever happened to their node meanwhile: no process,
// shared memory, socket or descriptor is left. And whoever kills supervisor and node ends everything.
func TestShells_LeaveNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes ten seconds of processor time")
	}
	n := startTalkers(t, "left.test", "-shell", "cat")
	warm := n.openAll(t, 1) // the node keeps what its first shell has made
	before := n.restart(t, 0)
	n.closeAll(t, warm)
	var clean usage
	testkit.Eventually(t, "the supervisor has closed its descriptors", func() bool {
		clean = n.usageOf(t, before)
		return clean.memory == 0
	})

	shells := n.openAll(t, leftShells)
	full := n.usageOf(t, n.node(t.Context()))
	nodes := []int{before}
	for i := range *leftRestarts {
		nodes = append(nodes, n.restart(t, 1+i))
		n.closeAll(t, shells[:1])
		shells = append(shells[1:], n.openAll(t, 1)...)
	}
	t.Logf("with %d shells: %v; after %d restarts: %v", len(shells), full, len(nodes)-1, n.usageOf(t, nodes[len(nodes)-1]))
	n.closeAll(t, shells)
	var now usage
	defer func() { t.Logf("without: %v, at first %v", now, clean) }()
	testkit.Eventually(t, "all is free", func() bool {
		now = n.usageOf(t, nodes[len(nodes)-1])
		return now.within(clean)
	})
	running := below(t, n.cmd.Process.Pid) // elsewhere, another process may have a node's number
	for _, pid := range nodes[:len(nodes)-1] {
		if slices.Contains(running, pid) {
			t.Errorf("node %d still runs", pid)
		}
	}

	shells = n.openAll(t, 3)
	var ends []func() bool
	for _, s := range shells {
		ends = append(ends, gone(strconv.Itoa(s.PID)))
	}
	kill(t, n.cmd.Process.Pid)
	for _, ended := range ends {
		testkit.Eventually(t, "a shell ends with supervisor and node", ended)
	}
}

// openAll opens shells, some at a time.
func (n *talkers) openAll(t *testing.T, count int) []client.Shell {
	t.Helper()
	shells := make([]client.Shell, count)
	n.each(count, func(i int) {
		s, err := n.Open(t.Context(), "convoy@left.test")
		if err != nil || s.PID <= 0 {
			t.Errorf("open: %v, %+v", err, s)
		}
		shells[i] = s
	})
	if t.Failed() {
		t.FailNow()
	}
	return shells
}

// closeAll closes shells, whose programs have ended then.
func (n *talkers) closeAll(t *testing.T, shells []client.Shell) {
	t.Helper()
	n.each(len(shells), func(i int) {
		ended := gone(strconv.Itoa(shells[i].PID))
		if err := n.Do(t.Context(), http.MethodDelete, shells[i].Path(), nil, nil); err != nil {
			t.Error(err)
		}
		if !ended() {
			t.Errorf("process %d of a closed shell still runs", shells[i].PID)
		}
	})
}

// each calls do for 0 to count-1, four at a time.
func (n *talkers) each(count int, do func(i int)) {
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := worker; i < count; i += 4 {
				do(i)
			}
		})
	}
	group.Wait()
}

// restart kills the node, or upgrades it: in turn, so that no crash is the second in a row. It returns the next one.
func (n *talkers) restart(t *testing.T, round int) (pid int) {
	t.Helper()
	before := n.node(t.Context())
	if round%2 == 0 {
		testkit.Must(t, syscall.Kill(n.cmd.Process.Pid, syscall.SIGUSR2))
	} else {
		testkit.Must(t, syscall.Kill(before, syscall.SIGKILL))
	}
	return n.anotherNode(t, before)
}

// usage is what a supervisor and its node use.
type usage struct {
	supervisor, node int // descriptors
	memory           int // descriptors and mappings of shared memory, of both
	processes        int // below the supervisor
}

func (u usage) String() string {
	return fmt.Sprintf("%d descriptors of the supervisor, %d of the node, %d of shared memory, %d processes",
		u.supervisor, u.node, u.memory, u.processes)
}

// within reports whether it is not more than was used before, but for what the node opens at its first request, and the
// process that waits for its next shell.
func (u usage) within(before usage) bool {
	return u.supervisor <= before.supervisor && u.node <= before.node+8 && u.memory == 0 && u.processes <= 2
}

func (n *talkers) usageOf(t *testing.T, node int) (u usage) {
	t.Helper()
	n.Close() // the connections that the test does not use
	supervisor := n.cmd.Process.Pid
	for _, pid := range []int{supervisor, node} {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		testkit.Must(t, err)
		for _, file := range files {
			if target, _ := os.Readlink(file); strings.Contains(target, "memfd:convoy-shell") { //nolint:errcheck // closed
				u.memory++
			}
		}
		if pid == node {
			u.node = len(files)
		} else {
			u.supervisor = len(files)
		}
		maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
		testkit.Must(t, err)
		u.memory += strings.Count(string(maps), "memfd:convoy-shell")
	}
	u.processes = len(below(t, supervisor))
	return u
}

// below returns the processes that a process has started, and those have, and so on.
func below(t *testing.T, pid int) (all []int) {
	t.Helper()
	text, err := exec.Command("ps", "-e", "-o", "pid=,ppid=").Output()
	testkit.Must(t, err)
	children := map[int][]int{}
	for line := range strings.Lines(string(text)) {
		var child, parent int
		if _, err := fmt.Sscan(line, &child, &parent); err == nil {
			children[parent] = append(children[parent], child)
		}
	}
	for todo := children[pid]; len(todo) > 0; {
		all = append(all, todo[0])
		todo = append(todo[1:], children[todo[0]]...)
	}
	return all
}
