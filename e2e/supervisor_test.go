//go:build linux

package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

// supervisorBytes bounds what a supervisor has in memory.
const supervisorBytes = 8 << 20

// startSupervised starts a node from a copy of this program, with a data directory and a port of its own.
func startSupervised(t *testing.T, args ...string) (p process, exe, data string) {
	t.Helper()
	addr, dir := testkit.FreeAddr(t), t.TempDir()
	exe, data = filepath.Join(dir, "convoy"), filepath.Join(dir, "data")
	replaceProgram(t, exe)
	args = append(args, "-addr", addr, "-data", data, "-system-shell", "first")
	cmd := exec.Command(exe, append(aloneArgs("super.test"), args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return process{startCommand(t, cmd), cmd}, exe, data
}

// replaceProgram writes a copy of this program to a file that may be in use.
func replaceProgram(t *testing.T, exe string) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/exe")
	testkit.Must(t, err)
	testkit.Must(t, os.WriteFile(exe+".new", text, 0o700))
	testkit.Must(t, os.Rename(exe+".new", exe))
}

// upgrade upgrades a node to the program that is there now. On a busy machine, one that is slow to start is refused.
func upgrade(t *testing.T, exe, data string) {
	t.Helper()
	testkit.Eventually(t, "the node is upgraded", func() bool {
		text, err := command(exe, "upgrade", "-data", data)
		return err == nil && strings.HasPrefix(text, "upgraded to convoy ")
	})
}

// anotherNode waits until another process than the one before serves.
func (p process) anotherNode(t *testing.T, before int) (pid int) {
	t.Helper()
	testkit.Eventually(t, "another process serves", func() bool {
		pid = testkit.NodeOf(p.cmd.Process.Pid)
		_, err := p.Nodes(testkit.Context(t))
		return err == nil && pid != before && pid != p.cmd.Process.Pid
	})
	return pid
}

// command runs convoy with the environment of a test's nodes.
func command(exe string, args ...string) (string, error) {
	cmd := exec.Command(exe, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), asProcess + "=1"}
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// A node that is killed is followed by another at once, whose supervisor stays small.
func TestSupervisor_NodeKilled(t *testing.T) {
	t.Parallel()
	p, _, _ := startSupervised(t)
	node := testkit.NodeOf(p.cmd.Process.Pid)
	for range 2 {
		testkit.Must(t, syscall.Kill(node, syscall.SIGKILL))
		node = p.anotherNode(t, node)
	}
	if own := ownBytes(t, p.cmd.Process.Pid); own > supervisorBytes {
		t.Errorf("the supervisor has %d KiB of its own", own>>10)
	}
	testkit.Must(t, syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT)) // as Ctrl-C does: to both of them
	p.cmd.Wait()                                                      //nolint:errcheck // the status has it
	if status := p.cmd.ProcessState.ExitCode(); status != 0 {
		t.Errorf("status %d", status)
	}
}

// ownBytes is the memory of a process that is no file's, which it would share with the node.
func ownBytes(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	testkit.Must(t, err)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); fields[0] == "RssAnon:" {
			kib, err := strconv.Atoi(fields[1])
			testkit.Must(t, err)
			return kib << 10
		}
	}
	t.Fatal("the kernel does not report it")
	return 0
}

// A node that was killed finds the others again by itself, without DNS: here somebody who has never heard of it is at
// the address of a member.
func TestSupervisor_Rejoins(t *testing.T) {
	t.Parallel()
	p, _, _ := startSupervised(t)
	supervisor, node := p.cmd.Process.Pid, testkit.NodeOf(p.cmd.Process.Pid)
	t.Cleanup(func() { syscall.Kill(supervisor, syscall.SIGCONT) }) //nolint:errcheck // the test may have failed before
	member := startProcess(t, "member.test", "localhost:0")
	member.connect(t, p)
	testkit.Eventually(t, "both know each other", func() bool { return p.knows("convoy@member.test") })
	list, err := member.Nodes(testkit.Context(t))
	testkit.Must(t, err)
	at, err := netip.ParseAddrPort(list[slices.IndexFunc(list, func(one client.Node) bool { return one.Self })].Address)
	testkit.Must(t, err)

	testkit.Must(t, syscall.Kill(supervisor, syscall.SIGSTOP)) // so that no other node starts yet
	testkit.Must(t, syscall.Kill(node, syscall.SIGKILL))
	testkit.Must(t, member.cmd.Process.Signal(syscall.SIGTERM))
	testkit.Must(t, member.cmd.Wait())
	args := append(aloneArgs("other.test"), "-addr", "localhost:0", "-port", fmt.Sprint(at.Port()))
	cmd := exec.Command(os.Args[0], args...)
	other := process{startCommand(t, cmd), cmd}
	testkit.Must(t, syscall.Kill(supervisor, syscall.SIGCONT))
	testkit.Eventually(t, "it has joined", func() bool { return other.knows("convoy@super.test") })
}

// knows reports whether a node lists another one as alive.
func (p process) knows(name string) bool {
	list, err := p.Nodes(context.Background())
	return err == nil && has(name, "alive")(list)
}

// convoy upgrade replaces the node, or says why it does not.
func TestSupervisor_Upgrade(t *testing.T) {
	t.Parallel()
	p, exe, data := startSupervised(t)
	node := testkit.NodeOf(p.cmd.Process.Pid)
	replaceProgram(t, exe)
	upgrade(t, exe, data)
	node = p.anotherNode(t, node)

	testkit.Must(t, os.Remove(exe))
	testkit.Must(t, os.WriteFile(exe, []byte("garbage"), 0o700))
	text, err := command("/proc/self/exe", "upgrade", "-data", data, "convoy@super.test")
	if err == nil || !strings.Contains(text, "not upgraded, the old version continues: ") {
		t.Errorf("upgrade to garbage: %q, %v", text, err)
	}
	if now := testkit.NodeOf(p.cmd.Process.Pid); now != node {
		t.Error("another node runs")
	}
	s, err := p.Open(testkit.Context(t), "convoy@super.test") // by helpers of the program that runs, not of the file
	testkit.Must(t, err)
	term, err := p.Attach(testkit.Context(t), s, -1)
	testkit.Must(t, err)
	defer term.Close()
	testkit.Must(t, term.Type(testkit.Context(t), "echo works$((1+1))\r"))
	testkit.Must(t, term.WaitFor(testkit.Context(t), "works2"))

	text, err = command("/proc/self/exe", "stop", "-data", data)
	if err != nil || text != "stopped\n" {
		t.Errorf("stop: %q, %v", text, err)
	}
	if text, err = command("/proc/self/exe", "stop", "-data", data); err == nil || !strings.Contains(text, "hint: ") {
		t.Errorf("stop again: %q, %v", text, err)
	}
}

// anotherNodeOf waits until a supervisor has another node than the one before.
func anotherNodeOf(t *testing.T, supervisor, before int) (pid int) {
	t.Helper()
	testkit.Eventually(t, "another process is the node", func() bool {
		pid = testkit.NodeOf(supervisor)
		return pid != before && pid != supervisor
	})
	return pid
}

// A spawned node that crashes comes back under its own name, and its console's node does not notice an end.
func TestSupervisor_SpawnedNodeKilled(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	made := n.spawnAlive(t)
	pid := processOf(t, n, made.Name)
	node := testkit.NodeOf(pid)
	testkit.Must(t, syscall.Kill(node, syscall.SIGKILL))
	node = anotherNodeOf(t, pid, node)
	n.until(t, "it is alive again", has(made.Name, "alive"))
	// An upgrade waits for a node that serves.
	testkit.Eventually(t, "it was upgraded", func() bool {
		testkit.Must(t, syscall.Kill(pid, syscall.SIGUSR2))
		now := testkit.NodeOf(pid)
		return now != node && now != pid
	})
	n.until(t, "it is alive again", has(made.Name, "alive"))
	testkit.Must(t, n.Retire(testkit.Context(t), made.Name))
	n.until(t, made.Name+" is gone", has(made.Name, ""))
	testkit.Eventually(t, "its processes have ended", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
}
