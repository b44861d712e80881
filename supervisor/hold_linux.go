package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// takeWait bounds how long another process may take to hand its store over.
const takeWait = 10 * time.Second

// leaveStore starts a process that holds the store until the next start, and ends this one.
func (s *server) leaveStore() {
	text, status := "stopped; the shells keep running for the next start with the same data directory", uint32(0)
	if err := s.startHolder(); err != nil {
		text, status = fmt.Sprintf("stopped; the shells end, because they cannot be kept: %v", err), 1
	}
	s.say("%s", text)
	s.answerAll(message{Kind: "answer", Status: status, data: []byte(text)})
	s.end(int(status))
}

// startHolder starts the holder, and waits until it has everything.
func (s *server) startHolder() error {
	if s.control.listener == 0 {
		return errors.New("the node has no data directory")
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(pair[0]) //nolint:errcheck // nothing is lost
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		closeAll(pair[1:])
		return err
	}
	if null, err = high(null); err != nil {
		closeAll(pair[1:])
		return err
	}
	defer unix.Close(null) //nolint:errcheck // nothing was written
	nulls := make([]int, 3)
	for i := range nulls {
		if nulls[i], err = unix.FcntlInt(uintptr(null), unix.F_DUPFD_CLOEXEC, 10); err != nil {
			closeAll(append(nulls[:i], pair[1]))
			return err
		}
	}
	env := append(slices.Clone(s.env), mark+"="+hold, nodeFD+"=3")
	args, alone := []string{"convoy", "keeps", "shells"}, &syscall.SysProcAttr{Setsid: true}
	if _, err := fork(s.exe, args, env, append(nulls, pair[1]), alone); err != nil {
		return err
	}
	s.store = slices.DeleteFunc(s.store, (*entry).listens) // nobody would answer there
	for _, e := range s.store {
		if e.pid > 0 && !e.ended && e.pidfd == 0 {
			if e.pidfd, err = unix.PidfdOpen(e.pid, 0); err != nil {
				e.pidfd, e.ended, e.unknown = 0, true, true
			}
		}
	}
	to := &peer{fd: pair[0]}
	s.handOver(to, s.control.last(), false)
	if err := to.await(takeWait); err != nil {
		return err
	}
	s.control.listener, s.store = 0, nil // they are the holder's
	return nil
}

// await sends what waits, and returns when the other end confirms it.
func (p *peer) await(limit time.Duration) error {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		poll := []unix.PollFd{{Fd: int32(p.fd), Events: p.events()}}
		unix.Poll(poll, int(limit/time.Millisecond)) //nolint:errcheck // the next steps report it
		p.flush()
		if m, err := receive(p.fd, make([]byte, maxMessage)); err == nil && m.Kind == "taken" {
			return nil
		} else if err != nil && !errors.Is(err, unix.EAGAIN) {
			return fmt.Errorf("the process that would hold them has ended: %w", err)
		}
	}
	return errors.New("the process that would hold them takes too long")
}

// takeFrom receives the store of the supervisor that started this holder.
func (s *server) takeFrom(number string) error {
	fd, err := strconv.ParseUint(number, 10, 16)
	if err != nil || fd < 3 {
		return fmt.Errorf("%s=%q is how Convoy starts itself; unset it", mark, hold)
	}
	conn, err := connection(int(fd))
	if err != nil {
		return err
	}
	return s.take(conn, message{Kind: "taken"})
}

// takeOver takes the store, the socket and the key over from a holder at a path, and passes the entries to the node.
func (s *server) takeOver(path string) error {
	conn, key, err := dial(path)
	if err != nil {
		return err
	}
	if err := conn.send(message{Kind: "take", data: key}); err != nil {
		return err
	}
	before := len(s.store)
	if err := s.take(conn, message{Kind: "taken", data: key}); err != nil {
		for len(s.store) > before { // the holder keeps them
			s.store.drop(s.store[before].name)
		}
		return err
	}
	for _, e := range s.store[before:] {
		s.node.post(e.message(false))
	}
	return nil
}

// take receives entries until the last message, confirms that, and closes the connection.
func (s *server) take(conn *Client, confirm message) error {
	defer conn.socket.Close()
	conn.socket.SetDeadline(time.Now().Add(takeWait)) //nolint:errcheck // a socket has deadlines
	for {
		m, err := conn.receive()
		switch {
		case err != nil:
			return err
		case m.Kind == "answer":
			return errors.New(string(m.data))
		case m.Kind == "entry":
			if err := s.store.put(m); err != nil {
				s.say("%q is not kept: %v", m.Name, err)
			}
		case m.Kind == "end" && len(m.files) == 2:
			s.control.path, s.control.listener, s.control.key = m.Name, m.files[0], m.files[1]
			return conn.send(confirm)
		}
	}
}
