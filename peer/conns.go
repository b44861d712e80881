package peer

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var errSilent = errors.New("no answer to pings")

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
	set      *connSet
	lost     func(error) // told once, if it ends otherwise than for being idle; see dial
	ended    atomic.Bool
	lastRead atomic.Int64 // ns since 1970
}

// Read notices when the other side, or the network, ends the connection.
func (c *trackedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.lastRead.Store(time.Now().UnixNano())
	}
	if errors.Is(err, syscall.ETIMEDOUT) { // see setUserTimeout
		c.end(err)
	} else if err != nil {
		c.end(nil)
	}
	return n, err
}

// Close is called by net/http when a connection has been idle for long, which
// says nothing, but also when the other side has said that it closes, in its last
// bytes, and when it does not answer pings. An idle one was pinged some seconds ago.
func (c *trackedConn) Close() error {
	c.set.mu.Lock()
	delete(c.set.open, c)
	c.set.mu.Unlock()
	switch quiet := time.Since(time.Unix(0, c.lastRead.Load())); {
	case quiet > pingAfter+pingTimeout/2:
		c.end(errSilent)
	case quiet < pingAfter/2:
		c.end(nil)
	}
	return c.Conn.Close()
}

func (c *trackedConn) end(err error) {
	if c.ended.CompareAndSwap(false, true) && c.lost != nil {
		c.lost(err)
	}
}

// dial opens a connection within a time, and tells lost, unless that is nil, if
// it breaks: with an error if the other side has gone silent, without one if it,
// or its machine, has ended the connection.
func (s *connSet) dial(addr string, timeout time.Duration, lost func(error)) (net.Conn, error) {
	dialer := net.Dialer{Timeout: timeout, Control: s.control}
	conn, err := dialer.DialContext(s.ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	tracked := &trackedConn{Conn: conn, set: s, lost: lost}
	tracked.lastRead.Store(time.Now().UnixNano())
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
		c.ended.Store(true)
		c.Conn.Close()
	}
	clear(s.open)
}
