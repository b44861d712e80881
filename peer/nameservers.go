package peer

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// serverTimeout is how long one name server may take. That of resolv.conf is usually 5 s, more than a whole lookup.
	serverTimeout = time.Second
	// silentFor is how long a server that did not answer is not asked while another one answers.
	silentFor = 30 * time.Second
)

var errSilent = errors.New("the server did not answer recently")

// nameServers are the DNS servers of a resolver, which asks one after the other. Its methods may be called
// concurrently.
type nameServers struct {
	dial func(ctx context.Context, network, server string) (net.Conn, error)

	mu       sync.Mutex
	silent   map[string]time.Time // since when, by address
	answered string               // the last one that did
}

// impatient returns a resolver like r that does not wait long for a silent server, and its servers. It is always Go's:
// the C library's, which Go prefers for some resolv.conf and nsswitch.conf, would not use Dial.
func impatient(r *net.Resolver) (*net.Resolver, *nameServers) {
	r = cmp.Or(r, net.DefaultResolver)
	s := &nameServers{dial: r.Dial, silent: map[string]time.Time{}}
	if s.dial == nil {
		s.dial = new(net.Dialer).DialContext
	}
	return &net.Resolver{PreferGo: true, StrictErrors: r.StrictErrors, Dial: s.connect}, s
}

// connect is the Dial of a resolver.
func (s *nameServers) connect(ctx context.Context, network, server string) (net.Conn, error) {
	if s.skips(server) {
		return nil, errSilent
	}
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	conn, err := s.dial(ctx, network, server)
	if err != nil {
		return nil, err
	}
	c := &serverConn{Conn: conn, servers: s}
	if udp, ok := conn.(net.PacketConn); ok { // by which a resolver knows UDP
		return struct {
			*serverConn
			packets
		}{c, udp}, nil
	}
	return c, nil
}

// packets is what a net.PacketConn has besides a net.Conn.
type packets interface {
	ReadFrom(b []byte) (int, net.Addr, error)
	WriteTo(b []byte, to net.Addr) (int, error)
}

// serverConn is a connection to a server for one question.
type serverConn struct {
	net.Conn
	servers *nameServers
	ours    bool // the deadline is serverTimeout
}

// SetDeadline sets the deadline that the resolver asks for, but no later than serverTimeout from now.
func (c *serverConn) SetDeadline(at time.Time) error {
	if limit := time.Now().Add(serverTimeout); at.IsZero() || at.After(limit) {
		at, c.ours = limit, true
	}
	return c.Conn.SetDeadline(at)
}

func (c *serverConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.servers.record(c.RemoteAddr().String(), err == nil, c.ours && errors.Is(err, os.ErrDeadlineExceeded))
	return n, err
}

// record remembers whether a server has answered, or was silent.
func (s *nameServers) record(server string, answered, silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case answered:
		delete(s.silent, server)
		s.answered = server
	case silent:
		s.silent[server] = time.Now()
		if s.answered == server {
			s.answered = ""
		}
	}
}

// skips reports whether a server is not worth a question now.
func (s *nameServers) skips(server string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, silent := s.silent[server]
	return silent && s.answered != "" && time.Since(since) < silentFor
}

// silentOnes lists the servers that did not answer when they were last asked: "[fd00::1]:53, 10.0.0.1:53".
func (s *nameServers) silentOnes() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(s.silent)), ", ")
}
