package node

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"convoy/access"
)

const (
	// maxConnections bounds the console's connections, if the process may open twice as many files, and
	// maxConnectionsPerAddr those of one address, or one IPv6 /64.
	maxConnections        = 8192
	maxConnectionsPerAddr = 512
	// The last 1/reserveFraction of the connections is for addresses that have fewer than reservedPerAddr.
	reservedPerAddr = 16
	reserveFraction = 8
	// maxHeader bounds the header of a request, in bytes.
	maxHeader = 64 << 10
	// pingInterval is how long an HTTP/2 connection may be silent before the server pings it.
	pingInterval = 30 * time.Second
)

// limitedListener closes the connections beyond the limits.
type limitedListener struct {
	net.Listener
	limits *connLimits
}

// connLimits limit the console's connections in total and by address. A shared address, such as a proxy's, has no limit
// of its own, and no part of the reserve.
type connLimits struct {
	max        int
	maxPerAddr int
	shared     func(netip.Addr) bool
	log        *slog.Logger

	mu     sync.Mutex
	total  int
	open   map[string]int
	warned bool // the limit has been logged
}

// newConnLimits returns limits according to the file limit of this process.
func newConnLimits(shared func(netip.Addr) bool, log *slog.Logger) *connLimits {
	total := maxConnections
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && uint64(limit.Cur)/2 < uint64(total) {
		total = int(limit.Cur / 2)
	}
	return &connLimits{
		max:        total,
		maxPerAddr: maxConnectionsPerAddr,
		shared:     shared,
		log:        log,
		open:       map[string]int{},
	}
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := conn.RemoteAddr().String()
		if l.limits.admit(addr) {
			return &limitedConn{Conn: conn, release: sync.OnceFunc(func() { l.limits.release(addr) })}, nil
		}
		conn.Close() //nolint:errcheck // refused
	}
}

// admit counts a connection, unless there are too many.
func (b *connLimits) admit(addr string) bool {
	key := access.AddrKey(addr)
	at, err := netip.ParseAddrPort(addr)
	shared := err == nil && b.shared(at.Addr().Unmap())
	b.mu.Lock()
	defer b.mu.Unlock()
	small := !shared && b.open[key] < reservedPerAddr
	if b.total >= b.max || !small && b.total >= b.max-b.max/reserveFraction || !shared && b.open[key] >= b.maxPerAddr {
		if !b.warned {
			b.warned = true
			b.log.Warn("connections refused", "addr", addr, "of_this_address", b.open[key], "open", b.total)
		}
		return false
	}
	b.total++
	b.open[key]++
	return true
}

func (b *connLimits) release(addr string) {
	key := access.AddrKey(addr)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total--
	if b.open[key]--; b.open[key] == 0 {
		delete(b.open, key)
	}
	if b.total < b.max/2 {
		b.warned = false
	}
}

// limitedConn counts until it is closed.
type limitedConn struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// isShared reports whether an address stands for many clients: that of a trusted proxy, or of this machine, where
// tunnels and other proxies end.
func (n *node) isShared(addr netip.Addr) bool {
	return addr.IsLoopback() || n.cfg.Proxies.Trusts(addr)
}

// unused are connections without a request. Browsers open some in advance, and [http.Server.Shutdown] waits up to 5 s
// for a request on each.
type unused struct {
	mu    sync.Mutex
	conns map[net.Conn]bool // nil once they are closed
}

// track implements [http.Server.ConnState].
func (u *unused) track(conn net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(u.conns, conn)
	case u.conns == nil:
		conn.Close() //nolint:errcheck // it was not used
	default:
		u.conns[conn] = true
	}
}

// close closes them, and all later ones.
func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for conn := range u.conns {
		conn.Close() //nolint:errcheck // it was not used
	}
	u.conns = nil
}

// newServer returns the console's server, with limits on headers and idle connections. Handlers limit bodies. Shutdown
// waits only for requests.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	opened := unused{conns: map[net.Conn]bool{}}
	server := &http.Server{
		Handler:           handler,
		ConnState:         opened.track,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:  pingInterval,
			PingTimeout:      pingInterval / 2,
			WriteByteTimeout: pingInterval,
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(opened.close)
	return server
}
