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
			return newTwoListeners(first, second), nil
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

// twoListeners accepts the connections of two listeners. Its address is that of the first.
type twoListeners struct {
	net.Listener
	conns  chan accepted
	closed chan struct{}
	close  func() error
}

type accepted struct {
	conn net.Conn
	err  error
}

// newTwoListeners starts a goroutine for each listener, which ends with Close.
func newTwoListeners(first, second net.Listener) *twoListeners {
	l := &twoListeners{Listener: first, conns: make(chan accepted), closed: make(chan struct{})}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return errors.Join(first.Close(), second.Close())
	})
	go l.accept(first)
	go l.accept(second)
	return l
}

func (l *twoListeners) accept(from net.Listener) {
	for {
		conn, err := from.Accept()
		select {
		case l.conns <- accepted{conn, err}:
		case <-l.closed:
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
func (l *twoListeners) Accept() (net.Conn, error) {
	select {
	case a := <-l.conns:
		return a.conn, a.err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It may be called more than once.
func (l *twoListeners) Close() error { return l.close() }
