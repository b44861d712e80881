package peer

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	lookupTimeout  = 4 * time.Second // resolvers ask at most three servers
	lookupsAtOnce  = 8
	maxSRVTargets  = 1024
	maxAddrsOfName = 64
)

// dnsClient resolves names in one address family only: on a dual-stack network every node would appear twice.
type dnsClient struct {
	resolver *net.Resolver
	servers  *nameServers
	network  string // "ip6"; "ip4" where this node has no IPv6 address
	port     uint16 // for addresses whose port is not in DNS
}

func newDNSClient(cfg Config) dnsClient {
	l := dnsClient{network: "ip6", port: cmp.Or(cfg.Port, DefaultPort)}
	l.resolver, l.servers = impatient(cfg.Resolver)
	if cfg.Bind.Is4() {
		l.network = "ip4"
	}
	return l
}

// target is a possible gossip address.
type target struct {
	host string
	port uint16
}

// query resolves the polled name: SRV if it begins with "_".
func (l dnsClient) query(ctx context.Context, name string) ([]netip.AddrPort, error) {
	lookup, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	if !strings.HasPrefix(name, "_") {
		return l.host(lookup, target{name, l.port})
	}
	targets, err := l.targets(lookup, name)
	if err != nil {
		return nil, err
	}
	return l.hosts(ctx, targets), nil
}

// targets looks up SRV records (RFC 2782).
func (l dnsClient) targets(ctx context.Context, name string) ([]target, error) {
	_, records, err := l.resolver.LookupSRV(ctx, "", "", fqdn(name))
	targets := srvTargets(records)
	if len(targets) > 0 { // the resolver has dropped malformed ones
		return targets, nil
	}
	return nil, err
}

// srvTargets returns the valid targets of an answer, without duplicates.
func srvTargets(records []*net.SRV) []target {
	var targets []target
	seen := map[target]bool{}
	for _, r := range records {
		t := target{strings.ToLower(strings.TrimSuffix(r.Target, ".")), r.Port}
		if !isHost(t.host) || t.port == 0 || seen[t] || len(targets) == maxSRVTargets {
			continue
		}
		seen[t] = true
		targets = append(targets, t)
	}
	return targets
}

// host resolves a host's addresses.
func (l dnsClient) host(ctx context.Context, t target) ([]netip.AddrPort, error) {
	addrs, err := l.resolver.LookupNetIP(ctx, l.network, fqdn(t.host))
	if err != nil {
		return nil, err
	}
	found := make([]netip.AddrPort, 0, len(addrs))
	for _, a := range addrs[:min(len(addrs), maxAddrsOfName)] {
		if a = a.Unmap(); a.Is4() == (l.network == "ip4") {
			found = append(found, netip.AddrPortFrom(a, t.port))
		}
	}
	return found, nil
}

// hosts resolves many hosts, without failures and duplicates.
func (l dnsClient) hosts(ctx context.Context, targets []target) []netip.AddrPort {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found := make([][]netip.AddrPort, len(targets))
	slots := make(chan struct{}, lookupsAtOnce)
	var group sync.WaitGroup
	for i, t := range targets {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			found[i], _ = l.host(ctx, t)
		})
	}
	group.Wait()
	all := slices.Concat(found...)
	slices.SortFunc(all, netip.AddrPort.Compare)
	return slices.Compact(all)
}

// fqdn disables the resolver's search domains.
func fqdn(name string) string { return strings.TrimSuffix(name, ".") + "." }

// nodeAddr is an address that a user enters.
type nodeAddr struct {
	name string     // "convoy@host", "" if only a host was given
	host string     // "" if there is an address
	addr netip.Addr // valid if the host is an IP address
	port uint16     // 0 if none was given
}

// parseNodeAddr parses "name@host", "host", or an IP address, optionally with ":port"; an IPv6 address with a port is
// in brackets.
func parseNodeAddr(text string) (nodeAddr, error) {
	var p nodeAddr
	rest := text
	if base, after, ok := strings.Cut(text, "@"); ok {
		p.name, rest = base, after
		if len(base) == 0 || len(base) > maxBaseBytes || !allBytes(base, isBaseChar) {
			return nodeAddr{}, fmt.Errorf("parse %q: %w", text, ErrBadName)
		}
	}
	if ap, err := netip.ParseAddrPort(rest); err == nil {
		p.addr, p.port = ap.Addr().Unmap(), ap.Port()
	} else if a, err := netip.ParseAddr(strings.Trim(rest, "[]")); err == nil {
		p.addr = a.Unmap()
	} else if err := p.parseHost(rest); err != nil {
		return nodeAddr{}, fmt.Errorf("parse %q: %w", text, err)
	}
	if p.name != "" {
		p.name += "@" + p.host
	}
	if p.addr.IsValid() {
		p.name = "" // the node there will announce its name
	}
	return p, nil
}

func (p *nodeAddr) parseHost(text string) error {
	host, port, hasPort := strings.Cut(text, ":")
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("port %q is not between 1 and 65535", port)
		}
		p.port = uint16(n)
	}
	p.host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !isHost(p.host) {
		return fmt.Errorf("host %q is not a DNS name", host)
	}
	return nil
}
