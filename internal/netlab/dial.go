//go:build linux

package netlab

import (
	"context"
	"net"
	"net/netip"
)

// Dial connects from the host to an address, which is a literal one, as
// [net.Dialer.DialContext] does.
func (h *Host) Dial(ctx context.Context, network, addr string) (conn net.Conn, err error) {
	err = h.space.inside(func() error {
		var dialer net.Dialer
		conn, err = dialer.DialContext(ctx, network, addr)
		return err
	})
	return conn, err
}

// Listen takes TCP connections on the host's address; port 0 is any free one.
func (h *Host) Listen(port uint16) (l net.Listener, err error) {
	err = h.space.inside(func() error {
		l, err = net.Listen("tcp", netip.AddrPortFrom(h.addr, port).String())
		return err
	})
	return l, err
}

// ListenPacket opens a UDP socket on the host's address; port 0 is any free one.
func (h *Host) ListenPacket(port uint16) (c net.PacketConn, err error) {
	err = h.space.inside(func() error {
		c, err = net.ListenPacket("udp", netip.AddrPortFrom(h.addr, port).String())
		return err
	})
	return c, err
}

// Inside runs f on a thread of the host. Sockets that f opens belong to the host.
func (h *Host) Inside(f func() error) error { return h.space.inside(f) }
