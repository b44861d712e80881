package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"convoy/confine"
	"convoy/internal/client"
)

// confinedNode is a node in a process of its own whose system shells are confined.
type confinedNode struct {
	*client.Client
	pid  int
	data string
	user int // of its system shells
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
	dir, err := os.MkdirTemp("/var/lib", "convoy-test-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	if len(args) > 0 {
		must(t, os.Chown(dir, uid, uid))
	}
	exe, data := filepath.Join(dir, "convoy"), filepath.Join(dir, "data")
	must(t, exec.Command("cp", os.Args[0], exe).Run())
	must(t, os.Mkdir(data, 0o700))
	must(t, os.Chown(data, uid, uid))
	out := &output{changed: make(chan struct{})}
	cmd := exec.Command(exe, append([]string{"-addr", "localhost:0", "-provider", "none", "-host", "convoy.test", "-bind", loopback, "-port", "0", "-call-port", "0", "-log", "json", "-data", data,
		"-system-shell", "first", "-shell", "bash --norc --noprofile"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "LANG=C.UTF-8", asProcess + "=1", "CONVOY_COOKIE=" + testCookie, "CONVOY_TOKEN=a-token-of-the-tests"}
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // a test may have shown that it can be ended
		cmd.Wait()                          //nolint:errcheck // as above
	})
	said := out.line(soon(t), t, "log in at ")
	c := client.New(strings.TrimSuffix(strings.Fields(said)[3], "/"), "a-token-of-the-tests")
	t.Cleanup(c.Close)
	n := confinedNode{c, cmd.Process.Pid, data, uid}
	if uid == 0 {
		n.user = 10001
	}
	return n
}

// says runs lines in a new system shell, and returns all that it wrote.
func (n confinedNode) says(t *testing.T, script string) string {
	t.Helper()
	s, err := n.Open(soon(t), "convoy")
	must(t, err)
	term, err := n.Attach(context.Background(), s, -1)
	must(t, err)
	defer term.Close()
	must(t, term.Type(soon(t), "y=WOR\r"))
	for line := range strings.Lines(script) {
		must(t, term.Type(soon(t), strings.TrimSpace(line)+"\r"))
	}
	must(t, term.Type(soon(t), "echo done-$((1+1))\r"))
	must(t, term.WaitFor(soon(t), "done-2"))
	return string(term.Bytes())
}

// callPort is the port of calls between nodes, as the page of details tells it.
func (n confinedNode) callPort(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`Calls and streams, TCP</th><td>[^<]*:(\d+)</td>`).FindStringSubmatch(n.page(t))
	if found == nil {
		t.Fatal("the page does not tell the port of calls")
	}
	return found[1]
}

// page is the node's page of details.
func (n confinedNode) page(t *testing.T) string {
	t.Helper()
	request, err := http.NewRequestWithContext(soon(t), http.MethodGet, n.Base+"/nodes/convoy", nil)
	must(t, err)
	request.Header.Set("Authorization", "Bearer "+n.Token)
	request.Header.Set("Accept", "text/html")
	answer, err := n.HTTP.Do(request)
	must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	return string(text)
}

// TestConfinement_Attacks has a system shell try what the threat model says that it cannot, on a node of root and on
// one without rights.
func TestConfinement_Attacks(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"as root": nil, "as nobody": nil, "as nobody, strictly": {"-confine", "strict"}} {
		uid := nobody
		if name == "as root" {
			uid = 0
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if uid != 0 && confine.LandlockVersion() < 6 {
				t.Skip("this kernel's Landlock does not keep signals apart, so a node and its shells of one user are not kept apart")
			}
			n := startConfined(t, uid, args...)
			must(t, os.WriteFile(filepath.Join(n.data, "users"), []byte("# secret-of-the-store\n"), 0o600))
			must(t, os.Chown(filepath.Join(n.data, "users"), uid, uid))
			said := n.says(t, fmt.Sprintf(`
				N=%d D=%s
				for f in environ mem maps auxv; do head -c1 /proc/$N/$f && echo ${y}KED-$f; done
				ls /proc/$N/fd/ && echo ${y}KED-fd
				ls /proc/$N/cwd/ && echo ${y}KED-cwd
				kill -0 $N && echo ${y}KED-kill
				cat $D/users && echo ${y}KED-cat
				find $D -type f -exec cat {} + | grep . && echo ${y}KED-find
				echo x >>$D/users && echo ${y}KED-append
				: >$D/new && echo ${y}KED-new
				mkdir $D/dir && echo ${y}KED-mkdir
				mv $D/users $D/moved && echo ${y}KED-mv
				ln $D/users /tmp/convoy-link-$$ && echo ${y}KED-ln
				rm -f $D/users && echo ${y}KED-rm
				env | grep -E 'COOKIE|TOKEN' && echo ${y}KED-env
				grep -q 'NoNewPrivs:.*0' /proc/self/status && echo ${y}KED-nnp
				ls /proc/self/fd | grep -vE '^[0123]$' && echo ${y}KED-fds
				[ "$(ulimit -c)" != 0 ] && echo ${y}KED-core
				[ "$(cat /proc/self/oom_score_adj)" -lt 500 ] && echo ${y}KED-oom
				exec 9<>/dev/tcp/localhost/%s && printf 'POST /call/node.info HTTP/1.1\r\nHost: x\r\n\r\n' >&9 && head -c1 <&9 | grep . && echo ${y}KED-call`, n.pid, n.data, n.callPort(t)))
			if strings.Contains(said, "WORKED-") {
				t.Errorf("attacks worked:\n%s", said)
			}
			if strings.Contains(said, "secret-of-the-store") || strings.Contains(said, testCookie) {
				t.Error("a shell has seen a secret")
			}
			if text, err := os.ReadFile(filepath.Join(n.data, "users")); err != nil || string(text) != "# secret-of-the-store\n" {
				t.Errorf("the store holds %q, %v", text, err)
			}
			// What a shell is for goes on working.
			said = n.says(t, `
				cd && d=$(mktemp -d) && echo hello >$d/a && mv $d/a $d/b && grep -q hello $d/b && rm -r $d && echo ${y}KS-files
				sleep 1000 & kill $! && echo ${y}KS-kill
				[ -w $(tty) ] && echo ${y}KS-tty
				[ -d "$HOME" ] && echo ${y}KS-home-$(id -u)
				cat /proc/self/environ >/dev/null && echo ${y}KS-proc`)
			for _, want := range []string{"WORKS-files", "WORKS-kill", "WORKS-tty", fmt.Sprintf("WORKS-home-%d", n.user), "WORKS-proc"} {
				if !strings.Contains(said, want) {
					t.Errorf("no %s:\n%s", want, said)
				}
			}
			n.checkFiles(t)
			page := n.page(t)
			for _, what := range []string{confine.ReadEnviron, confine.ReadMemory, confine.ReadFDs, confine.Trace, confine.Kill, confine.ReadStore} {
				if !strings.Contains(page, "cannot "+strings.ReplaceAll(what, "'", "&#39;")) {
					t.Errorf("the page does not say that a shell cannot %s", what)
				}
			}
			if !strings.Contains(page, "can neither read nor end this node") {
				t.Error("the page does not say that nothing worked")
			}
		})
	}
}

// checkFiles: what goes to a shell and comes from it goes with the shell's power, not with the node's.
func (n confinedNode) checkFiles(t *testing.T) {
	t.Helper()
	s, err := n.Open(soon(t), "convoy")
	must(t, err)
	at := "/nodes/convoy/shells/" + s.ID + "/files?"
	var refused *client.Problem
	if err := n.Do(soon(t), http.MethodGet, at+"path="+n.data+"/users", nil, nil); !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
		t.Errorf("what the node keeps is given away as a file: %v", err)
	}
	var put struct{ Name, Dir string }
	must(t, n.Do(soon(t), http.MethodPost, at+"name=convoy-test-upload", []byte("hello"), &put))
	path := filepath.Join(put.Dir, put.Name)
	defer os.Remove(path)
	info, err := os.Stat(path)
	must(t, err)
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != n.user {
		t.Errorf("an uploaded file is user %d's, want %d's", owner, n.user)
	}
}
