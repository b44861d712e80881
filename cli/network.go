package cli

import (
	"net"
	"net/netip"
)

// loopback is ::1, or 127.0.0.1 where the machine has no IPv6.
func loopback() netip.Addr {
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	probe.Close() //nolint:errcheck // it was only a question
	return netip.IPv6Loopback()
}

// privateAddr is this machine's address on a private IPv6 network (RFC 4193), else any of its own.
func privateAddr() netip.Addr {
	best := loopback()
	addrs, _ := net.InterfaceAddrs()
	for _, one := range addrs {
		prefix, err := netip.ParsePrefix(one.String())
		if err != nil || prefix.Addr().IsLoopback() || prefix.Addr().IsLinkLocalUnicast() {
			continue
		}
		if addr := prefix.Addr(); addr.Is6() && addr.IsPrivate() {
			return addr
		} else if best.IsLoopback() {
			best = addr
		}
	}
	return best
}
