//go:build linux

package supervisor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
)

const (
	// testDir is the variable with the directory of a test whose node this process is.
	testDir = "CONVOY_TEST_DIR"
	// testHasty makes a supervisor less patient.
	testHasty = "CONVOY_TEST_HASTY"
	// testSecret is a secret that nodes get.
	testSecret = "a-secret-of-the-test"
)

// init makes this process what a test wants; Run needs the main thread.
func init() {
	if os.Getenv(testDir) == "" {
		return
	}
	if os.Getenv(testHasty) != "" {
		upgradeWait, longLife, tidyWait = 5*time.Second, 0, time.Second
	}
	switch {
	case Wanted():
		os.Exit(Run())
	case len(os.Args) == 2 && os.Args[1] == "version":
		fmt.Println("convoy", trailer())
		os.Exit(0)
	case !Supervised():
		fmt.Fprintln(os.Stderr, Exec([]byte(testSecret), os.Environ()))
		os.Exit(1)
	}
	os.Exit(testNode())
}

// trailer is what a test has written behind the program in its file: a version, and perhaps a fault.
func trailer() string {
	exe, _ := os.ReadFile("/proc/self/exe") //nolint:errcheck // then there is none
	i := bytes.LastIndexByte(exe, '\n')
	return string(exe[i+1:])
}

// testNode is a node that does what tests ask it over its socket, and returns its status.
func testNode() int {
	for file := filepath.Join(os.Getenv(testDir), "blocked"); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(file); err != nil {
			break
		}
	}
	c, err := Connect()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	version, fault, _ := strings.Cut(trailer(), " ")
	switch fault {
	case "bad":
		c.Failed(errors.New("it is bad"))
		return 4
	case "slow":
		<-c.Done()
	}
	n := &tested{Client: c, version: version}
	n.secrets, _ = readAll(os.Getenv(SecretsFD)) //nolint:errcheck // then there are none
	if err := n.prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 5
	}
	if fault == "unlucky" {
		return 9
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go n.serve()
	if err := c.Ready(version); err != nil {
		return 6
	}
	if fault == "crashing" {
		return 7
	}
	select {
	case <-c.Leave():
	case <-c.Done():
		return 8
	case <-stop:
		if n.stubborn.Load() {
			n.stopped.Store(true)
			select {}
		}
	}
	return 0
}

// tested is the node of a test.
type tested struct {
	*Client
	version  string
	secrets  []byte
	entries  []Entry
	listener net.Listener
	line     string      // from standard input, of a spawned node
	stubborn atomic.Bool // it does not stop
	stopped  atomic.Bool // although it was told to
}

// prepare reads what a spawned node reads, takes the listener of the predecessor, or creates one.
func (n *tested) prepare() error {
	dir := os.Getenv(testDir)
	if len(os.Args) > 1 && os.Args[1] == SpawnedFlag {
		in := bufio.NewReader(os.Stdin)
		n.line, _ = in.ReadString('\n') //nolint:errcheck // then it is empty
		go func() {
			in.ReadByte() //nolint:errcheck // only its end matters
			os.Exit(0)
		}()
		ready := os.NewFile(3, "ready")
		fmt.Fprintln(ready, "ready")
		ready.Close()
	}
	if err := n.Listen(filepath.Join(dir, "control.sock")); err != nil {
		return err
	}
	n.entries = n.Entries()
	for _, e := range n.entries {
		if e.Name == "listener" {
			var err error
			n.listener, err = net.FileListener(e.Files[0])
			return err
		}
	}
	os.Remove(filepath.Join(dir, "node.sock")) //nolint:errcheck // of a node that was stopped
	listener, err := net.Listen("unix", filepath.Join(dir, "node.sock"))
	if err != nil {
		return err
	}
	n.listener = listener
	file, err := listener.(*net.UnixListener).File()
	if err != nil {
		return err
	}
	return n.Put(Entry{Name: "listener", Files: []*os.File{file}})
}

// serve answers one line to each connection's line.
func (n *tested) serve() {
	for {
		conn, err := n.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			line, _ := bufio.NewReader(conn).ReadString('\n') //nolint:errcheck // then it is empty
			word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			fmt.Fprintln(conn, n.answer(word, rest))
		}()
	}
}

func (n *tested) answer(word, rest string) string {
	switch word {
	case "state":
		var names []string
		for _, e := range n.entries {
			names = append(names, fmt.Sprintf("%s/%d/%s/%d", e.Name, e.Pid, e.Data, len(e.Files)))
		}
		return fmt.Sprintf("%d %s %s %s %s", os.Getpid(), n.version, n.secrets, strings.TrimSpace(n.line),
			strings.Join(names, " "))
	case "child": // NAME SCRIPT: an entry with the process, and its standard input's other end
		name, script, _ := strings.Cut(rest, " ")
		in, out, _ := os.Pipe() //nolint:errcheck // the next step fails
		cmd := exec.Command("sh", "-c", script)
		cmd.Stdin = in
		if err := cmd.Start(); err != nil {
			return err.Error()
		}
		in.Close()
		err := n.Put(Entry{Name: name, Pid: cmd.Process.Pid, Data: []byte("of " + name), Files: []*os.File{out}})
		if err != nil {
			return err.Error()
		}
		if name == "reaped" {
			cmd.Wait() //nolint:errcheck // its end is all that matters
		}
		return strconv.Itoa(cmd.Process.Pid)
	case "shell": // SCRIPT: an entry with a terminal and its process
		return n.shell(rest)
	case "wait":
		pid, _ := strconv.Atoi(rest) //nolint:errcheck // then nothing ends
		status, err := n.Wait(context.Background(), pid)
		return fmt.Sprint(status.ExitStatus(), " ", err)
	case "write": // NAME: one byte into an entry's file
		for _, e := range n.entries {
			if e.Name == rest {
				_, err := e.Files[0].Write([]byte("x"))
				return fmt.Sprint(err)
			}
		}
	case "stubborn":
		n.stubborn.Store(true)
	case "stopped":
		return fmt.Sprint(n.stopped.Load())
	case "panic":
		go panic("told to")
	}
	return "ok"
}

// shell starts a script on a terminal of its own, and returns its pid.
func (n *tested) shell(script string) string {
	ptmx, tty, err := pty.Open()
	if err != nil {
		return err.Error()
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	if err := n.Put(Entry{Name: "shell", Pid: cmd.Process.Pid, Files: []*os.File{ptmx, tty}}); err != nil {
		return err.Error()
	}
	return strconv.Itoa(cmd.Process.Pid)
}

// supervised is a supervisor that a test has started.
type supervised struct {
	dir string
	cmd *exec.Cmd
	log *os.File // its standard error
}

// install writes the program's file of a test, with a version and perhaps a fault.
func install(t *testing.T, dir, version string) {
	t.Helper()
	exe, err := os.ReadFile("/proc/self/exe")
	testkit.Must(t, err)
	writeProgram(t, filepath.Join(dir, "new"), append(append(exe, '\n'), version...))
	testkit.Must(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "convoy")))
}

// writeProgram writes a file that can be executed at once: no process that starts meanwhile inherits it, open for
// writing.
func writeProgram(t *testing.T, path string, text []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	testkit.Must(t, os.WriteFile(path, text, 0o755))
}

// prepare returns a supervisor that is not started, in a directory of its own.
func prepare(t *testing.T, version string, args ...string) *supervised {
	t.Helper()
	dir, err := os.MkdirTemp("", "supervisor") // its path is short enough for a socket
	testkit.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	install(t, dir, version)
	return again(t, dir, args...)
}

// again prepares another supervisor in a directory.
func again(t *testing.T, dir string, args ...string) *supervised {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	testkit.Must(t, err)
	t.Cleanup(func() { log.Close() })
	cmd := exec.Command(filepath.Join(dir, "convoy"), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), testDir + "=" + dir}
	cmd.Stderr = log
	return &supervised{dir, cmd, log}
}

// start starts it, and waits until its node serves. The end of the test kills both.
func (s *supervised) start(t *testing.T) *supervised {
	t.Helper()
	testkit.Must(t, s.cmd.Start())
	t.Cleanup(func() {
		s.cmd.Process.Kill() //nolint:errcheck // it may have ended
		s.cmd.Wait()         //nolint:errcheck // as above
	})
	testkit.Eventually(t, "the node serves", func() bool { _, err := s.try("state"); return err == nil })
	return s
}

// try asks the node, for an answer in one line.
func (s *supervised) try(line string) (string, error) {
	conn, err := net.Dial("unix", filepath.Join(s.dir, "node.sock"))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, line); err != nil {
		return "", err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(answer), err
}

// ask is try of a node that answers.
func (s *supervised) ask(t *testing.T, line string) string {
	t.Helper()
	answer, err := s.try(line)
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, s.text())
	}
	return answer
}

// node is the pid of the node.
func (s *supervised) node(t *testing.T) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.Fields(s.ask(t, "state"))[0])
	testkit.Must(t, err)
	return pid
}

// kill kills the node, and returns the pid of the next one.
func (s *supervised) kill(t *testing.T) int {
	t.Helper()
	old := s.node(t)
	unix.Kill(old, unix.SIGKILL)
	return s.after(t, old)
}

// after waits for another node than the one with that pid.
func (s *supervised) after(t *testing.T, old int) (pid int) {
	t.Helper()
	testkit.Eventually(t, "another node serves", func() bool {
		state, err := s.try("state")
		if err == nil {
			pid, _ = strconv.Atoi(strings.Fields(state)[0]) //nolint:errcheck // then it is 0
		}
		return err == nil && pid != old
	})
	return pid
}

// ended waits for the supervisor, and returns its status.
func (s *supervised) ended() int {
	s.cmd.Wait() //nolint:errcheck // the status has it
	return s.cmd.ProcessState.ExitCode()
}

// text is what the supervisor has printed.
func (s *supervised) text() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log")) //nolint:errcheck // then it is empty
	return string(text)
}

// runs reports whether a process exists that is no zombie.
func runs(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(status), "State:\tZ")
}
