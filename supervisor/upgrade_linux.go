package supervisor

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// upgradeWait bounds each step of an upgrade. Tests shorten it.
var upgradeWait = 10 * time.Second

// step is a step of an upgrade.
type step int

const (
	checking step = iota // the new program prints its version
	leaving              // the node leaves
	starting             // the new program becomes the node
)

// upgrade is an upgrade in progress.
type upgrade struct {
	step     step
	exe      int // descriptor of the new program
	deadline time.Time
	check    int    // pid of the program that prints its version
	output   int    // read end of its output, -1 if closed
	printed  []byte // of that
	late     bool   // the new program's time is over
	asker    *peer  // nil: a signal
}

// beginUpgrade replaces the node by the program that the file now has, and answers to asker. A node that has crashed
// does not start again meanwhile.
func (s *server) beginUpgrade(asker *peer) {
	if s.upgrade != nil || !s.served || s.stopping || s.keep {
		s.answer(asker, 1, "the node is starting, stopping or being upgraded; try again later")
		return
	}
	u := &upgrade{deadline: time.Now().Add(upgradeWait), output: -1, asker: asker}
	exe, err := unix.Open(s.path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err == nil {
		u.exe, err = high(exe)
	}
	if err != nil {
		s.answer(asker, 1, fmt.Sprintf("not upgraded: %s: %v", s.path, err))
		return
	}
	s.upgrade, s.next = u, time.Time{}
	if err := u.run([]string{s.path, "version"}, s.env); err != nil {
		s.refuse(fmt.Sprintf("%s does not start: %v", s.path, err))
	}
}

// run starts the new program to print its version.
func (u *upgrade) run(args, env []string) error {
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		closeAll([]int{null})
		return err
	}
	unix.SetNonblock(pipe[0], true) //nolint:errcheck // a pipe can
	u.output = pipe[0]
	out, err := unix.FcntlInt(uintptr(pipe[1]), unix.F_DUPFD_CLOEXEC, 10)
	if err != nil {
		closeAll([]int{null, pipe[1]})
		return err
	}
	u.check, err = fork(u.exe, args, env, []int{null, pipe[1], out}, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL})
	return err
}

// read reads what the new program prints.
func (u *upgrade) read() {
	some := make([]byte, 1024)
	n, err := unix.Read(u.output, some)
	if n > 0 {
		u.printed = append(u.printed, some[:n]...)
		u.printed = u.printed[:min(len(u.printed), len(some))]
	} else if err != unix.EINTR && err != unix.EAGAIN {
		u.closeOutput()
	}
}

func (u *upgrade) closeOutput() {
	if u.output >= 0 {
		closeAll([]int{u.output})
		u.output = -1
	}
}

// checked continues after the new program has printed its version.
func (s *server) checked(status unix.WaitStatus) {
	u := s.upgrade
	if u.check = 0; u.output >= 0 {
		u.read()
		u.closeOutput()
	}
	text := strings.TrimSpace(string(u.printed))
	if status != 0 || !strings.HasPrefix(text, "convoy ") || u.late {
		why := describe(status)
		if u.late {
			why = fmt.Sprintf("did not end within %v", upgradeWait)
		}
		s.refuse(strings.TrimSuffix(fmt.Sprintf("%s version %s: %s", s.path, why, text), ": "))
		return
	}
	u.step, u.deadline = leaving, time.Now().Add(upgradeWait)
	if s.next = (time.Time{}); s.node == nil { // it has crashed
		s.startNew()
		return
	}
	s.node.post(message{Kind: "leave"})
}

// late ends what took too long. The rest follows its end.
func (s *server) late() {
	u := s.upgrade
	u.deadline = time.Now().Add(upgradeWait)
	switch {
	case u.step == checking:
		u.late = true
		unix.Kill(u.check, unix.SIGKILL) //nolint:errcheck // a child that has not been waited for
	case s.node != nil:
		u.late = u.step == starting
		unix.Kill(s.node.pid, unix.SIGKILL) //nolint:errcheck // as above
	}
}

// replace starts the new program after the node has left, or the old one after the new one has failed.
func (s *server) replace(ended *node, status unix.WaitStatus) {
	u := s.upgrade
	if u.step == leaving {
		s.startNew()
		return
	}
	why := describe(status)
	switch {
	case u.late:
		why = fmt.Sprintf("did not serve within %v", upgradeWait)
	case ended.reason != "":
		why += ": " + ended.reason
	}
	s.refuse("the new node " + why)
}

// startNew starts the new program as the node.
func (s *server) startNew() {
	u := s.upgrade
	u.step, u.deadline = starting, time.Now().Add(upgradeWait)
	if err := s.start(u.exe); err != nil {
		s.refuse(fmt.Sprintf("%s does not start: %v", s.path, err))
	}
}

// upgraded ends an upgrade whose node serves.
func (s *server) upgraded(version string) {
	u := s.upgrade
	if u == nil || u.step != starting {
		return
	}
	closeAll([]int{s.exe})
	s.exe, s.upgrade, s.crashes = u.exe, nil, 0
	s.answer(u.asker, 0, "upgraded to convoy "+version)
}

// refuse ends an upgrade that failed; the old program goes on.
func (s *server) refuse(why string) {
	u := s.upgrade
	u.closeOutput()
	closeAll([]int{u.exe})
	if s.upgrade = nil; s.node == nil {
		s.startSoon(0)
	}
	s.answer(u.asker, 1, "not upgraded, the old version continues: "+why)
}

// answer reports the result of a command to whom asked for it, and in the log.
func (s *server) answer(to *peer, status uint32, text string) {
	s.say("%s", text)
	if i := slices.Index(s.control.peers, to); i >= 0 {
		to.post(message{Kind: "answer", Status: status, data: []byte(text)})
	}
}
