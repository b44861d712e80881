package main

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
)

// relay forwards TCP connections to a server, and counts what the server sends.
type relay struct {
	base string // its address, as that of the server
	sent atomic.Int64

	listener net.Listener
	to       string
	mu       sync.Mutex
	open     []net.Conn
}

func newRelay(base string) (*relay, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	r := &relay{to: u.Host}
	if r.listener, err = net.Listen("tcp", "localhost:0"); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(r.listener.Addr().String()) //nolint:errcheck // it listens there
	r.base = "http://localhost:" + port
	go r.accept()
	return r, nil
}

func (r *relay) accept() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", r.to)
		if err != nil {
			near.Close()
			continue
		}
		r.mu.Lock()
		r.open = append(r.open, near, far)
		r.mu.Unlock()
		go func() {
			io.Copy(far, near) //nolint:errcheck // then it has ended
			far.Close()
		}()
		go func() {
			io.Copy(io.MultiWriter(near, counter{&r.sent}), far) //nolint:errcheck // then it has ended
			near.Close()
		}()
	}
}

// close ends all connections.
func (r *relay) close() {
	r.listener.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.open {
		c.Close()
	}
}

// counter counts the bytes that are written to it.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}
