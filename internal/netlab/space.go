//go:build linux

package netlab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	runDir = "/run/netns" // where ip keeps the namespaces that have names
	etcDir = "/etc/netns" // what ip netns exec mounts over /etc
	prefix = "netlab"     // of all names
)

// space is a network namespace with a name.
type space struct {
	name string
	file *os.File // keeps it open
}

// openSpace opens a namespace that ip has made.
func openSpace(name string) (space, error) {
	f, err := os.Open(filepath.Join(runDir, name))
	return space{name, f}, err
}

// inside runs f on a thread that is in the namespace. Sockets and processes that f
// makes belong there and stay there. f must not fail the test itself.
func (s space) inside(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if unix.Gettid() == unix.Getpid() {
			done <- s.inside(f) // the main thread cannot end; while it is held here, another one is taken
			runtime.UnlockOSThread()
			return
		}
		if err := unix.Setns(int(s.file.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter namespace %s: %w", s.name, err)
			return
		}
		done <- f()
	}()
	return <-done
}

// ip gives lines to ip, to be done in the namespace.
func (s space) ip(lines ...string) error {
	return run(strings.Join(lines, "\n")+"\n", "ip", "-n", s.name, "-batch", "-")
}

// run runs a program that reads input; what it complains of is the error.
func run(input, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	return runIn(cmd, input)
}

func runIn(cmd *exec.Cmd, input string) error {
	var complaint bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, complaint.String())
	}
	return nil
}

// remove kills what still runs in the namespace, and removes it.
func (s space) remove() error {
	for _, pid := range processes(s.name) {
		unix.Kill(pid, unix.SIGKILL)
	}
	s.file.Close()
	os.RemoveAll(filepath.Join(etcDir, s.name))
	return run("", "ip", "netns", "del", s.name)
}

// processes are those in the namespace of that name, all started by a test.
func processes(name string) (pids []int) {
	out, err := exec.Command("ip", "netns", "pids", name).Output()
	if err != nil {
		return nil
	}
	for _, word := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(word); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}
