package supervisor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	minDelay = 100 * time.Millisecond // between the second crash in a row and the next start
	maxDelay = 10 * time.Second
)

// longLife is the life of a node after which a crash counts as the first. Tests shorten it.
var longLife = time.Minute

// peer is one end of a conversation. Messages wait here while the other end does not read.
type peer struct {
	fd      int
	waiting []message
}

func (p *peer) events() int16 {
	if len(p.waiting) > 0 {
		return unix.POLLIN | unix.POLLOUT
	}
	return unix.POLLIN
}

// post sends a message as soon as there is room for it.
func (p *peer) post(m message) {
	p.waiting = append(p.waiting, m)
	p.flush()
}

func (p *peer) flush() {
	for len(p.waiting) > 0 {
		err := send(p.fd, p.waiting[0])
		if errors.Is(err, unix.EAGAIN) {
			return
		}
		if errors.Is(err, unix.ETOOMANYREFS) { // the other end has to receive some first
			time.Sleep(time.Millisecond)
			return
		}
		p.waiting = p.waiting[1:] // sent, or nobody will receive it
	}
	p.waiting = nil
}

func (p *peer) close() { closeAll([]int{p.fd}) }

func (n *node) close() {
	n.peer.close()
	if n.stdin != nil {
		n.stdin.close()
	}
}

// handOver sends all entries, then a last message: to a node, or to a process that takes this one's place.
func (s *server) handOver(to *peer, last message, toNode bool) {
	for _, e := range s.store {
		to.waiting = append(to.waiting, e.message(!toNode))
	}
	to.post(last)
}

// exchange sends what waits for the node, and handles what it has sent.
func (s *server) exchange() {
	n := s.node
	if n == nil || n.gone {
		return
	}
	n.flush()
	for {
		m, err := receive(n.fd, s.packet)
		switch {
		case errors.Is(err, errMalformed):
			s.say("the node sent what is no message")
		case errors.Is(err, io.EOF):
			n.gone = true
			return
		case err != nil:
			return
		default:
			s.handle(m)
		}
	}
}

// handle handles a message of the node.
func (s *server) handle(m message) {
	if m.Kind != "put" {
		closeAll(m.files)
	}
	switch m.Kind {
	case "put":
		if err := s.store.put(m); err != nil {
			s.say("%q is not stored: %v", m.Name, err)
		}
	case "drop":
		s.store.drop(m.Name)
	case "ready":
		s.node.ready, s.served = true, true
		s.upgraded(string(m.data))
		release()
	case "failed":
		s.node.reason = string(m.data)
	case "listen":
		s.listen(m.Name)
	}
}

// childInfo is the siginfo_t of waitid(2) on 64-bit systems.
type childInfo struct {
	_   [4]int32
	pid int32
	_   [27]int32
}

// reap waits for the children that have ended. It looks at each before it waits for it: until then its pid is nobody
// else's, and what the node has said of it before is handled.
func (s *server) reap() {
	for !s.done {
		var info childInfo
		err := unix.Waitid(unix.P_ALL, 0, (*unix.Siginfo)(unsafe.Pointer(&info)),
			unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		pid := int(info.pid)
		if err != nil || pid == 0 {
			return
		}
		if s.node != nil {
			s.exchange()
		}
		e := s.store.byPid(pid)
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
			return
		}
		switch {
		case s.node != nil && s.node.pid == pid:
			s.nodeEnded(status)
		case s.upgrade != nil && s.upgrade.check == pid:
			s.checked(status)
		case e != nil:
			s.ended(e, status, false)
		}
	}
}

// ended records how the process of an entry ended.
func (s *server) ended(e *entry, status unix.WaitStatus, unknown bool) {
	e.ended, e.status, e.unknown = true, uint32(status), unknown
	if s.node != nil {
		s.node.post(e.exit())
	}
}

// nodeEnded decides what follows the end of the node.
func (s *server) nodeEnded(status unix.WaitStatus) {
	n := s.node
	n.close()
	s.node = nil
	s.findLost()
	if time.Since(n.started) > longLife {
		s.crashes = 0
	}
	switch {
	case s.keep && !s.stopping:
		s.leaveStore()
	case s.stopping && !n.ready && status.Signaled() && status.Signal() != unix.SIGKILL: // before it could handle it
		s.end(0)
	case s.stopping, s.parent != nil && s.parent.gone:
		s.end(statusOf(status))
	case s.upgrade != nil && s.upgrade.step != checking:
		s.replace(n, status)
	case status != 0 && !s.served && s.store.running() && os.Getpid() != 1: // from a holder; the next start may succeed
		s.leaveStore()
		s.status = statusOf(status)
	case status == 0, !s.served:
		s.end(statusOf(status))
	default:
		s.crashed("the node " + describe(status))
	}
}

// findLost finds entries whose process this one did not become the parent of: the node had waited for it.
func (s *server) findLost() {
	for _, e := range s.store {
		if e.pid > 0 && !e.ended && e.pidfd == 0 &&
			errors.Is(unix.Waitid(unix.P_PID, e.pid, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil), unix.ECHILD) {
			s.ended(e, 0, true)
		}
	}
}

// crashed starts the next node after a crash: at once, and later each time.
func (s *server) crashed(what string) {
	var delay time.Duration
	if s.crashes > 0 {
		delay = min(minDelay<<min(s.crashes-1, 10), maxDelay)
	}
	s.crashes++
	s.say("%s; it starts again in %v", what, delay)
	s.startSoon(delay)
}

func (s *server) startSoon(delay time.Duration) { s.next = time.Now().Add(delay) }

// statusOf is the exit status of a process that ends as another did.
func statusOf(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// describe says how a process ended.
func describe(status unix.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("was ended by %s (%v)", unix.SignalName(status.Signal()), status.Signal())
	}
	return fmt.Sprintf("ended with status %d", status.ExitStatus())
}
