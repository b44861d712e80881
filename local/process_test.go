package local

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"convoy/internal/testkit"
)

// TestNoOrphans kills the parent process with SIGKILL. Its nodes hold a connection to this test while they live.
func TestNoOrphans(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	middle := exec.Command(os.Args[0], "child", "parent", socket)
	out, err := middle.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := middle.Start(); err != nil {
		t.Fatal(err)
	}
	defer middle.Wait() //nolint:errcheck // it is killed
	defer middle.Process.Kill()
	if line := readLineWithin(t, out); line != "ready" {
		t.Fatalf("the parent says %q", line)
	}
	var nodes []net.Conn
	for range 2 {
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		nodes = append(nodes, conn)
	}
	if err := middle.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, conn := range nodes {
		if err := conn.SetReadDeadline(time.Now().Add(testkit.Patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a node outlived its parent")
		}
	}
}

func TestNoSecretsInArgumentsOrEnvironment(t *testing.T) {
	t.Parallel()
	p := start(t, "node")
	p.cfg.Env = []string{
		"PATH=/bin", "HOME=/root", "LC_ALL=C.UTF-8", "TERM=dumb", "TZ=UTC",
		"CONVOY_COOKIE=" + cookie, "RAILWAY_TOKEN=" + token, "LD_PRELOAD=", "PATHS=x", "lc_all=x", "=odd",
	}
	_, pid := spawn(t, p, "one")
	for _, file := range []string{"cmdline", "environ"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		if err != nil {
			t.Fatal(err)
		}
		if s := string(b); strings.Contains(s, cookie) || strings.Contains(s, token) {
			t.Errorf("%s gives a secret away: %q", file, s)
		}
		if file != "environ" {
			continue
		}
		got := strings.Split(strings.Trim(string(b), "\x00"), "\x00")
		if want := p.cfg.Env[:5]; !sameSet(got, want) {
			t.Errorf("environment is %q, want %q", got, want)
		}
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// TestOwnEnvironmentIsScrubbed: without Env, a child gets the safe part of this process's environment. The test
// sets a variable, so it cannot run in parallel.
func TestOwnEnvironmentIsScrubbed(t *testing.T) {
	t.Setenv("CONVOY_COOKIE", cookie)
	t.Setenv("LC_TIME", "C")
	p := start(t, "node")
	_, pid := spawn(t, p, "one")
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), cookie) || !strings.Contains(string(b), "LC_TIME=C\x00") {
		t.Errorf("environment is %q", b)
	}
}

func TestNoStrayDescriptors(t *testing.T) {
	t.Parallel()
	p := start(t, "node")
	spawn(t, p, "one") // the other child must not inherit its pipes
	stray, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(stray)
	if err := clearCloseOnExec(stray); err != nil { // as if we had inherited it
		t.Fatal(err)
	}
	name, pid := spawn(t, p, "two")
	ready := p.children[name].ready
	if err := ready.SetReadDeadline(time.Now().Add(testkit.Patience)); err != nil {
		t.Fatal(err)
	}
	if n, err := ready.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("ready pipe after the line: %d bytes, %v, want its end", n, err)
	}
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		fd, _ := strconv.Atoi(e.Name())
		switch pipe := strings.HasPrefix(target, "pipe:"); {
		// Go opens these in the child
		case err != nil,
			fd <= 2 && pipe,
			strings.HasPrefix(target, "anon_inode:"),
			strings.HasPrefix(target, "/sys/fs/cgroup/"):
		default:
			t.Errorf("the child has descriptor %s: %s", e.Name(), target)
		}
	}
}

func clearCloseOnExec(fd int) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFD, 0); errno != 0 {
		return errno
	}
	return nil
}

func TestOwnProcessGroup(t *testing.T) {
	t.Parallel()
	p := start(t, "node")
	_, pid := spawn(t, p, "one")
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("process %d is in group %d, %v, want its own", pid, group, err)
	}
}
