package repl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// lockedArg makes a child process restrict itself and then try what must fail: os.Args[2] is a writable file,
// os.Args[3] a listening TCP address, os.Args[4] a listening Unix socket.
const lockedArg = "be-locked"

func init() { children[lockedArg] = runLocked }

// runLocked reports each attempt as JSON: "" if it succeeded.
func runLocked() int {
	file, tcp, socket := os.Args[2], os.Args[3], os.Args[4]
	parent := os.Getppid()
	if err := lock(); err != nil {
		fmt.Println(err)
		return 1
	}
	attempts := map[string]func() error{
		"read a file":              func() error { _, err := os.ReadFile(file); return err },
		"write a file":             func() error { return os.WriteFile(file, []byte("x"), 0o600) },
		"remove a file":            func() error { return os.Remove(file) },
		"list a directory":         func() error { _, err := os.ReadDir("/"); return err },
		"run a program":            func() error { return exec.Command("/bin/true").Run() },
		"become a program":         func() error { return syscall.Exec("/bin/true", []string{"true"}, nil) },
		"connect by TCP":           func() error { return dialed(net.Dial("tcp", tcp)) },
		"send by UDP":              func() error { return dialed(net.Dial("udp", tcp)) },
		"connect to a unix socket": func() error { return dialed(net.Dial("unix", socket)) },
		"listen":                   func() error { l, err := net.Listen("tcp", "[::1]:0"); closeIf(l, err); return err },
		"signal the parent":        func() error { return syscall.Kill(parent, 0) },
		"signal all":               func() error { return syscall.Kill(-1, 0) },
		"read the parent's environ": func() error {
			_, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", parent))
			return err
		},
		"read the parent's memory":     func() error { return peek(parent) },
		"trace the parent":             func() error { return syscall.PtraceAttach(parent) },
		"take the parent's descriptor": func() error { _, err := unix.PidfdOpen(parent, 0); return err },
		"grow a file that is open":     func() error { _, err := os.Stderr.Write([]byte("x")); return err },
	}
	results := map[string]string{}
	for name, try := range attempts {
		if err := try(); err != nil {
			results[name] = err.Error()
		} else {
			results[name] = ""
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		return 1
	}
	io.Copy(io.Discard, os.Stdin) //nolint:errcheck // stays until the test has inspected it
	return 0
}

func dialed(conn net.Conn, err error) error {
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte("x"))
	return err
}

func closeIf(l net.Listener, err error) {
	if err == nil {
		l.Close() //nolint:errcheck // it was an attempt
	}
}

func peek(pid int) error {
	buf := make([]byte, 8)
	_, err := unix.ProcessVMReadv(
		pid, []unix.Iovec{{Base: &buf[0], Len: 8}}, []unix.RemoteIovec{{Base: 0x400000, Len: 8}}, 0,
	)
	return err
}

// A sandbox can reach only its supervisor, whatever user it runs as.
func TestNoWayOut(t *testing.T) {
	t.Parallel()
	for _, p := range Protections() {
		t.Logf("%s (%s): %v", p.Name, p.What, p.Active)
	}
	if ps := Protections(); !ps[0].Active && !ps[1].Active {
		t.Skip("this kernel has neither seccomp filters nor Landlock")
	}
	users := []*syscall.Credential{nil}
	if os.Geteuid() == 0 {
		users = append(users, &syscall.Credential{Uid: 65534, Gid: 65534})
	}
	for _, user := range users {
		name := "as the tests' user"
		if user != nil {
			name = "as nobody"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what, err := range attempts(t, user) {
				if err == "" {
					t.Errorf("it can %s", what)
				}
			}
		})
	}
}

// attempts starts a child that tries what must fail, and returns the error of each attempt.
func attempts(t *testing.T, user *syscall.Credential) (results map[string]string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "convoy") // another user cannot enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file, exe := filepath.Join(dir, "file"), filepath.Join(dir, "child")
	copyFile(t, os.Args[0], exe)
	if err := os.WriteFile(file, []byte("secret"), 0o666); err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o777)  //nolint:errcheck // the attempts would show it
	os.Chmod(file, 0o666) //nolint:errcheck // the attempts would show it
	tcp, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	grows, err := os.Create(filepath.Join(dir, "grows"))
	if err != nil {
		t.Fatal(err)
	}
	defer grows.Close()
	cmd := exec.Command(exe, lockedArg, file, tcp.Addr().String(), socket.Addr().String())
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	var out strings.Builder
	cmd.Stderr = grows
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(io.TeeReader(stdout, &out)).Decode(&results); err != nil || len(results) < 17 {
		t.Errorf("%v: %s", err, out.String())
	}
	checkThreads(t, cmd.Process.Pid)
	in.Close() //nolint:errcheck // Wait closes it too
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadFile(file); err != nil || string(left) != "secret" {
		t.Errorf("the file holds %q, %v", left, err)
	}
	return results
}

// checkThreads checks that all threads of a locked process have the niceness and the filter. On Linux each thread has
// its own (setpriority(2), seccomp(2)).
func checkThreads(t *testing.T, pid int) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(threads) < 2 {
		t.Fatalf("threads: %v, %v", threads, err)
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(thread + "/stat")
		status, err2 := os.ReadFile(thread + "/status")
		if err != nil || err2 != nil {
			continue // it has just ended
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if nice := fields[16]; nice != strconv.Itoa(niceness) {
			t.Errorf("%s has a niceness of %s, want %d", thread, nice, niceness)
		}
		if seccompAvailable() && !regexp.MustCompile(`NoNewPrivs:\t1\nSeccomp:\t2\n`).Match(status) {
			t.Errorf("%s has no filter:\n%s", thread, status)
		}
	}
}

// copyFile copies in another process: a file that this process wrote may still be open in a child that is being
// started, and then cannot be executed (ETXTBSY).
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if output, err := exec.Command("install", "-m", "755", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
}
