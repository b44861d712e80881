package cli

import (
	"net"
	"net/netip"
	"os"
	"strings"

	"convoy/local"
	"convoy/peer"
)

// checkProvider decides what creates and names nodes. A node that polls a name of its own is part of another network,
// where this machine's DNS server would mean nothing.
func (cfg *config) checkProvider() error {
	named := cfg.given["query"] || cfg.given["host"]
	if cfg.Provider == "" {
		cfg.Provider = "local"
		if named {
			cfg.Provider = "none"
		}
	}
	if cfg.Provider == "railway" && cfg.Railway.Token == "" {
		return hint("set RAILWAY_API_TOKEN; docs/railway.md describes how to get one", "-provider railway needs a token")
	}
	if cfg.Provider == "local" {
		if named {
			return hint("leave out -query and -host, or use -provider none",
				"-provider local names its nodes itself, and polls its own DNS server")
		}
		if !cfg.given["port"] {
			cfg.Port = 0
		}
		if !cfg.given["call-port"] {
			cfg.CallPort = 0
		}
	}
	return oneOf("provider", cfg.Provider, "local", "railway", "none")
}

func (cfg *config) checkBind() error {
	switch {
	case cfg.bind == "" && cfg.Provider == "local":
		cfg.Bind = loopback()
		return nil
	case cfg.bind == "":
		cfg.Bind = privateAddr()
		return nil
	}
	bind, err := netip.ParseAddr(strings.Trim(cfg.bind, "[]"))
	cfg.Bind = bind.Unmap()
	switch {
	case err != nil || bind.IsUnspecified() || bind.IsMulticast():
		return hint("give one address of this machine, not :: or 0.0.0.0",
			"-bind %q is not an address that other nodes can reach", cfg.bind)
	case bind.Is6() && (bind.IsLinkLocalUnicast() || bind.Zone() != ""):
		return hint("give a unique local address (fd…) or a global one of this machine",
			"-bind %q is a link-local address: it means something else on each network link", cfg.bind)
	}
	probe, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(cfg.Bind, 0)))
	if err != nil {
		return hint("give one of the addresses that ip addr lists", "-bind %q is not an address of this machine", cfg.bind)
	}
	probe.Close() //nolint:errcheck // only a probe
	return nil
}

func (cfg *config) checkName() error {
	host := cfg.host
	switch {
	case cfg.Provider == "local":
		host = cfg.base + "." + local.Zone
	case host == "":
		host, _ = os.Hostname()
	}
	cfg.Name = cfg.base + "@" + dnsName(host)
	if _, _, err := peer.ParseName(cfg.Name); err != nil {
		return hint("-name takes a-z, 0-9 and -; -host a DNS name", "%q cannot be a node's name", cfg.Name)
	}
	return nil
}

// checkHosts reads -hosts, and refuses what cannot be a DNS name there and in -query.
func (cfg *config) checkHosts() error {
	const notInNames = "/:@*? \t"
	for _, host := range splitList(cfg.hosts) {
		// An address is allowed without being listed.
		if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil && strings.ContainsAny(host, notInNames) {
			return hint("give the name alone, such as console.example.com", "-hosts: %q is not a host name", host)
		}
		cfg.Hosts = append(cfg.Hosts, dnsName(host))
	}
	if strings.ContainsAny(cfg.Query, notInNames) {
		return hint("give the name alone, such as nodes.example.com", "-query: %q is not a DNS name", cfg.Query)
	}
	return nil
}

// dnsName is a DNS name as nodes write it: in lower case and without a final dot.
func dnsName(text string) string { return strings.TrimSuffix(strings.ToLower(text), ".") }

// loopback is ::1, or 127.0.0.1 where the machine has no IPv6.
func loopback() netip.Addr {
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	probe.Close() //nolint:errcheck // only a probe
	return netip.IPv6Loopback()
}

// privateAddr is this machine's address in a private IPv6 network (RFC 4193), else any other of its addresses.
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
