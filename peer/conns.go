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

var errPingTimeout = errors.New("no answer to pings")

// connSet holds the connections that this node has opened, so that Close can end them.
type connSet struct {
	ctx     context.Context // ends dialling
	control func(network, address string, c syscall.RawConn) error

	idling atomic.Bool // closeIdle is running
	mu     sync.Mutex
	open   map[*trackedConn]struct{}
	closed bool
}

func newConnSet(ctx context.Context, control func(string, string, syscall.RawConn) error) *connSet {
	return &connSet{ctx: ctx, control: control, open: map[*trackedConn]struct{}{}}
}

// trackedConn is in its set until it is closed.
type trackedConn struct {
	net.Conn
	set      *connSet
	lost     func(error) // called once, unless the connection was idle; see dial
	ended    atomic.Bool
	lastRead atomic.Int64 // ns since 1970
}

// Read detects that the other side or the network has ended the connection.
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

// Close is called by closeIdle, which means nothing, but also by net/http: when the other side has announced its end,
// and when it does not answer pings.
func (c *trackedConn) Close() error {
	c.set.mu.Lock()
	delete(c.set.open, c)
	c.set.mu.Unlock()
	switch quiet := time.Since(time.Unix(0, c.lastRead.Load())); {
	case c.set.idling.Load():
		c.ended.Store(true)
	case quiet > pingAfter+pingTimeout/2:
		c.end(errPingTimeout)
	default:
		c.end(nil)
	}
	return c.Conn.Close()
}

func (c *trackedConn) end(err error) {
	if c.ended.CompareAndSwap(false, true) && c.lost != nil {
		c.lost(err)
	}
}

// dial opens a connection. If it breaks, it calls lost, if set: with an error if the other side went silent, without
// one if the other side or its machine ended the connection.
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

// closeIdle calls a function that closes idle connections, without reporting them as lost. It returns how many remain.
func (s *connSet) closeIdle(closeThem func()) int {
	s.idling.Store(true)
	closeThem()
	s.idling.Store(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// close ends all connections, and prevents new ones.
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
