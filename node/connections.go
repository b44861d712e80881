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
	// maxConnections is how many connections the console has at once, if the process may have twice as many files, and
	// maxConnectionsOf how many of them one address has: of IPv6 one network of 64 bits.
	maxConnections        = 8192
	maxConnectionsPerAddr = 512
	// fewConnections is what an address may have of the last eighth, which is kept for those who have few.
	reservedPerAddr = 16
	reserveFraction = 8
	// maxHeader bounds a request's header, in bytes.
	maxHeader = 64 << 10
	// pingAfter is how long an HTTP/2 connection may be silent before it is asked whether it is there.
	pingInterval = 30 * time.Second
)

// bounded accepts no more connections than the node can serve: one too many is closed at once. An address that many
// share, a proxy's or this machine's own, has no bound of its own, and no part of the reserve.
type limitedListener struct {
	net.Listener
	max        int
	maxPerAddr int
	shared     func(netip.Addr) bool
	log        *slog.Logger

	mu     sync.Mutex
	total  int
	open   map[string]int
	warned bool // it was said
}

// newBounded bounds a listener by what this process may have open.
func newLimitedListener(l net.Listener, shared func(netip.Addr) bool, log *slog.Logger) *limitedListener {
	total := maxConnections
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && uint64(limit.Cur)/2 < uint64(total) {
		total = int(limit.Cur / 2)
	}
	return &limitedListener{
		Listener:   l,
		max:        total,
		maxPerAddr: maxConnectionsPerAddr,
		shared:     shared,
		log:        log,
		open:       map[string]int{},
	}
}

// Accept does as net.Listener says.
func (b *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := conn.RemoteAddr().String()
		if b.admit(addr) {
			return &limitedConn{Conn: conn, release: sync.OnceFunc(func() { b.release(addr) })}, nil
		}
		conn.Close() //nolint:errcheck // it is nobody's
	}
}

// take counts a connection, unless there are too many.
func (b *limitedListener) admit(addr string) bool {
	key := access.AddrKey(addr)
	at, err := netip.ParseAddrPort(addr)
	shared := err == nil && b.shared(at.Addr().Unmap())
	b.mu.Lock()
	defer b.mu.Unlock()
	few := !shared && b.open[key] < reservedPerAddr
	if b.total >= b.max || !few && b.total >= b.max-b.max/reserveFraction || !shared && b.open[key] >= b.maxPerAddr {
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

func (b *limitedListener) release(addr string) {
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

// boundedConn is counted until it is closed.
type limitedConn struct {
	net.Conn
	release func()
}

// Close does as net.Conn says.
func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// sharesAddress reports whether many come from an address: a trusted proxy's, or one of this machine, where tunnels and
// other proxies end.
func (n *node) isShared(addr netip.Addr) bool {
	return addr.IsLoopback() || n.cfg.Proxies.Trusts(addr)
}

// newServer is the console's server. What a header, an idle connection and a silent one may take is bounded here,
// bodies and answers by the handlers.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
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
}
