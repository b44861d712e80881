package peer

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"
)

// connSet holds the connections that this node has opened, so that closing the
// cluster ends them all.
type connSet struct {
	ctx     context.Context // ends dialling
	control func(network, address string, c syscall.RawConn) error

	mu     sync.Mutex
	open   map[*trackedConn]struct{}
	closed bool
}

func newConnSet(ctx context.Context, control func(string, string, syscall.RawConn) error) *connSet {
	return &connSet{ctx: ctx, control: control, open: map[*trackedConn]struct{}{}}
}

// trackedConn is a member of its set until it is closed.
type trackedConn struct {
	net.Conn
	set *connSet
}

func (c *trackedConn) Close() error {
	c.set.mu.Lock()
	delete(c.set.open, c)
	c.set.mu.Unlock()
	return c.Conn.Close()
}

func (s *connSet) dial(addr string, timeout time.Duration) (net.Conn, error) {
	dialer := net.Dialer{Timeout: timeout, Control: s.control}
	conn, err := dialer.DialContext(s.ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	tracked := &trackedConn{Conn: conn, set: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return nil, net.ErrClosed
	}
	s.open[tracked] = struct{}{}
	return tracked, nil
}

// close ends all connections, and opens no more.
func (s *connSet) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.open {
		c.Conn.Close()
	}
	clear(s.open)
}
