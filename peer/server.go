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

// Settings of HTTP/2 on both sides. A stream whose reader stands still holds at
// most streamWindowBytes at the reader and stops its writer by flow control; a
// connection that has gone silent is found out after pingAfter + pingTimeout.
const (
	addrPatience      = 30 * time.Second // for the address to be there
	addrInterval      = 250 * time.Millisecond
	streamWindowBytes = 256 << 10
	connWindowBytes   = 4<<20 - 1 // the most that net/http takes: 16 stalled uploads stop no other
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

// server takes the members' requests.
type server struct {
	http     *http.Server
	listener net.Listener
	port     uint16
	door     *door // for connections before the handshake
	handlers tally // net/http does not wait for handlers whose connection it has cut
}

// listenWhenThere opens a port, and waits for a while if the machine does not
// have the address yet: a network may come later than the program.
func (c *Cluster) listenWhenThere(ctx context.Context, addr netip.AddrPort) (net.Listener, error) {
	config := net.ListenConfig{Control: setUserTimeout}
	ctx, cancel := context.WithTimeout(ctx, addrPatience)
	defer cancel()
	tick := time.NewTicker(addrInterval)
	defer tick.Stop()
	for first := true; ; first = false {
		l, err := config.Listen(ctx, "tcp", addr.String())
		if !errors.Is(err, syscall.EADDRNOTAVAIL) {
			return l, err
		}
		if first {
			c.log.Warn("no such address here yet, waiting for it", "addr", addr)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}

// listen opens the port for calls. Nothing is accepted before serve.
func (c *Cluster) listen(ctx context.Context, h http.Handler) (*server, error) {
	l, err := c.listenWhenThere(ctx, netip.AddrPortFrom(c.cfg.Bind, c.cfg.CallPort))
	if err != nil {
		return nil, fmt.Errorf("open the port for calls: %w", err)
	}
	s := &server{door: c.door("calls"), port: uint16(l.Addr().(*net.TCPAddr).Port)}
	s.listener = tls.NewListener(&guarded{l, s.door}, c.identity.server())
	s.http = &http.Server{
		Handler:           s.wrap(c.routes(h)),
		Protocols:         onlyHTTP2(),
		HTTP2:             http2Settings(),
		ReadHeaderTimeout: handshakeTimeout, // bounds the TLS handshake too
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         letPass,
		BaseContext:       func(net.Listener) context.Context { return c.ctx },
		ErrorLog:          log.New(&lineLog{log: c.log, refused: c.refused, via: "calls", from: "error from "}, "", 0),
	}
	return s, nil
}

// letPass notes that a connection is a member's: only then HTTP/2 makes it active, after the handshake.
func letPass(conn net.Conn, state http.ConnState) {
	secure, ok := conn.(*tls.Conn)
	if !ok || state != http.StateActive {
		return
	}
	if g, ok := secure.NetConn().(*guest); ok {
		g.pass()
	}
}

func (s *server) serve() { s.http.Serve(s.listener) }

// close takes no more requests, lets handlers end, whose contexts have been
// cancelled, for a moment, then cuts their connections and waits for them.
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
	s.door.close()
	<-ended
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// wrap serves with h, in the name of the member that calls.
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
		if err != nil { // verifyMember has seen to it
			http.Error(w, "not a member", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
	})
}

type callerKey struct{}

// CallerOf is the member whose request a context belongs to, as its certificate
// says; ok is false outside of requests that came in from a member.
func CallerOf(ctx context.Context) (caller Caller, ok bool) {
	caller, ok = ctx.Value(callerKey{}).(Caller)
	return caller, ok
}
