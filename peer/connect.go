package peer

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"convoy/fleet"
)

// Connect joins the node at an address: "convoy@host", "host", or an IP address, optionally with ":port" for gossip.
// All nodes that it knows become members too. Connect returns once the node is in Members. The error is ErrWrongCookie,
// ErrUnreachable, an unknown DNS name, or that a different node answered.
func (c *Cluster) Connect(ctx context.Context, text string) error {
	p, err := parseNodeAddr(text)
	if err != nil {
		return err
	}
	if !c.joined() {
		return fmt.Errorf("connect to %q: %w", text, ErrClosed)
	}
	addrs, err := c.resolveNodeAddr(ctx, p)
	if err != nil {
		return fmt.Errorf("connect to %q: %w", text, err)
	}
	if err := c.joinAny(ctx, addrs); err != nil {
		return fmt.Errorf("connect to %q: %w", text, err)
	}
	if err := c.syncEvents(ctx); err != nil {
		return fmt.Errorf("connect to %q: %w", text, err)
	}
	if p.name != "" && p.name != c.self.Name {
		if _, err := c.roster.owner(p.name); err != nil {
			return fmt.Errorf("connect to %q: a different node answered: %w", text, err)
		}
	}
	return nil
}

func (c *Cluster) joined() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == phaseJoined
}

// resolveNodeAddr resolves an address. If the poll reads SRV records, nodes differ by port, and a host without a port
// gets it from those records.
func (c *Cluster) resolveNodeAddr(ctx context.Context, p nodeAddr) ([]netip.AddrPort, error) {
	l := c.poll.dns
	if p.addr.IsValid() {
		return []netip.AddrPort{netip.AddrPortFrom(p.addr, orPort(p.port, l.port))}, nil
	}
	targets := []target{{p.host, orPort(p.port, l.port)}}
	if p.port == 0 && strings.HasPrefix(c.cfg.Query, "_") {
		if named, err := l.targets(ctx, c.cfg.Query); err == nil {
			named = slices.DeleteFunc(named, func(t target) bool { return t.host != p.host })
			if len(named) > 0 {
				targets = named
			}
		}
	}
	var addrs []netip.AddrPort
	for _, t := range targets {
		found, err := l.host(ctx, t)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, found...)
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("no address of this network's family for %q", p.host)
	}
	return addrs, nil
}

func orPort(port, otherwise uint16) uint16 {
	if port != 0 {
		return port
	}
	return otherwise
}

// joinAny tries all addresses concurrently and succeeds with the first that answers.
func (c *Cluster) joinAny(ctx context.Context, addrs []netip.AddrPort) error {
	if slices.ContainsFunc(addrs, c.isMember) {
		return nil
	}
	results := make(chan error, len(addrs))
	for _, a := range addrs {
		t := c.poll.startJoin(a)
		c.group.run(func() {
			<-t.done
			results <- joinError(a, t.err)
		})
	}
	var errs []error
	for range addrs {
		select {
		case err := <-results:
			if err == nil {
				return nil
			}
			errs = append(errs, err)
		case <-ctx.Done():
			return errors.Join(append(errs, ctx.Err())...)
		case <-c.ctx.Done():
			return ErrClosed
		}
	}
	return errors.Join(errs...)
}

func (c *Cluster) isMember(addr netip.AddrPort) bool {
	return slices.ContainsFunc(c.roster.living(), func(m fleet.Member) bool { return m.Addr == addr })
}

func joinError(addr netip.AddrPort, err error) error {
	switch {
	case err == nil:
		return nil
	case isKeyError(err.Error()):
		return fmt.Errorf("%v: %w", addr, ErrWrongCookie)
	}
	return fmt.Errorf("%v: %w: %w", addr, ErrUnreachable, err)
}
