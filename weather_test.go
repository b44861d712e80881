package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/client"
)

// asProcess is the variable that makes the test binary a node, with its arguments.
const asProcess = "CONVOY_TEST_PROCESS"

// process is a node in a process of its own, that can be killed.
type process struct {
	*client.Client
	cmd *exec.Cmd
}

// startProcess starts a node that makes no others, whose console listens at addr; the test's end stops it.
func startProcess(t *testing.T, host, addr string) process {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	out := &output{changed: make(chan struct{})}
	cmd := exec.Command(exe, "-addr", addr, "-provider", "none", "-host", host, "-query", "", "-bind", loopback().String(), "-port", "0", "-call-port", "0", "-log", "json", "-shell", "bash --norc --noprofile")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "LANG=C.UTF-8", asProcess + "=1", "CONVOY_COOKIE=" + testCookie, "CONVOY_TOKEN=a-token-of-the-tests"}
	cmd.Stdout, cmd.Stderr = out, out
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have been killed
		cmd.Wait()                          //nolint:errcheck // as above
	})
	said := out.line(soon(t), t, "log in at ")
	c := client.New(strings.TrimSuffix(strings.Fields(said)[3], "/"), "a-token-of-the-tests")
	t.Cleanup(c.Close)
	return process{c, cmd}
}

// connect introduces two nodes.
func (p process) connect(t *testing.T, other process) {
	t.Helper()
	list, err := other.Nodes(soon(t))
	must(t, err)
	for _, one := range list {
		if !one.Self {
			continue
		}
		var answer struct{ Connected bool }
		must(t, p.Do(soon(t), http.MethodPost, "/peers", fmt.Appendf(nil, `{"target":%q}`, one.Address), &answer))
		if !answer.Connected {
			t.Fatalf("not connected to %s", one.Name)
		}
	}
}

// freeAddr is an address of this machine where nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// counting prints rows with the shell's process until a line is typed.
const counting = `stty -echo; (i=0; while sleep 0.01; do echo "row $((++i)) of $$"; done) & read line; kill %1; wait; echo "read <$line> in $$"; stty echo`

// The node that serves the page is killed while a shell of another node counts, and comes back without knowing of
// anybody. The tab goes on by itself: the same program, every row once, and what was typed meanwhile is typed once.
func TestBrowser_ConsoleKilledAndBack(t *testing.T) {
	owner, other, addr := startProcess(t, "owner.test", "127.0.0.1:0"), startProcess(t, "other.test", "127.0.0.1:0"), freeAddr(t)
	console := startProcess(t, "console.test", addr)
	other.connect(t, owner)
	console.connect(t, owner)
	s, err := owner.Open(soon(t), "owner")
	must(t, err)
	p := browse(t, &running{Client: console.Client}, addr)
	p.Do(`window.untouched = true`)
	waitPrompt(p, s.Key())
	enter(p, s.Key(), counting)
	p.WaitScreen(s.Key(), "\nrow ")

	kill(t, console.cmd.Process.Pid)
	console.cmd.Wait() //nolint:errcheck // killed
	p.Type("typed while it was dead, ")
	p.Wait(`document.body.dataset.link !== "open"`)
	console = startProcess(t, "console.test", addr)
	p.Wait(`document.body.dataset.link === "open"`)
	p.Type("while it knew nobody, ")
	console.connect(t, owner)
	p.Wait(fmt.Sprintf(`document.querySelector('%s')?.dataset.status === "alive"`, card("convoy@other.test")))
	p.Type("and now")
	p.Press("Enter")
	p.WaitScreen(s.Key(), "and now> in ")
	checkCounting(t, p, s, "typed while it was dead, while it knew nobody, and now")
	if !browser.Eval[bool](p, `window.untouched && document.querySelector("#link").hidden`) {
		t.Error("the page was loaded anew, or complains of its connection")
	}
	var now client.Shell
	must(t, owner.Do(soon(t), http.MethodGet, s.Path(), nil, &now))
	if !now.Running || now.PID != s.PID {
		t.Errorf("the shell is %+v, was %+v", now, s)
	}
	p.Clean()
}

// checkCounting checks that a terminal has every row of counting once, in order, by the shell's own process, and then
// the line that was typed.
func checkCounting(t *testing.T, p *browser.Page, s client.Shell, typed string) {
	t.Helper()
	all := browser.Eval[string](p, fmt.Sprintf(`convoy.panes.get(%q).text(true)`, s.Key()))
	rows := regexp.MustCompile(`(?m)^row (\d+) of (\d+)$`).FindAllStringSubmatch(all, -1)
	for i, row := range rows {
		if row[1] != strconv.Itoa(i+1) || row[2] != strconv.Itoa(s.PID) {
			t.Fatalf("row %d is %q, want one of process %d", i+1, row[0], s.PID)
		}
	}
	if want := fmt.Sprintf("\nread <%s> in %d\n", typed, s.PID); !strings.Contains(all, want) {
		t.Errorf("%d rows, then %q, want %q", len(rows), all[max(0, len(all)-300):], want)
	}
}
