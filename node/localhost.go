package node

import (
	"errors"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// listenTries is how many ports to try until one is free on both loopback addresses.
const listenTries = 16

// listen opens the console's port. For localhost it opens the port on 127.0.0.1 and on ::1: browsers try both, and the
// login link must not reach another program that listens on the other one.
func listen(addr string) (net.Listener, error) {
	for try := 1; ; try++ {
		first, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, err
		}
		host, port, _ := net.SplitHostPort(addr)
		if host != "localhost" {
			return first, nil
		}
		second, err := net.Listen("tcp", otherLoopback(first.Addr().(*net.TCPAddr)))
		switch {
		case err == nil:
			return newMergedListener(first, second), nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return first, nil // this machine has only one of the families
		}
		first.Close()
		if port != "0" || try == listenTries {
			return nil, err
		}
	}
}

// otherLoopback returns the loopback address of the other family, with the same port.
func otherLoopback(addr *net.TCPAddr) string {
	host := "127.0.0.1"
	if addr.IP.To4() != nil {
		host = "::1"
	}
	return net.JoinHostPort(host, strconv.Itoa(addr.Port))
}

// mergedListener accepts connections from several listeners. Its address is that of the first.
type mergedListener struct {
	net.Listener
	others []net.Listener
	conns  chan accepted
	closed chan struct{}
	close  func() error
}

type accepted struct {
	conn net.Conn
	err  error
}

// newMergedListener starts a goroutine for each listener, which ends with Close.
func newMergedListener(first net.Listener, others ...net.Listener) *mergedListener {
	m := &mergedListener{Listener: first, others: others, conns: make(chan accepted), closed: make(chan struct{})}
	m.close = sync.OnceValue(func() error {
		close(m.closed)
		err := first.Close()
		for _, l := range others {
			err = errors.Join(err, l.Close())
		}
		return err
	})
	for _, l := range append(others, first) {
		go m.accept(l)
	}
	return m
}

func (m *mergedListener) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		select {
		case m.conns <- accepted{conn, err}:
		case <-m.closed:
			if err == nil {
				conn.Close()
			}
			return
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

// Accept implements net.Listener.
func (m *mergedListener) Accept() (net.Conn, error) {
	select {
	case a := <-m.conns:
		return a.conn, a.err
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It may be called more than once.
func (m *mergedListener) Close() error { return m.close() }
