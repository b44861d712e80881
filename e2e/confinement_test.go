package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"convoy/confine"
	"convoy/confine/sandbox"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// confinements are the ways in which nodes confine system shells, with the arguments that ask for them.
var confinements = map[string][]string{
	"as root":             nil,
	"as nobody":           nil,
	"as nobody, strictly": {"-confine", "strict"},
}

// userOf is the user of a node that confines in one of these ways.
func userOf(confinement string) int {
	if confinement == "as root" {
		return 0
	}
	return nobody
}

// attacks are what a system shell must not be able to do; each that works prints WORKED. They take the node's process,
// its data directory and user, an abstract socket, and the port of calls.
const attacks = `
	N=%[1]d D=%[2]s
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
	[ "$(ulimit -Hu)" = 1024 ] || [ $(id -u) = %[3]d ] || echo ${y}KED-many-processes
	id -G | tr ' ' '\n' | grep -vE "^$(id -g)$|^[2-5][0-9]{4}$|^[0-9]{9,10}$" && echo ${y}KED-groups
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("\0%[4]s")' && echo ${y}KED-abstract
	exec 9<>/dev/tcp/localhost/%[5]s && printf 'POST /call/node.info HTTP/1.1\r\nHost: x\r\n\r\n' >&9 &&
		head -c1 <&9 | grep . && echo ${y}KED-call`

// shellWork is what a system shell is for; each part that works prints WORKS.
const shellWork = `
	cd && d=$(mktemp -d) && echo hello >$d/a && mv $d/a $d/b && grep -q hello $d/b && rm -r $d && echo ${y}KS-files
	sleep 1000 & kill $! && echo ${y}KS-kill
	[ -w $(tty) ] && echo ${y}KS-tty
	[ -d "$HOME" ] && echo ${y}KS-home-$(id -u)
	cat /proc/self/environ >/dev/null && echo ${y}KS-proc`

// TestConfinement_Attacks has a system shell try what the threat model says that it cannot, on a node of root and on
// one without rights.
func TestConfinement_Attacks(t *testing.T) {
	t.Parallel()
	for name, args := range confinements {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			uid := userOf(name)
			if uid != 0 && confine.LandlockVersion() < 6 {
				t.Skip("this kernel's Landlock does not keep signals of one user apart")
			}
			n := startConfined(t, uid, args...)
			n.checkAttacks(t, uid)
			n.checkWork(t)
			n.checkFiles(t)
			n.checkShield(t, name)
			n.checkNotDumpable(t)
		})
	}
}

// checkAttacks checks that no attack works, and that nothing of the node's changes or is seen.
func (n confinedNode) checkAttacks(t *testing.T, uid int) {
	t.Helper()
	const secret = "# secret-of-the-store\n"
	users := filepath.Join(n.data, "users")
	testkit.Must(t, os.WriteFile(users, []byte(secret), 0o600))
	testkit.Must(t, os.Chown(users, uid, uid))
	said := n.says(t, fmt.Sprintf(attacks, n.pid, n.data, uid, abstractSocket(t), n.callPort(t)))
	if strings.Contains(said, "WORKED-") {
		t.Errorf("attacks worked:\n%s", said)
	}
	if strings.Contains(said, "secret-of-the-store") || strings.Contains(said, testCookie) {
		t.Error("a shell has seen a secret")
	}
	if text, err := os.ReadFile(users); err != nil || string(text) != secret {
		t.Errorf("the store holds %q, %v", text, err)
	}
}

// checkWork checks that a shell can do what it is for.
func (n confinedNode) checkWork(t *testing.T) {
	t.Helper()
	said := n.says(t, shellWork)
	home := fmt.Sprintf("WORKS-home-%d", n.user)
	for _, want := range []string{"WORKS-files", "WORKS-kill", "WORKS-tty", home, "WORKS-proc"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %s:\n%s", want, said)
		}
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

// checkNotDumpable: what a process that is not dumpable has in /proc is root's (proc(5)).
func (n confinedNode) checkNotDumpable(t *testing.T) {
	t.Helper()
	for _, pid := range []int{n.pid, n.supervisor} {
		info, err := os.Stat(fmt.Sprintf("/proc/%d/environ", pid))
		testkit.Must(t, err)
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 || pid == 0 {
			t.Errorf("the /proc of %d is user %d's: it is dumpable", pid, owner)
		}
	}
}

// checkShield: the page reports each attempt, and shows "full" only for another user.
func (n confinedNode) checkShield(t *testing.T, name string) {
	t.Helper()
	var want, missing []string
	for _, what := range []string{
		sandbox.ReadEnviron, sandbox.ReadMemory, sandbox.ReadFDs, sandbox.Trace, sandbox.Kill, sandbox.ReadStore,
		sandbox.Terminals, sandbox.Sockets,
	} {
		want = append(want, "cannot "+strings.ReplaceAll(what, "'", "&#39;"))
	}
	want = append(want, map[string][]string{
		"as root": {`data-state="full"`, "cannot read or end this node"},
		"as nobody": {
			`data-state="partial"`,
			"A system shell can " + sandbox.Terminals + ", and control other programs of the node&#39;s user",
			"it runs as the node&#39;s own user",
		},
		"as nobody, strictly": {
			`data-state="partial"`,
			"cannot read or end this node",
			"it runs as the node&#39;s own user",
		},
	}[name]...)
	defer func() {
		if len(missing) > 0 {
			t.Logf("the page does not say %q", missing)
		}
	}()
	testkit.Eventually(t, "the page says all of it", func() bool {
		page := n.page(t)
		missing = slices.DeleteFunc(slices.Clone(want), func(text string) bool { return strings.Contains(page, text) })
		return len(missing) == 0
	})
}

// checkFiles: what goes to a shell and comes from it goes with the shell's power, not with the node's.
func (n confinedNode) checkFiles(t *testing.T) {
	t.Helper()
	s, err := n.Open(testkit.Context(t), "convoy")
	testkit.Must(t, err)
	at := "/nodes/convoy/shells/" + s.ID + "/files?"
	var refused *client.Problem
	err = n.Do(testkit.Context(t), http.MethodGet, at+"path="+n.data+"/users", nil, nil)
	if !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
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
