package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

// asProcess is the variable that makes the test binary a node, with its arguments.
const asProcess = "CONVOY_TEST_PROCESS"

// aloneArgs are the arguments of a node that spawns no others and polls nothing.
func aloneArgs(host string) []string {
	return []string{
		"-provider", "none", "-host", host, "-query", "", "-bind", loopback, "-port", "0", "-call-port", "0",
	}
}

// startCommand starts a node in a process of its own, which the test's end stops, and returns a client of its console.
func startCommand(t *testing.T, cmd *exec.Cmd) *client.Client {
	t.Helper()
	out := &output{changed: make(chan struct{})}
	cmd.Args = append(cmd.Args, "-log", "json")
	if !slices.Contains(cmd.Args, "-shell") {
		cmd.Args = append(cmd.Args, "-shell", "bash --norc --noprofile")
	}
	cmd.Env = append(
		cmd.Env,
		"PATH="+os.Getenv("PATH"),
		"HOME="+os.TempDir(),
		"LANG=C.UTF-8",
		asProcess+"=1",
		"CONVOY_COOKIE="+testCookie,
		"CONVOY_TOKEN="+testToken,
	)
	cmd.Stdout, cmd.Stderr = out, out
	testkit.Must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have been killed
		cmd.Wait()                          //nolint:errcheck // as above
	})
	link := strings.Fields(out.line(testkit.Context(t), t, "log in at "))[3]
	c := client.New(strings.TrimSuffix(link, "/"), testToken)
	t.Cleanup(c.Close)
	return c
}

// process is a node in a process of its own, that can be killed.
type process struct {
	*client.Client
	cmd *exec.Cmd
}

// startProcess starts a node that spawns no others, whose console listens at addr; the test's end stops it.
func startProcess(t *testing.T, host, addr string) process {
	t.Helper()
	cmd := exec.Command(os.Args[0], append(aloneArgs(host), "-addr", addr, "-system-shell", "first")...)
	return process{startCommand(t, cmd), cmd}
}

// connect introduces two nodes.
func (p process) connect(t *testing.T, other process) {
	t.Helper()
	list, err := other.Nodes(testkit.Context(t))
	testkit.Must(t, err)
	for _, one := range list {
		if !one.Self {
			continue
		}
		target := fmt.Appendf(nil, `{"target":%q}`, one.Address)
		testkit.Eventually(t, "it is connected to "+one.Name, func() bool { // a node tries for some seconds
			var answer struct{ Connected bool }
			testkit.Must(t, p.Do(testkit.Context(t), http.MethodPost, "/peers", target, &answer))
			return answer.Connected
		})
	}
}

// pidOf reads the provider's id of a node, "pid 4242".
func pidOf(t *testing.T, id string) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimPrefix(id, "pid "))
	if err != nil || pid <= 1 {
		t.Fatalf("id %q names no process", id)
	}
	return pid
}

// processOf is the process of a spawned node's supervisor.
func processOf(t *testing.T, n *running, name string) int {
	t.Helper()
	list, err := n.Nodes(testkit.Context(t))
	testkit.Must(t, err)
	for _, one := range list {
		if one.Name == name {
			return pidOf(t, one.ID)
		}
	}
	t.Fatalf("no node %s", name)
	return 0
}

// gone returns whether a process that runs now has ended, then. Another one may have its number soon.
func gone(pid string) func() bool {
	started := func() string {
		text, _ := os.ReadFile("/proc/" + pid + "/stat") //nolint:errcheck // then it is gone
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 20 || fields[0] == "Z" {
			return ""
		}
		return fields[19]
	}
	when := started()
	return func() bool { return started() != when || when == "" }
}

// kill ends a supervisor and its node as the end of their machine does: neither notices the end of the other.
func kill(t *testing.T, pid int) {
	t.Helper()
	testkit.Must(t, syscall.Kill(pid, syscall.SIGSTOP))
	testkit.Must(t, syscall.Kill(testkit.NodeOf(pid), syscall.SIGKILL))
	syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // it may have had no node
}

// stall stops a node, until the returned function lets it continue.
func stall(t *testing.T, pid int) (resume func()) {
	t.Helper()
	pid = testkit.NodeOf(pid)
	testkit.Must(t, syscall.Kill(pid, syscall.SIGSTOP))
	return func() { syscall.Kill(pid, syscall.SIGCONT) } //nolint:errcheck // it may be gone
}

// A node outlives the reader of its output, from its first line on.
func TestNode_OutlivesTheReaderOfItsOutput(t *testing.T) {
	t.Parallel()
	in, out, err := os.Pipe()
	testkit.Must(t, err)
	testkit.Must(t, in.Close())
	addr := testkit.FreeAddr(t) // nothing prints the port
	cmd := exec.Command(os.Args[0], append(aloneArgs("a.test"), "-addr", addr)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), asProcess + "=1",
		"CONVOY_COOKIE=" + testCookie, "CONVOY_TOKEN=" + testToken}
	cmd.Stdout, cmd.Stderr = out, out
	testkit.Must(t, cmd.Start())
	testkit.Must(t, out.Close())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	c := client.New("http://"+addr, testToken)
	t.Cleanup(c.Close)
	testkit.Eventually(t, "the node answers, or has ended", func() bool {
		_, err := c.Nodes(testkit.Context(t))
		return err == nil || len(ended) > 0
	})
	testkit.Must(t, cmd.Process.Signal(syscall.SIGTERM))
	if err := <-ended; err != nil {
		t.Errorf("the node ended with %v", err)
	}
}

// A node that is told to stop while it starts ends without an error.
func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	for range 20 {
		n := launch(t, nil)
		if status := n.ended(); status != 0 {
			t.Fatalf("exit status %d:\n%s", status, n.out.all())
		}
	}
}
