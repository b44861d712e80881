package supervisor

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Supported reports whether nodes have a supervisor on this system.
const Supported = true

// Executable is a file that starts this very program, even if its own file has been replaced.
func Executable() (string, error) { return "/proc/self/exe", nil }

// Wanted reports whether this process is to become a supervisor.
func Wanted() bool { return os.Getenv(mark) != "" }

// Run supervises nodes of this program, and returns the exit status. The process has been started by Exec, is not
// dumpable, and has done nothing yet: Run belongs to its main thread, with which nodes end.
func Run() (status int) {
	runtime.GOMAXPROCS(1)
	s, err := newServer(os.Getenv(mark))
	if err != nil {
		fmt.Fprintf(os.Stderr, "convoy: error: supervisor: %v\n", err)
		return 1
	}
	printed := make(chan struct{})
	go print(s.lines, printed)
	status = s.loop()
	s.hangUp()
	s.answerAll(message{Kind: "answer", data: []byte("stopped")})
	s.control.close()
	close(s.lines)
	select {
	case <-printed:
	case <-time.After(time.Second):
	}
	return status
}

// newServer prepares a process as its mark says.
func newServer(kind string) (*server, error) {
	s := &server{packet: make([]byte, maxMessage), env: environ(), holding: kind == hold, lines: make(chan string, 64)}
	if err := s.notify(); err != nil {
		return nil, err
	}
	// What the caller left open is not for nodes and shells.
	unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)           //nolint:errcheck // Linux before 5.11 cannot
	exe, err := unix.Open("/proc/self/exe", unix.O_PATH|unix.O_CLOEXEC, 0) // it may be executable only
	if err == nil {
		s.exe, err = high(exe)
	}
	if err != nil {
		return nil, err
	}
	if s.holding {
		return s, s.takeFrom(os.Getenv(nodeFD))
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	if s.path, err = program(); err != nil {
		return nil, err
	}
	if kind != none {
		if s.secrets, err = readAll(kind); err != nil {
			return nil, err
		}
	}
	s.next = time.Now()
	if slices.Contains(os.Args[1:], SpawnedFlag) {
		s.next = time.Time{} // once its configuration is here
		s.parent, err = newParent()
	}
	return s, err
}

// environ is the environment of nodes, without what this package adds.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(one string) bool {
		name, _, _ := strings.Cut(one, "=")
		return name == mark || name == nodeFD || name == SecretsFD
	})
}

// program is the path of this program's file, as it was started, so that a link to another version counts.
func program() (string, error) {
	if name := os.Args[0]; strings.Contains(name, "/") && !strings.HasPrefix(name, "/proc/") {
		return filepath.Abs(name)
	}
	return os.Executable()
}

// readAll reads and closes the descriptor with this number.
func readAll(number string) ([]byte, error) {
	fd, err := strconv.ParseUint(number, 10, 16)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s=%q is how Convoy starts itself; unset it", mark, number)
	}
	file := os.NewFile(uintptr(fd), "secrets")
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, MaxSecrets))
}

// node is a running node.
type node struct {
	peer
	pid     int
	started time.Time
	ready   bool
	gone    bool   // it has closed the conversation
	reason  string // that it gave for its end
	stdin   *input // nil: that of this process
}

// start starts the program of a descriptor as the node.
func (s *server) start(exe int) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	n := &node{peer: peer{fd: pair[0]}, started: time.Now()}
	inherited := []int{0, 1, 2}
	if s.parent != nil {
		if inherited, err = s.parent.inherit(n); err != nil {
			closeAll(pair[:])
			return err
		}
	}
	env := append(slices.Clone(s.env), nodeFD+"="+strconv.Itoa(len(inherited)))
	inherited = append(inherited, pair[1])
	if s.secrets != nil {
		secrets, err := pipeWith(s.secrets)
		if err != nil {
			n.close()
			closeAll(inherited[3:])
			return err
		}
		env = append(env, SecretsFD+"="+strconv.Itoa(len(inherited)))
		inherited = append(inherited, secrets)
	}
	n.pid, err = fork(exe, os.Args, env, inherited, &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM})
	if err != nil {
		n.close()
		return err
	}
	s.node = n
	if n.stdin != nil {
		n.stdin.feed()
	}
	s.handOver(&n.peer, message{Kind: "end"}, true)
	return nil
}

// fork starts the program of a descriptor with other descriptors from 0 on. It closes those that are not standard ones.
func fork(exe int, args, env []string, inherited []int, sys *syscall.SysProcAttr) (pid int, err error) {
	files := make([]uintptr, len(inherited))
	for i, fd := range inherited {
		if fd > 2 { // high, so that none takes the number of another in the child
			if fd, err = high(fd); err != nil {
				return 0, err
			}
			defer unix.Close(fd) //nolint:errcheck // the child has it
		}
		files[i] = uintptr(fd)
	}
	path := "/proc/self/fd/" + strconv.Itoa(exe)
	return syscall.ForkExec(path, args, &syscall.ProcAttr{Env: env, Files: files, Sys: sys})
}

// high moves a descriptor out of the range of those that children get.
func high(fd int) (int, error) {
	moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 10)
	closeAll([]int{fd})
	return moved, err
}
