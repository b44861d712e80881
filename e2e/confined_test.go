package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"convoy/confine"
	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/version"
)

// confinedNode is a node in a process of its own whose system shells are confined.
type confinedNode struct {
	*client.Client
	pid, supervisor int
	data            string
	user            int // of its system shells
}

// startConfined starts one as a user. It keeps its files below where only root makes any, or with arguments where its
// own user does as well.
func startConfined(t *testing.T, uid int, args ...string) confinedNode {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can start a node as root and as another user")
	}
	if runtime.GOOS != "linux" {
		t.Skip("/proc and Landlock are Linux'")
	}
	exe, data := placeConfined(t, uid, len(args) > 0)
	args = append(args, "-addr", "localhost:0", "-data", data, "-system-shell", "first")
	cmd := exec.Command(exe, append(aloneArgs("convoy.test"), args...)...)
	cmd.Dir = "/"
	as := &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	if uid == 0 {
		as.Groups = []uint32{1, 2} // which its shells must not have
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	many := syscall.Rlimit{Cur: 1 << 17, Max: 1 << 17}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &many); err != nil { // so that there is something to lower
		t.Logf("the limit of descriptors may be low already: %v", err)
	}
	n := confinedNode{Client: startCommand(t, cmd), supervisor: cmd.Process.Pid, data: data, user: uid}
	n.pid = testkit.NodeOf(n.supervisor)
	if uid == 0 {
		n.user = 10001
	}
	return n
}

// placeConfined makes a directory with the program and a data directory of a user, who may own the whole.
func placeConfined(t *testing.T, uid int, owned bool) (exe, data string) {
	t.Helper()
	dir, err := os.MkdirTemp("/var/lib", "convoy-test-")
	testkit.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	testkit.Must(t, os.Chmod(dir, 0o755))
	if owned {
		testkit.Must(t, os.Chown(dir, uid, uid))
	}
	exe, data = filepath.Join(dir, "convoy"), filepath.Join(dir, "data")
	testkit.Must(t, exec.Command("cp", os.Args[0], exe).Run())
	testkit.Must(t, os.Mkdir(data, 0o700))
	testkit.Must(t, os.Chown(data, uid, uid))
	return exe, data
}

// says runs lines in a new system shell, and returns all that it wrote.
func (n confinedNode) says(t *testing.T, script string) string {
	t.Helper()
	s, err := n.Open(testkit.Context(t), "convoy")
	testkit.Must(t, err)
	term, err := n.Attach(context.Background(), s, -1)
	testkit.Must(t, err)
	defer term.Close()
	testkit.Must(t, term.Type(testkit.Context(t), "y=WOR\r"))
	for line := range strings.Lines(script) {
		testkit.Must(t, term.Type(testkit.Context(t), strings.TrimSpace(line)+"\r"))
	}
	testkit.Must(t, term.Type(testkit.Context(t), "echo done-$((1+1))\r"))
	testkit.Must(t, term.WaitFor(testkit.Context(t), "done-2"))
	return string(term.Bytes())
}

// callPort is the port of calls between nodes, as the page of details tells it.
func (n confinedNode) callPort(t *testing.T) string {
	t.Helper()
	port := regexp.MustCompile(`Calls and streams, TCP</th><td>[^<]*:(\d+)</td>`)
	var found []string
	testkit.Eventually(t, "the page tells the port of calls", func() bool {
		found = port.FindStringSubmatch(n.page(t))
		return found != nil
	})
	return found[1]
}

// page is the node's page of details. It lacks what the node does not report in time.
func (n confinedNode) page(t *testing.T) string {
	t.Helper()
	request, err := http.NewRequestWithContext(testkit.Context(t), http.MethodGet, n.Base+"/nodes/convoy", nil)
	testkit.Must(t, err)
	request.Header.Set("Authorization", "Bearer "+n.Token)
	request.Header.Set("Accept", "text/html")
	answer, err := n.HTTP.Do(request)
	testkit.Must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	testkit.Must(t, err)
	return string(text)
}

// terminal is the path of the terminal of the first shell of a kind.
func (n confinedNode) terminal(t *testing.T, kind string) string {
	t.Helper()
	var list []client.Shell
	testkit.Must(t, n.Do(testkit.Context(t), http.MethodGet, "/nodes/convoy/shells", nil, &list))
	i := slices.IndexFunc(list, func(s client.Shell) bool { return s.Kind == kind })
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/0", list[i].PID))
	testkit.Must(t, err)
	return path
}

// opens opens a shell of a kind, which is closed at the end of the test.
func (n confinedNode) opens(t *testing.T, kind string) *client.Terminal {
	t.Helper()
	var s client.Shell
	testkit.Must(t, n.Do(testkit.Context(t), http.MethodPost, "/nodes/convoy/shells", []byte(`{"kind":"`+kind+`"}`), &s))
	term, err := n.Attach(context.Background(), s, -1)
	testkit.Must(t, err)
	t.Cleanup(term.Close)
	return term
}

// abstractSocket listens at an abstract socket of the test's, and returns its name without the byte 0 before it.
func abstractSocket(t *testing.T) string {
	t.Helper()
	name := "convoy-test-" + rand.Text()
	socket, err := net.Listen("unix", "@"+name)
	testkit.Must(t, err)
	t.Cleanup(func() { socket.Close() })
	conn, err := net.Dial("unix", "@"+name) // who is not confined can connect
	testkit.Must(t, err)
	testkit.Must(t, conn.Close())
	return name
}

// A confined process becomes its program before the packages initialize that take long.
func TestConfined_StartsEarly(t *testing.T) {
	t.Parallel()
	startsEarly(t, "here\n", "confined", confine.Plan{}.String(), "run", "echo", "here")
}

func TestVersion_StartsEarly(t *testing.T) {
	t.Parallel()
	startsEarly(t, "convoy "+version.String()+"\n", "version")
}

// startsEarly checks that this program prints something before the packages initialize that take long.
func startsEarly(t *testing.T, want string, args ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace strings.Builder
	cmd.Stderr = &trace
	out, err := cmd.Output()
	testkit.Must(t, err)
	if string(out) != want || !strings.Contains(trace.String(), "init runtime @") {
		t.Fatalf("it prints %q, and traces %q", out, trace.String())
	}
	for _, late := range []string{
		"net", "net/http", "convoy/access", "github.com/prometheus/client_golang/prometheus",
		"github.com/yuin/goldmark/extension",
	} {
		if strings.Contains(trace.String(), "init "+late+" @") {
			t.Errorf("%s initializes first", late)
		}
	}
	if args[0] == confine.Subcommand && strings.Contains(trace.String(), "init regexp @") {
		t.Error("regexp initializes first")
	}
}
