package peer

import (
	"net"
	"net/netip"
	"slices"
	"sync"
)

const (
	// pendingPerAddr limits the unauthenticated connections of one address at a port, maxPending those of all
	// addresses.
	pendingPerAddr = 64
	maxPending     = 128
)

// connLimiter limits unauthenticated connections. It always admits a new one: at the limit it closes the oldest pending
// one of the same address, or, if that address is below its share, of the address with most. So no one is locked out by
// others that hold silent connections.
type connLimiter struct {
	port     string // name in the log
	refusals *refusalLog

	mu       sync.Mutex
	pending  []*pendingConn // oldest first
	admitted int            // total so far
	closed   bool
}

// pendingConn is a connection that is not yet authenticated or closed.
type pendingConn struct {
	net.Conn
	limiter *connLimiter
	addr    netip.Addr
}

// admit adds a connection, and may close another. It returns nil if the limiter is closed.
func (l *connLimiter) admit(conn net.Conn) *pendingConn {
	c := &pendingConn{Conn: conn, limiter: l, addr: addrOf(conn)}
	l.mu.Lock()
	l.admitted++
	out := l.evict(c.addr)
	closed := l.closed
	if !closed {
		l.pending = append(l.pending, c)
	}
	l.mu.Unlock()
	if out != nil {
		out.Conn.Close()
		l.refusals.tooMany(l.port, out.RemoteAddr().String())
	}
	if closed {
		conn.Close()
		return nil
	}
	return c
}

// evict removes the connection that must make room for one from addr, if any. It requires l.mu.
func (l *connLimiter) evict(addr netip.Addr) *pendingConn {
	count := map[netip.Addr]int{}
	busiest := addr
	for _, c := range l.pending {
		if count[c.addr]++; count[c.addr] > count[busiest] {
			busiest = c.addr
		}
	}
	switch {
	case count[addr] >= pendingPerAddr:
		busiest = addr
	case len(l.pending) < maxPending:
		return nil
	}
	for _, c := range l.pending {
		if c.addr == busiest {
			l.remove(c)
			return c
		}
	}
	return nil
}

// remove requires l.mu.
func (l *connLimiter) remove(c *pendingConn) {
	l.pending = slices.DeleteFunc(l.pending, func(other *pendingConn) bool { return other == c })
}

// close ends all pending connections, and admits no more.
func (l *connLimiter) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, c := range l.pending {
		c.Conn.Close()
	}
	l.pending = nil
}

// release stops counting the connection: it has authenticated or ended.
func (c *pendingConn) release() {
	c.limiter.mu.Lock()
	defer c.limiter.mu.Unlock()
	c.limiter.remove(c)
}

// Close ends the connection.
func (c *pendingConn) Close() error {
	c.release()
	return c.Conn.Close()
}

func addrOf(conn net.Conn) netip.Addr {
	at, _ := netip.ParseAddrPort(conn.RemoteAddr().String()) //nolint:errcheck // without an address all count as one
	return at.Addr().Unmap()
}

// limitedListener admits its connections through a limiter.
type limitedListener struct {
	net.Listener
	limiter *connLimiter
}

// Accept waits for the next connection.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.limiter.admit(conn); c != nil {
			return c, nil
		}
	}
}
