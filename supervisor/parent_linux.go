package supervisor

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"
)

// parent is the process that spawned this one, and whose nodes read one line from standard input: each of them gets it.
type parent struct {
	line  []byte
	whole bool
	gone  bool // standard input has ended, and nodes with it
	ready int  // descriptor on which the first node reports, -1 once it has it
}

// input is the write end of a node's standard input.
type input struct {
	fd   int
	text []byte // that is not written yet
	last bool   // it ends after that
}

// newParent takes the descriptors of a spawned node.
func newParent() (*parent, error) {
	mode, err := unix.FcntlInt(3, unix.F_GETFL, 0)
	if err != nil || mode&unix.O_ACCMODE == unix.O_RDONLY { // such as a file of the Go runtime
		return nil, errors.New(SpawnedFlag + " is how Convoy starts its own nodes; leave it out")
	}
	ready, err := high(3)
	return &parent{ready: ready}, err
}

// readParent reads standard input: the line, then nothing but its end.
func (s *server) readParent() {
	p, some := s.parent, make([]byte, 4096)
	n, err := unix.Read(0, some)
	if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
		return
	}
	before := p.whole || p.gone
	if n <= 0 {
		p.gone = true
		if s.node != nil {
			s.node.stdin.last = true
			s.node.stdin.feed()
		}
	} else if !p.whole {
		p.line = append(p.line, some[:n]...)
		p.whole = bytes.IndexByte(p.line, '\n') >= 0 || len(p.line) > MaxSecrets
	}
	if !before && (p.whole || p.gone) {
		s.startSoon(0)
	}
}

// inherit returns the descriptors that the node inherits, and sets its stdin.
func (p *parent) inherit(n *node) ([]int, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	ready := p.ready
	if p.ready = -1; ready < 0 {
		var err error
		if ready, err = unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0); err != nil {
			closeAll(pipe[:])
			return nil, err
		}
	}
	unix.SetNonblock(pipe[1], true) //nolint:errcheck // a pipe can
	n.stdin = &input{pipe[1], p.line, p.gone}
	return []int{pipe[0], 1, 2, ready}, nil
}

// feed writes what the node has not got yet of its standard input.
func (in *input) feed() {
	for len(in.text) > 0 {
		n, err := unix.Write(in.fd, in.text)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.EINTR):
		case err != nil:
			in.text = nil // the node has ended
		default:
			in.text = in.text[n:]
		}
	}
	if in.last {
		in.close()
	}
}

func (in *input) close() {
	if in.fd >= 0 {
		closeAll([]int{in.fd})
		in.fd = -1
	}
}
