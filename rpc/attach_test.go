package rpc

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"convoy/access"
	"convoy/internal/testkit"
	"convoy/pty"
)

// survivor is a real Convoy shell on a terminal, whose node the test replaces.
type survivor struct {
	t     *testing.T
	node  *Service
	who   atomic.Value // the user's identity as a string
	kept  *os.File     // as a supervisor holds it
	now   atomic.Pointer[pty.Attachment]
	shell *pty.Shell
}

// openSurvivor opens a Convoy shell of ann's on a new node, and waits for its prompt.
func openSurvivor(t *testing.T) *survivor {
	t.Helper()
	exe, err := testkit.Build(t.TempDir())
	testkit.Must(t, err)
	s := &survivor{t: t, node: newService(t)}
	s.node.cfg.Histories = filepath.Join(t.TempDir(), "history")
	s.who.Store(s.node.cfg.Authority.NewIdentity("ann", access.Operator).String())
	table := pty.NewTable(pty.Config{Programs: []pty.Program{{
		Args:   []string{exe, "shell", "-fd", "3", "-name", "convoy@rights.test"},
		Env:    []string{"TERM=xterm-256color", "PATH=/nowhere"},
		Attach: s.attach,
	}}})
	s.shell, err = table.Open(pty.Size{Rows: 24, Cols: 100})
	testkit.Must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen:\n%s", strings.Join(s.shell.Text(), "\n"))
		}
		if err := table.Close(testkit.Context(t)); err != nil {
			t.Error(err)
		}
	})
	s.shows(`\(1\)>$`)
	return s
}

func (s *survivor) right() string { return s.who.Load().(string) }

func (s *survivor) attach(func() string) (pty.Attachment, error) {
	a, err := s.node.Attach(s.right)
	testkit.Must(s.t, err)
	s.now.Store(new(a))
	fd, err := unix.FcntlInt(a.Keep.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	testkit.Must(s.t, err)
	s.kept = os.NewFile(uintptr(fd), "kept")
	a.Close = func() { s.leave(); s.kept.Close() }
	return a, nil
}

// leave ends the node's connection, as the node's end does.
func (s *survivor) leave() { s.now.Load().Close() }

// follow starts the node's next process.
func (s *survivor) follow() {
	s.t.Helper()
	fd, err := unix.FcntlInt(s.kept.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	testkit.Must(s.t, err)
	s.node = newService(s.t)
	a, err := s.node.Reattach(s.right, os.NewFile(uintptr(fd), "kept"))
	testkit.Must(s.t, err)
	s.now.Store(&a)
}

func (s *survivor) types(text string) {
	s.t.Helper()
	testkit.Must(s.t, s.shell.Write(s.t.Context(), []byte(text)))
}

// shows waits until the screen matches, and returns what the first group matched.
func (s *survivor) shows(pattern string) string {
	s.t.Helper()
	wanted := regexp.MustCompile(pattern)
	var found []string
	testkit.Eventually(s.t, "the screen matches "+pattern, func() bool {
		found = wanted.FindStringSubmatch(strings.TrimRight(strings.Join(s.shell.Text(), "\n"), "\n "))
		return found != nil
	})
	return found[len(found)-1]
}

// evaluates reports whether the node knows that the shell evaluates something.
func (s *survivor) evaluates() bool {
	what, _ := s.now.Load().Busy()
	return what != ""
}

// A Convoy shell keeps its prompt, names, history and process while its node ends and is followed by another.
func TestReattach_ShellGoesOn(t *testing.T) {
	t.Parallel()
	s := openSurvivor(t)
	s.types("def twice(x): return x * 2\r\rself().process\r")
	name := s.shows(`"(shell-\w+)"\n\S+\(3\)>$`)
	s.types("receive()\r")
	testkit.Eventually(t, "the node knows that it evaluates", func() bool { return s.evaluates() })
	testkit.Eventually(t, "it receives", func() bool { return s.node.calls.bytes.InUse() > 0 })
	s.leave()
	s.shows(`error: the node restarted during this call; it may or may not have been carried out\n(.*\n)+\S+\(4\)>$`)
	s.types("twice(21)\r")
	s.shows(`\n42\n\S+\(5\)>$`)
	s.types("node.self()\r") // waits for a node
	s.shows(`node.self\(\)$`)
	s.follow()
	s.shows(`"convoy@rights.test"\n\S+\(6\)>$`)
	s.types("self().process == '" + name + "'\r")
	s.shows(`\nTrue\n\S+\(7\)>$`)
	s.types("\x1b[A\x1b[A\x1b[A\r")
	s.shows(`twice\(21\)\n42\n\S+\(8\)>$`)

	s.types("for i in range(1 << 40): print(i) if i % 100000 == 0 else None\r\r")
	count := func() int {
		n, err := strconv.Atoi(s.shows(`\n(\d+)$`))
		testkit.Must(t, err)
		return n
	}
	s.leave()
	before := count()
	s.follow()
	testkit.Eventually(t, "the next node knows that it evaluates", func() bool { return s.evaluates() })
	testkit.Eventually(t, "the evaluation goes on", func() bool { return count() > before })
	s.types("\x03")
	s.shows(`(interrupted|was killed.*)\n(.*\n)+\S+\(9\)>$`)
	testkit.Eventually(t, "the node knows that it evaluates nothing", func() bool { return !s.evaluates() })
}

// The next node asks for the user's present rights at each call.
func TestReattach_RightsOfNow(t *testing.T) {
	t.Parallel()
	s := openSurvivor(t)
	s.leave()
	s.who.Store(s.node.cfg.Authority.NewIdentity("ann", access.Viewer).String())
	s.follow()
	s.types("node.self()\r")
	s.shows(`error: with the role viewer you cannot evaluate`)
	if _, err := s.node.Reattach(func() string { return "nobody" }, nil); err == nil {
		t.Error("a shell of nobody's is attached")
	}
	other, theirs, err := os.Pipe()
	testkit.Must(t, err)
	defer theirs.Close()
	if _, err := s.node.Reattach(s.right, other); err == nil {
		t.Error("a pipe is attached")
	}
	if _, err := other.Stat(); err == nil {
		t.Error("Reattach leaves a descriptor open that it refused")
	}
}

// The control socket ends with all who hold it, and the shell with it. Its sandbox never had it.
func TestReattach_NobodyFollows(t *testing.T) {
	t.Parallel()
	s := openSurvivor(t)
	s.types("1 + 1\r") // the sandbox has begun
	s.shows(`\n2\n\S+\(2\)>$`)
	pid := s.shell.Info().PID
	own := sockets(t, pid)
	sandboxes := testkit.Children(pid)
	for _, id := range sandboxes {
		for _, socket := range sockets(t, id) {
			if slices.Contains(own, socket) {
				t.Errorf("the sandbox has %s of the shell's sockets %q", socket, own)
			}
		}
	}
	if len(own) != 3 || len(sandboxes) != 1 {
		t.Errorf("a shell with %d sandboxes has sockets %q, want those to its sandbox and its node, and the control socket",
			len(sandboxes), own)
	}
	s.leave()
	s.kept.Close()
	testkit.Eventually(t, "the shell ends", func() bool { return !s.shell.Info().Running })
	if exit := s.shell.Info().Exit; exit.Code != 0 {
		t.Errorf("it ends with %+v", exit)
	}
}

// sockets are a process's sockets.
func sockets(t *testing.T, pid int) (found []string) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	testkit.Must(t, err)
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && strings.HasPrefix(target, "socket:") {
			found = append(found, target)
		}
	}
	return found
}
