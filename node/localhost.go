package node

import (
	"errors"
	"net"
	"strconv"
	"syscall"
)

// listenTries is how many ports to try until one is free on both loopback addresses.
const listenTries = 16

// listen opens the console's port. For localhost it opens the port on 127.0.0.1 and on ::1: browsers try both, and the
// login link must not reach another program that listens on the other one.
func listen(addr string) ([]net.Listener, error) {
	for try := 1; ; try++ {
		first, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, err
		}
		host, port, _ := net.SplitHostPort(addr)
		if host != "localhost" {
			return []net.Listener{first}, nil
		}
		second, err := net.Listen("tcp", otherLoopback(first.Addr().(*net.TCPAddr)))
		switch {
		case err == nil:
			return []net.Listener{first, second}, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return []net.Listener{first}, nil // this machine has only one of the families
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

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close() //nolint:errcheck // nothing was sent
	}
}
