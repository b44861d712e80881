package e2e

import (
	"context"
	"crypto/rand"
	"errors"
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
	testkit.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	testkit.Must(t, os.Chmod(dir, 0o755))
	if len(args) > 0 {
		testkit.Must(t, os.Chown(dir, uid, uid))
	}
	exe, data := filepath.Join(dir, "convoy"), filepath.Join(dir, "data")
	testkit.Must(t, exec.Command("cp", os.Args[0], exe).Run())
	testkit.Must(t, os.Mkdir(data, 0o700))
	testkit.Must(t, os.Chown(data, uid, uid))
	out := &output{changed: make(chan struct{})}
	cmd := exec.Command(
		exe,
		append(
			[]string{
				"-addr",
				"localhost:0",
				"-provider",
				"none",
				"-host",
				"convoy.test",
				"-bind",
				loopback,
				"-port",
				"0",
				"-call-port",
				"0",
				"-log",
				"json",
				"-data",
				data,
				"-system-shell",
				"first",
				"-shell",
				"bash --norc --noprofile",
			},
			args...)...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + os.TempDir(),
		"LANG=C.UTF-8",
		asProcess + "=1",
		"CONVOY_COOKIE=" + testCookie,
		"CONVOY_TOKEN=a-token-of-the-tests",
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", out, out
	as := &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	if uid == 0 {
		as.Groups = []uint32{1, 2} // which its shells must not have
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	many := syscall.Rlimit{Cur: 1 << 17, Max: 1 << 17}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &many); err != nil { // so that there is something to lower
		t.Logf("the limit of descriptors may be low already: %v", err)
	}
	testkit.Must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // a test may have shown that it can be ended
		cmd.Wait()                          //nolint:errcheck // as above
	})
	said := out.line(testkit.Context(t), t, "log in at ")
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
	found := regexp.MustCompile(`Calls and streams, TCP</th><td>[^<]*:(\d+)</td>`).FindStringSubmatch(n.page(t))
	if found == nil {
		t.Fatal("the page does not tell the port of calls")
	}
	return found[1]
}

// page is the node's page of details.
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

// TestConfinement_Attacks has a system shell try what the threat model says that it cannot, on a node of root and on
// one without rights.
func TestConfinement_Attacks(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"as root": nil, "as nobody": nil,
		"as nobody, strictly": {"-confine", "strict"}} {
		uid := nobody
		if name == "as root" {
			uid = 0
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if uid != 0 && confine.LandlockVersion() < 6 {
				t.Skip(
					"this kernel's Landlock does not keep signals apart, so a node and its shells of one user are not kept apart",
				)
			}
			n := startConfined(t, uid, args...)
			testkit.Must(t, os.WriteFile(filepath.Join(n.data, "users"), []byte("# secret-of-the-store\n"), 0o600))
			testkit.Must(t, os.Chown(filepath.Join(n.data, "users"), uid, uid))
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
				[ "$(ulimit -Hc)" != 0 ] && echo ${y}KED-core
				[ "$(cat /proc/self/oom_score_adj)" -lt 500 ] && echo ${y}KED-oom
				[ "$(ulimit -Hn)" -le 65536 ] || echo ${y}KED-many-files
				[ "$(ulimit -Hu)" = 1024 ] || [ $(id -u) = %d ] || echo ${y}KED-many-processes
				id -G | tr ' ' '\n' | grep -vE "^$(id -g)$|^[2-5][0-9]{4}$|^[0-9]{9,10}$" && echo ${y}KED-groups
				python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("\0%s")' && echo ${y}KED-abstract
				exec 9<>/dev/tcp/localhost/%s && printf 'POST /call/node.info HTTP/1.1\r\nHost: x\r\n\r\n' >&9 &&
					head -c1 <&9 | grep . && echo ${y}KED-call`, n.pid, n.data, uid, abstractSocket(t), n.callPort(t)))
			if strings.Contains(said, "WORKED-") {
				t.Errorf("attacks worked:\n%s", said)
			}
			if strings.Contains(said, "secret-of-the-store") || strings.Contains(said, testCookie) {
				t.Error("a shell has seen a secret")
			}
			if text, err := os.ReadFile(
				filepath.Join(n.data, "users"),
			); err != nil ||
				string(text) != "# secret-of-the-store\n" {
				t.Errorf("the store holds %q, %v", text, err)
			}
			// What a shell is for goes on working.
			said = n.says(t, `
				cd && d=$(mktemp -d) && echo hello >$d/a && mv $d/a $d/b && grep -q hello $d/b && rm -r $d && echo ${y}KS-files
				sleep 1000 & kill $! && echo ${y}KS-kill
				[ -w $(tty) ] && echo ${y}KS-tty
				[ -d "$HOME" ] && echo ${y}KS-home-$(id -u)
				cat /proc/self/environ >/dev/null && echo ${y}KS-proc`)
			for _, want := range []string{"WORKS-files", "WORKS-kill", "WORKS-tty", fmt.Sprintf("WORKS-home-%d", n.user),
				"WORKS-proc"} {
				if !strings.Contains(said, want) {
					t.Errorf("no %s:\n%s", want, said)
				}
			}
			n.checkFiles(t)
			n.checkShield(t, name)
			n.checkNotDumpable(t)
		})
	}
}

// TestConfinement_AsRoot: shells that are root by -system-user root have the machine, but neither this node's memory
// nor its descriptors, and no more than programs get from their parents.
func TestConfinement_AsRoot(t *testing.T) {
	t.Parallel()
	if confine.LandlockVersion() < 6 {
		t.Skip("this kernel's Landlock does not keep signals apart")
	}
	n := startConfined(t, 0, "-system-user", "root")
	said := n.says(t, fmt.Sprintf(`
		N=%d
		[ $(id -u) = 0 ] && echo ${y}KS-root
		head -c1 /proc/$N/mem && echo ${y}KED-mem
		tr '\0' '\n' </proc/$N/environ | grep -E 'COOKIE|TOKEN' && echo ${y}KED-environ
		for f in /proc/$N/fd/*; do readlink $f && echo ${y}KED-fd; done
		kill -0 $N && echo ${y}KED-kill
		grep -q 'NoNewPrivs:.*0' /proc/self/status && echo ${y}KED-nnp
		[ "$(ulimit -Hc)" != 0 ] && echo ${y}KED-core
		env | grep -E 'COOKIE|TOKEN' && echo ${y}KED-env
		python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("\0%s")' && echo ${y}KED-abstract`, n.pid,
		abstractSocket(t)))
	if !strings.Contains(said, "WORKS-root") || strings.Contains(said, "WORKED-") {
		t.Errorf("a shell of root:\n%s", said)
	}
	if page := n.page(t); strings.Contains(page, `data-state="full"`) {
		t.Error("the shield says full of shells that are root")
	}
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

// checkNotDumpable: what a process that is not dumpable has in /proc is root's (proc(5)).
func (n confinedNode) checkNotDumpable(t *testing.T) {
	t.Helper()
	info, err := os.Stat(fmt.Sprintf("/proc/%d/environ", n.pid))
	testkit.Must(t, err)
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 {
		t.Errorf("the node's /proc is user %d's: it is dumpable", owner)
	}
}

// checkShield: the page tells of each attempt, and "full" is said only of another user.
func (n confinedNode) checkShield(t *testing.T, name string) {
	t.Helper()
	page := n.page(t)
	for _, what := range []string{
		confine.ReadEnviron, confine.ReadMemory, confine.ReadFDs, confine.Trace, confine.Kill, confine.ReadStore,
		confine.Terminals, confine.Sockets,
	} {
		if !strings.Contains(page, "cannot "+strings.ReplaceAll(what, "'", "&#39;")) {
			t.Errorf("the page does not tell of the attempt to %s", what)
		}
	}
	want := map[string][]string{
		"as root": {`data-state="full"`, "can neither read nor end this node"},
		"as nobody": {
			`data-state="partial"`,
			"A system shell can " + confine.Terminals + ", and have the node user&#39;s other programs act for it",
			"it runs as the node&#39;s own user",
		},
		"as nobody, strictly": {
			`data-state="partial"`,
			"can neither read nor end this node",
			"it runs as the node&#39;s own user",
		},
	}
	for _, text := range want[name] {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
}

// TestConfinement_Terminals has one system shell read and write the terminals of another and of a Convoy shell. Where
// that is not refused the shield says so. The programs that want a terminal of their own go on working.
func TestConfinement_Terminals(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"as root": nil, "as nobody": nil,
		"as nobody, strictly": {"-confine", "strict"}} {
		uid := nobody
		if name == "as root" {
			uid = 0
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if confine.LandlockVersion() == 0 {
				t.Skip("without Landlock a program gets at the descriptors of its user's other programs")
			}
			n := startConfined(t, uid, args...)
			victim, convoy := n.opens(t, "system"), n.opens(t, "convoy")
			testkit.Must(t, victim.WaitFor(testkit.Context(t), "$ "))
			testkit.Must(t, victim.Type(testkit.Context(t), "echo at=$(tty) pid=$$ en'ded'; sleep 1000\r"))
			testkit.Must(t, victim.WaitFor(testkit.Context(t), "ended"))
			found := regexp.MustCompile(`at=(/dev/pts/\d+) pid=(\d+)`).FindSubmatch(victim.Bytes())
			testkit.Must(t, convoy.WaitFor(testkit.Context(t), "Convoy shell on"))
			said := n.says(t, fmt.Sprintf(`
				for f in %s %s; do
				timeout 1 cat $f; [ $? = 124 ] && echo ${y}KED-read-$f
				echo hello-from-afar >$f && echo ${y}KED-write-$f
				done
				P=%s
				for f in /proc/$P/fd/*; do echo >$f && echo ${y}KED-proc; done
				kill -0 $P && echo ${y}KED-kill`, found[1], n.terminal(t, "convoy"), found[2]))
			works := regexp.MustCompile(`WORKED-[a-z0-9/-]+`).FindAllString(said, -1)
			var want []string
			if name == "as nobody" { // and the shield says so
				want = []string{"WORKED-read-" + string(found[1]), "WORKED-write-" + string(found[1])}
			}
			if !slices.Equal(works, want) {
				t.Errorf("worked: %q, want %q:\n%s", works, want, said)
			}
			if want != nil {
				testkit.Must(t, victim.WaitFor(testkit.Context(t), "from-afar"))
			} else if strings.Contains(string(victim.Bytes()), "from-afar") {
				t.Error("the other shell's screen was written")
			}
			if strings.Contains(string(convoy.Bytes()), "from-afar") {
				t.Error("the Convoy shell's screen was written")
			}
			n.checkOwnTerminal(t, name != "as nobody, strictly")
		})
	}
}

// checkOwnTerminal: a shell's own terminal is all that it is elsewhere, and with pairs programs make further ones.
func (n confinedNode) checkOwnTerminal(t *testing.T, pairs bool) {
	t.Helper()
	term := n.opens(t, "system")
	for i, one := range []struct { // tmux is the last: what the terminal answers to its questions may come after it
		program, line string
		pairs         bool
	}{
		{"tty", `tty | grep -q ^/dev/pts/`, false},
		{"stty", `stty size <$(tty) >$(tty)`, false},
		{"stty", `stty size </dev/tty && echo >/dev/tty`, false},
		{"sh", `sh -c 'echo >/dev/stderr && exec 3<>/dev/stdin'`, false},
		{"stty", `stty -echo && stty echo`, false},
		{"vim", `vim -u NONE -c q`, false},
		{"less", `less -FX /etc/hostname`, false},
		{"script", `script -qc true /dev/null`, true},
		{"python3", `python3 -c 'import getpass, sys; sys.exit(getpass.getpass("pass""word?") != "abc")'`, false},
		{"tmux", `T=$(mktemp -d); SHELL=/bin/sh tmux -S $T/s -f /dev/null new-session "echo in-tmux >$T/out"; grep -q ` +
			`in-tmux $T/out`, true},
	} {
		if _, err := exec.LookPath(one.program); err != nil || one.pairs && !pairs {
			continue
		}
		testkit.Must(t, term.Type(testkit.Context(t), fmt.Sprintf("%s; echo status'=%d-'$?.\r", one.line, i)))
		if strings.Contains(one.line, "getpass") { // what is typed before it asks is thrown away
			testkit.Must(t, term.WaitFor(testkit.Context(t), "password?"))
			testkit.Must(t, term.Type(testkit.Context(t), "abc\r"))
		}
		testkit.Must(t, term.WaitFor(testkit.Context(t), fmt.Sprintf("status=%d-", i)))
		testkit.Must(t, term.WaitFor(testkit.Context(t), fmt.Sprintf("status=%d-0.", i)))
	}
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

// checkFiles: what goes to a shell and comes from it goes with the shell's power, not with the node's.
func (n confinedNode) checkFiles(t *testing.T) {
	t.Helper()
	s, err := n.Open(testkit.Context(t), "convoy")
	testkit.Must(t, err)
	at := "/nodes/convoy/shells/" + s.ID + "/files?"
	var refused *client.Problem
	if err := n.Do(
		testkit.Context(t),
		http.MethodGet,
		at+"path="+n.data+"/users",
		nil,
		nil,
	); !errors.As(err, &refused) ||
		refused.Status != http.StatusForbidden {
		t.Errorf("what the node keeps is given away as a file: %v", err)
	}
	var put struct{ Name, Dir string }
	testkit.Must(t, n.Do(testkit.Context(t), http.MethodPost, at+"name=convoy-test-upload", []byte("hello"), &put))
	path := filepath.Join(put.Dir, put.Name)
	defer os.Remove(path)
	info, err := os.Stat(path)
	testkit.Must(t, err)
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != n.user {
		t.Errorf("an uploaded file is user %d's, want %d's", owner, n.user)
	}
}

// TestConfinement_Directory: a shell's directory is entered with its own power, so which directories there are is told
// to nobody who could not see it; and a Convoy shell has none.
func TestConfinement_Directory(t *testing.T) {
	t.Parallel()
	n := startConfined(t, 0)
	closed := filepath.Join(filepath.Dir(n.data), "closed")
	testkit.Must(t, os.MkdirAll(filepath.Join(closed, "secret-project"), 0o755))
	testkit.Must(t, os.Chmod(closed, 0o700))
	open := func(kind, dir string) (s struct{ Dir, Hint string }, err error) {
		body := fmt.Sprintf(`{"kind": %q, "dir": %q}`, kind, dir)
		return s, n.Do(testkit.Context(t), http.MethodPost, "/nodes/convoy/shells", []byte(body), &s)
	}
	usual, err := open("system", "")
	testkit.Must(t, err)
	for _, dir := range []string{filepath.Join(closed, "secret-project"), filepath.Join(closed, "nothing"), closed,
		"/nothing"} {
		s, err := open("system", dir)
		testkit.Must(t, err)
		want := fmt.Sprintf("there is no directory %q that the shell can enter; it starts in the default directory", dir)
		if s.Dir != usual.Dir || s.Hint != want {
			t.Errorf("%s: in %q, hint %q; want %q, %q", dir, s.Dir, s.Hint, usual.Dir, want)
		}
		var refused *client.Problem
		if _, err := open("convoy", dir); !errors.As(err, &refused) || refused.Status != http.StatusBadRequest ||
			refused.Text != "a Convoy shell has no working directory" {
			t.Errorf("a Convoy shell in %s: %v", dir, err)
		}
	}
	if s, err := open("system", "/usr"); err != nil || s.Dir != "/usr" || s.Hint != "" {
		t.Errorf("in /usr: %+v, %v", s, err)
	}
	// Were it asked for all the same, the step that gives up power would not get there.
	plan := confine.Plan{User: &confine.User{UID: nobody, GID: nobody, Name: "nobody", Home: "/usr"}}
	step := exec.Command(os.Args[0], "confined", plan.String(), "run", "sh", "-c", "pwd; echo $PWD")
	step.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=/usr",
		"PWD=" + filepath.Join(closed, "secret-project"),
		asProcess + "=1",
	}
	text, err := step.CombinedOutput()
	want := fmt.Sprintf("this shell starts in /usr: chdir %s/secret-project: permission denied\n/usr\n/usr\n", closed)
	if err != nil || string(text) != want {
		t.Errorf("the step says %q, %v; want %q", text, err, want)
	}
}

// TestConfinement_OthersOfTheUser asks the other programs of a node's user, which are not confined, to act for a shell:
// by a tmux server's socket, by its memory, by signals. By sockets it works where the shield says that it does, and
// nowhere else.
func TestConfinement_OthersOfTheUser(t *testing.T) {
	t.Parallel()
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		t.Skip("there is no tmux")
	}
	for name, args := range map[string][]string{"as nobody": nil, "as nobody, strictly": {"-confine", "strict"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if confine.LandlockVersion() < 6 {
				t.Skip("this kernel's Landlock does not keep signals apart")
			}
			n := startConfined(t, nobody, args...)
			dir, err := os.MkdirTemp("", "convoy-test-")
			testkit.Must(t, err)
			t.Cleanup(func() { os.RemoveAll(dir) })
			testkit.Must(t, os.Chown(dir, nobody, nobody))
			run := func(args ...string) string {
				cmd := exec.Command(tmux, append([]string{"-S", dir + "/s", "-f", "/dev/null"}, args...)...)
				cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SHELL=/bin/sh"}
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
				text, err := cmd.CombinedOutput()
				testkit.Must(t, err)
				return strings.TrimSpace(string(text))
			}
			run("new-session", "-d", "sleep 1000")
			t.Cleanup(func() { run("kill-server") })
			server := run("display-message", "-p", "#{pid}")
			said := n.says(t, fmt.Sprintf(`
				S=%s P=%s N=%d
				tmux -S $S/s run-shell "grep NoNewPrivs /proc/self/status >$S/out; kill -0 $N && echo killable >>$S/out" &&
					echo ${y}KED-socket
				for f in mem environ fd/0; do head -c1 /proc/$P/$f && echo ${y}KED-$f; done
				kill -0 $P && echo ${y}KED-kill
				python3 -c 'import socket; socket.socket(socket.AF_UNIX)' && echo ${y}KED-make
				python3 -c 'import socket; socket.socketpair(type=socket.SOCK_DGRAM)' && echo ${y}KED-datagrams
				python3 -c 'import socket; socket.socketpair()' && echo ${y}KS-pairs
				python3 -c 'import ctypes; c = ctypes.CDLL(None, use_errno=True); c.syscall(425, 1, 0); print("ring", ctypes.get_errno())'`,
				dir, server, n.pid))
			out, _ := os.ReadFile(dir + "/out")
			works := regexp.MustCompile(`WORKED-[a-z0-9/-]+`).FindAllString(said, -1)
			strict := len(args) > 0
			switch {
			case strict && len(works) > 0:
				t.Errorf("worked: %q:\n%s", works, said)
			case !strict && !slices.Contains(works, "WORKED-socket"), !strict && slices.Contains(works, "WORKED-kill"):
				t.Errorf("worked: %q:\n%s", works, said)
			}
			if got := string(out); (got != "") == strict {
				t.Errorf("tmux has done %q", got)
			}
			if _, err := exec.LookPath("python3"); err != nil {
				return
			}
			if !strings.Contains(said, "WORKS-pairs") || strict != strings.Contains(said, "ring 13\r") {
				t.Errorf("pairs of sockets, or io_uring:\n%s", said)
			}
		})
	}
}
