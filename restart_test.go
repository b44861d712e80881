package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/client"
)

// beConvoy makes the test program Convoy itself: some tests need a process that they can kill.
const beConvoy = "BE_CONVOY"

// consoleProcess is a node in a process of its own, whose console is always at the same place.
type consoleProcess struct {
	*client.Client
	cmd  *exec.Cmd
	args []string
	env  []string
}

func newConsoleProcess(t *testing.T) *consoleProcess {
	t.Helper()
	ports := freePorts(t, 3)
	addr := fmt.Sprintf("localhost:%d", ports[0])
	c := &consoleProcess{Client: client.New("http://"+addr, "a-token-of-the-tests"),
		args: []string{"-addr", addr, "-provider", "none", "-host", "console.test", "-query", "", "-bind", loopback().String(),
			"-port", strconv.Itoa(ports[1]), "-call-port", strconv.Itoa(ports[2]), "-log", "json"},
		env: []string{beConvoy + "=1", "CONVOY_COOKIE=" + testCookie, "CONVOY_TOKEN=a-token-of-the-tests", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "SHELL=/bin/sh"}}
	t.Cleanup(func() { c.kill(); c.Client.Close() })
	c.start(t)
	return c
}

// freePorts are ports of the loopback that nobody listens at.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "localhost:0")
		must(t, err)
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// start runs the process, and returns when it serves.
func (c *consoleProcess) start(t *testing.T) {
	t.Helper()
	c.cmd = exec.Command(os.Args[0], c.args...)
	c.cmd.Env = c.env
	out, err := c.cmd.StdoutPipe()
	must(t, err)
	must(t, c.cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"node started"`) {
			go func() { // ends with the process
				for lines.Scan() {
				}
			}()
			return
		}
	}
	t.Fatalf("the console has not started: %v", c.cmd.Wait())
}

// kill ends the process at once, as kill -9 does.
func (c *consoleProcess) kill() {
	c.cmd.Process.Kill() //nolint:errcheck // it may have ended
	c.cmd.Wait()         //nolint:errcheck // killed
}

// A shell outlives the console that it is seen through: kill -9 of that node while a program runs on another, and after
// its restart the tab shows the same process again, by itself, with everything that it put out meanwhile.
func TestBrowser_ConsoleKilledAndBack(t *testing.T) {
	owner := startByHand(t, "owner.test", "-shell", "bash --norc --noprofile")
	console := newConsoleProcess(t)
	connect := func() {
		t.Helper()
		var answer struct {
			Connected bool
			Reason    string
		}
		must(t, console.Do(soon(t), "POST", "/peers", fmt.Appendf(nil, `{"target":%q}`, owner.gossip()), &answer))
		if !answer.Connected {
			t.Fatal(answer.Reason)
		}
	}
	connect()
	s, err := console.Open(soon(t), owner.cfg.name)
	must(t, err)
	p := browser.Shared(t).Open(t, console.Base+"/?token="+console.Token)
	waitPrompt(p, s.Key())
	enter(p, s.Key(), "for i in $(seq 1 400); do echo tick $i; sleep 0.01; done; echo pid $$")
	p.WaitScreen(s.Key(), "tick 20\n")
	console.kill()
	p.Wait(`document.body.dataset.link !== "open"`)
	console.start(t)
	connect()
	p.WaitScreen(s.Key(), fmt.Sprintf("tick 400\npid %d", s.PID))
	text := browser.Eval[string](p, fmt.Sprintf(`convoy.panes.get(%q).text(true)`, s.Key()))
	var want strings.Builder
	for i := 1; i <= 400; i++ {
		fmt.Fprintf(&want, "tick %d\n", i)
	}
	if !strings.Contains(text, want.String()) {
		t.Errorf("rows are missing, or come twice:\n%s", text)
	}
	enter(p, s.Key(), "echo still''-there")
	p.WaitScreen(s.Key(), "still-there")
	if stale := browser.Eval[bool](p, `document.querySelector("#link").dataset.state === "stale"`); stale {
		t.Error("the page calls itself out of date though the build is the same")
	}
}
