package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// HTTP/2 settings of both sides. A stream whose reader stalls holds at most streamWindowBytes at the reader, and flow
// control stops its writer. A silent connection is detected after pingAfter + pingTimeout.
const (
	addrWait          = 30 * time.Second // until the address is available
	addrInterval      = 250 * time.Millisecond
	streamWindowBytes = 256 << 10
	connWindowBytes   = 4<<20 - 1 // net/http's maximum: 16 stalled uploads do not stop others
	streamsAtOnce     = 4096
	pingAfter         = 3 * time.Second
	pingTimeout       = 3 * time.Second
	writeTimeout      = 5 * time.Second
	userTimeout       = 5 * time.Second // see setUserTimeout
	handshakeTimeout  = 5 * time.Second
	maxHeaderBytes    = 64 << 10
	drainTimeout      = time.Second
)

func http2Settings() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams:          streamsAtOnce,
		MaxReceiveBufferPerConnection: connWindowBytes,
		MaxReceiveBufferPerStream:     streamWindowBytes,
		SendPingTimeout:               pingAfter,
		PingTimeout:                   pingTimeout,
		WriteByteTimeout:              writeTimeout,
	}
}

func onlyHTTP2() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP2(true)
	return p
}

// server serves the members' requests.
type server struct {
	http     *http.Server
	listener net.Listener
	port     uint16
	limiter  *connLimiter // for connections before the handshake
	handlers taskGroup    // net/http does not wait for handlers of connections that it has closed
}

// listenWithRetry opens a port, and waits a while if the machine does not have the address yet: the network may come up
// after the program.
func (c *Cluster) listenWithRetry(ctx context.Context, addr netip.AddrPort) (net.Listener, error) {
	config := net.ListenConfig{Control: setUserTimeout}
	ctx, cancel := context.WithTimeout(ctx, addrWait)
	defer cancel()
	tick := time.NewTicker(addrInterval)
	defer tick.Stop()
	for first := true; ; first = false {
		l, err := config.Listen(ctx, "tcp", addr.String())
		if !errors.Is(err, syscall.EADDRNOTAVAIL) {
			return l, err
		}
		if first {
			c.log.Warn("address not available yet, waiting", "addr", addr)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}

// listen opens the port for calls. Connections are accepted by serve.
func (c *Cluster) listen(ctx context.Context, h http.Handler) (*server, error) {
	l, err := c.listenWithRetry(ctx, netip.AddrPortFrom(c.cfg.Bind, c.cfg.CallPort))
	if err != nil {
		return nil, fmt.Errorf("open the port for calls: %w", err)
	}
	s := &server{limiter: c.newConnLimiter("calls"), port: uint16(l.Addr().(*net.TCPAddr).Port)}
	s.listener = tls.NewListener(&limitedListener{l, s.limiter}, c.identity.server())
	s.http = &http.Server{
		Handler:           s.wrap(c.routes(h)),
		Protocols:         onlyHTTP2(),
		HTTP2:             http2Settings(),
		ReadHeaderTimeout: handshakeTimeout, // includes the TLS handshake
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         onStateActive,
		BaseContext:       func(net.Listener) context.Context { return c.ctx },
		ErrorLog:          log.New(&stdLog{log: c.log, refusals: c.refusals, via: "calls", from: "error from "}, "", 0),
	}
	return s, nil
}

// onStateActive releases a connection from the limiter: HTTP/2 makes it active only after the handshake.
func onStateActive(conn net.Conn, state http.ConnState) {
	secure, ok := conn.(*tls.Conn)
	if !ok || state != http.StateActive {
		return
	}
	if g, ok := secure.NetConn().(*pendingConn); ok {
		g.release()
	}
}

func (s *server) serve() { s.http.Serve(s.listener) }

// close refuses new requests, gives handlers, whose contexts have been cancelled, a moment to end, then closes their
// connections and waits for them.
func (s *server) close() error {
	err := s.listener.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.handlers.wait()
	}()
	select {
	case <-ended:
	case <-time.After(drainTimeout):
	}
	s.http.Close()
	s.limiter.close()
	<-ended
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// wrap adds the caller to each request's context.
func (s *server) wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.handlers.enter() {
			http.Error(w, "node is stopping", http.StatusServiceUnavailable)
			return
		}
		defer s.handlers.leave()
		if r.TLS == nil {
			http.Error(w, "not a member", http.StatusForbidden)
			return
		}
		caller, err := memberOf(*r.TLS)
		if err != nil { // verifyMember has checked it
			http.Error(w, "not a member", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
	})
}

type callerKey struct{}

// CallerOf returns the member whose request a context belongs to, according to its certificate; ok is false outside of
// members' requests.
func CallerOf(ctx context.Context) (caller Caller, ok bool) {
	caller, ok = ctx.Value(callerKey{}).(Caller)
	return caller, ok
}
