package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/miekg/dns"
)

const (
	udpBytes  = 4096 // longest UDP reply, for clients that accept it
	portTries = 20   // to find a port that is free for both UDP and TCP
)

// errNoServer is the error of a resolver before the DNS server runs.
var errNoServer = errors.New("the DNS server is not running")

// dnsServer answers for a zone over UDP and TCP on one port.
type dnsServer struct {
	zone      *zone
	log       *slog.Logger
	addr      netip.AddrPort
	parts     []*dns.Server
	group     sync.WaitGroup
	closeOnce sync.Once
	err       error // of close
}

// startDNS starts a server on the two sockets of a port, which it owns, and returns when it answers.
func startDNS(packets net.PacketConn, listener net.Listener, z *zone, log *slog.Logger) *dnsServer {
	s := &dnsServer{zone: z, log: log, addr: netip.MustParseAddrPort(packets.LocalAddr().String())}
	s.serve(&dns.Server{PacketConn: packets})
	s.serve(&dns.Server{Listener: listener})
	return s
}

// serve runs one half of the server, and returns when it answers.
func (s *dnsServer) serve(part *dns.Server) {
	started := make(chan struct{})
	start := sync.OnceFunc(func() { close(started) })
	part.Handler = s
	part.NotifyStartedFunc = start
	s.parts = append(s.parts, part)
	s.group.Go(func() {
		defer start() // also if it fails to start
		if err := part.ActivateAndServe(); err != nil {
			s.log.Error("dns server ended", "addr", s.addr.String(), "err", err)
		}
	})
	<-started
}

// close shuts down both halves, and waits for them until ctx ends. A second call does nothing, nor
// does one for a server that was not started.
func (s *dnsServer) close(ctx context.Context) error {
	if s == nil {
		return nil
	}
	s.closeOnce.Do(func() {
		for _, part := range s.parts {
			s.err = errors.Join(s.err, part.ShutdownContext(ctx))
		}
		if s.err != nil {
			s.err = fmt.Errorf("stop dns server: %w", s.err)
			return
		}
		s.group.Wait()
	})
	return s.err
}

// ServeDNS answers one request.
func (s *dnsServer) ServeDNS(w dns.ResponseWriter, request *dns.Msg) {
	reply := new(dns.Msg).SetReply(request)
	limit := dns.MinMsgSize
	if _, tcp := w.RemoteAddr().(*net.TCPAddr); tcp {
		limit = dns.MaxMsgSize
	}
	switch opt := request.IsEdns0(); {
	case request.Opcode != dns.OpcodeQuery:
		reply.Rcode = dns.RcodeNotImplemented
	case len(request.Question) != 1: // the library passes a header that only announces a question
		reply.Rcode = dns.RcodeFormatError
	case opt != nil && opt.Version() != 0:
		reply.SetEdns0(udpBytes, false)
		reply.Rcode = dns.RcodeBadVers
	default:
		s.zone.answer(request.Question[0], reply)
		if opt != nil {
			limit = max(limit, min(udpBytes, int(opt.UDPSize())))
			reply.SetEdns0(udpBytes, false)
		}
		truncateReply(reply, limit)
	}
	if err := w.WriteMsg(reply); err != nil {
		s.log.Debug("dns answer not sent", "addr", w.RemoteAddr().String(), "err", err)
	}
}

// truncateReply shortens the reply: first it drops the additional addresses, which need no retry (RFC 2181, 9), then
// answers, and sets TC.
func truncateReply(reply *dns.Msg, limit int) {
	reply.Compress = true
	if reply.Len() > limit {
		opt := reply.IsEdns0()
		reply.Extra = nil
		if opt != nil {
			reply.Extra = []dns.RR{opt}
		}
	}
	reply.Truncate(limit)
}

// listenBoth binds one port for UDP and TCP.
func listenBoth(ctx context.Context, addr netip.Addr) (net.PacketConn, net.Listener, error) {
	var config net.ListenConfig
	var last error
	for range portTries {
		listener, err := config.Listen(ctx, "tcp", netip.AddrPortFrom(addr, 0).String())
		if err != nil {
			return nil, nil, err
		}
		packets, err := config.ListenPacket(ctx, "udp", listener.Addr().String())
		if err == nil {
			return packets, listener, nil
		}
		last = errors.Join(err, listener.Close())
	}
	return nil, nil, fmt.Errorf("no port is free for UDP and TCP: %w", last)
}

// Resolver returns a resolver that uses only this server.
func Resolver(server netip.AddrPort) *net.Resolver {
	return resolver(func() netip.AddrPort { return server })
}

func resolver(server func() netip.AddrPort) *net.Resolver {
	return &net.Resolver{
		PreferGo: true, // the system's resolver would use the system's servers
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			addr := server()
			if !addr.IsValid() {
				return nil, errNoServer
			}
			var d net.Dialer
			return d.DialContext(ctx, network, addr.String())
		},
	}
}
