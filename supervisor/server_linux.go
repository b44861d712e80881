package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// tidyWait is the time from work to when the memory that it took is given back. Tests shorten it.
var tidyWait = 10 * time.Second

// server is a supervisor, or a holder, which is one without a node. One goroutine does everything.
type server struct {
	store   store
	secrets []byte // nil: none
	env     []string
	path    string      // of the program's file, for upgrades
	exe     int         // descriptor of the last program that served
	packet  []byte      // buffer of receive
	wake    int         // read end of the pipe with signals
	lines   chan string // to print
	parent  *parent

	node     *node     // nil: none runs
	next     time.Time // when the next node starts; zero: no more
	crashes  int       // in a row
	served   bool      // a node was ready
	stopping bool
	hasty    bool      // it was told to stop twice
	keep     bool      // the node leaves, and a holder keeps its store
	leaveBy  time.Time // then it is killed; zero: not
	upgrade  *upgrade  // nil: none
	control  control
	holding  bool
	tidyAt   time.Time // when memory is given back; zero: nothing has happened since
	done     bool
	status   int // of this process, once done
}

// source is a descriptor to wait for.
type source struct {
	fd     int
	events int16
	handle func()
}

// loop handles events until done.
func (s *server) loop() (status int) {
	for !s.done {
		s.due(time.Now())
		if s.done {
			break
		}
		sources := s.sources()
		polled := make([]unix.PollFd, len(sources))
		for i, one := range sources {
			polled[i] = unix.PollFd{Fd: int32(one.fd), Events: one.events}
		}
		if _, err := unix.Poll(polled, s.timeout()); err != nil && !errors.Is(err, unix.EINTR) {
			s.say("%v", err)
			return 1
		}
		s.awake(time.Now(), polled)
		for i, one := range polled {
			if one.Revents != 0 && !s.done {
				sources[i].handle()
			}
		}
	}
	return s.status
}

// awake plans to give memory back if something has happened.
func (s *server) awake(now time.Time, polled []unix.PollFd) {
	if s.tidyAt.IsZero() && slices.ContainsFunc(polled, func(one unix.PollFd) bool { return one.Revents != 0 }) {
		s.tidyAt = now.Add(tidyWait)
	}
}

// sources returns what to wait for.
func (s *server) sources() []source {
	all := []source{{s.wake, unix.POLLIN, s.signals}}
	if s.node != nil {
		if !s.node.gone { // else its end follows
			all = append(all, source{s.node.fd, s.node.events(), s.exchange})
		}
		if in := s.node.stdin; in != nil && len(in.text) > 0 {
			all = append(all, source{in.fd, unix.POLLOUT, in.feed})
		}
	}
	if s.parent != nil && !s.parent.gone {
		all = append(all, source{0, unix.POLLIN, s.readParent})
	}
	if s.upgrade != nil && s.upgrade.output >= 0 {
		all = append(all, source{s.upgrade.output, unix.POLLIN, s.upgrade.read})
	}
	for _, e := range s.store {
		if e.pidfd > 0 && !e.ended {
			all = append(all, source{e.pidfd, unix.POLLIN, func() { s.ended(e, 0, true) }})
		}
	}
	return append(all, s.commands()...)
}

// timeout returns the milliseconds until something is due, -1 for never.
func (s *server) timeout() int {
	due := []time.Time{s.next, s.leaveBy, s.tidyAt}
	if s.upgrade != nil {
		due = append(due, s.upgrade.deadline)
	}
	due = slices.DeleteFunc(due, time.Time.IsZero)
	if len(due) == 0 {
		return -1
	}
	at := slices.MinFunc(due, time.Time.Compare)
	return max(0, int(time.Until(at)/time.Millisecond)+1)
}

// due does what is due.
func (s *server) due(now time.Time) {
	if s.upgrade != nil && !now.Before(s.upgrade.deadline) {
		s.late()
	}
	if s.node != nil && !s.leaveBy.IsZero() && !now.Before(s.leaveBy) {
		s.leaveBy = time.Time{}
		unix.Kill(s.node.pid, unix.SIGKILL) //nolint:errcheck // a child that has not been waited for
	}
	if s.node == nil && !s.next.IsZero() && !now.Before(s.next) {
		s.next = time.Time{}
		if err := s.start(s.exe); err != nil {
			s.crashed("the node does not start: " + err.Error())
			if !s.served {
				s.end(1)
			}
		}
	}
	if !s.tidyAt.IsZero() && !now.Before(s.tidyAt) {
		s.tidyAt = time.Time{}
		release()
	}
	if s.holding && !s.store.running() {
		s.end(0)
	}
}

// notify makes signals readable from s.wake.
func (s *server) notify() error {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return err
	}
	s.wake = pipe[0]
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGUSR2, unix.SIGCHLD,
		unix.SIGHUP, unix.SIGQUIT, unix.SIGPIPE) // the last three are ignored, but no child inherits that
	go func() { // ends with the process
		for one := range signals {
			unix.Write(pipe[1], []byte{byte(one.(unix.Signal))}) //nolint:errcheck // a full pipe wakes the reader, too
		}
	}()
	return nil
}

// signals handles the signals that have arrived.
func (s *server) signals() {
	numbers := make([]byte, 64)
	n, _ := unix.Read(s.wake, numbers) //nolint:errcheck // then there are none
	for _, one := range numbers[:max(n, 0)] {
		switch unix.Signal(one) {
		case unix.SIGTERM, unix.SIGINT:
			s.stop(unix.Signal(one))
		case unix.SIGUSR2:
			if !s.holding {
				s.beginUpgrade(nil)
			}
		}
	}
	s.reap()
}

// stop asks the node to end. The second time it ends everything.
func (s *server) stop(sig unix.Signal) {
	if s.hasty = s.stopping; s.hasty {
		sig = unix.SIGKILL
	}
	s.stopping = true
	if s.node == nil {
		s.end(0)
		return
	}
	unix.Kill(s.node.pid, sig) //nolint:errcheck // it may have ended
}

// finish begins the end of this process, which a command asked for. It never ends what it is to keep.
func (s *server) finish(asker *peer, keep bool) {
	switch {
	case keep && s.holding:
		s.answer(asker, 0, "the shells are kept already")
		return
	case keep && os.Getpid() == 1:
		s.answer(asker, 1, "the shells would end with process 1; nothing was stopped")
		return
	case keep && (s.stopping || s.upgrade != nil):
		s.answer(asker, 1, "the node is stopping or being upgraded; try again later")
		return
	}
	s.control.waiting = append(s.control.waiting, asker)
	switch {
	case !keep && s.stopping, keep && s.keep: // it ends already
	case !keep:
		s.stop(unix.SIGTERM)
	case s.node == nil: // it has crashed
		s.leaveStore()
	default:
		s.keep, s.leaveBy = true, time.Now().Add(upgradeWait)
		s.node.post(message{Kind: "leave"})
	}
}

// answerAll answers the commands that wait for the end of this process.
func (s *server) answerAll(m message) {
	for _, p := range s.control.waiting {
		if slices.Contains(s.control.peers, p) {
			p.post(m)
		}
	}
	s.control.waiting = nil
}

// end ends this process with a status.
func (s *server) end(status int) { s.done, s.status = true, status }

// say prints a line for people, unless so many wait that nobody seems to read them.
func (s *server) say(format string, args ...any) {
	select {
	case s.lines <- fmt.Sprintf("convoy: supervisor: "+format+"\n", args...):
	default:
	}
}

// print prints lines until there are no more. It waits for their reader, which nothing else here may do.
func print(lines <-chan string, done chan<- struct{}) {
	defer close(done)
	for line := range lines {
		os.Stderr.WriteString(line) //nolint:errcheck // nobody could be told
	}
}
