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

// Connect joins the node at a place, "convoy@host", "host" or an address, each
// with or without ":port" of its gossip; whoever it knows becomes known here too.
// It returns once that node is in Members. The error says what is wrong:
// ErrWrongCookie, ErrUnreachable, a name that DNS does not have, or that another
// node is there than the one that was named.
func (c *Cluster) Connect(ctx context.Context, text string) error {
	p, err := parsePlace(text)
	if err != nil {
		return err
	}
	if !c.joined() {
		return fmt.Errorf("connect to %q: %w", text, ErrClosed)
	}
	addrs, err := c.placeAddrs(ctx, p)
	if err != nil {
		return fmt.Errorf("connect to %q: %w", text, err)
	}
	if err := c.joinAny(ctx, addrs); err != nil {
		return fmt.Errorf("connect to %q: %w", text, err)
	}
	if err := c.flush(ctx); err != nil {
		return fmt.Errorf("connect to %q: %w", text, err)
	}
	if p.name != "" && p.name != c.self.Name {
		if _, err := c.roster.owner(p.name); err != nil {
			return fmt.Errorf("connect to %q: another node is there: %w", text, err)
		}
	}
	return nil
}

func (c *Cluster) joined() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == phaseJoined
}

// placeAddrs resolves a place. Where the poll reads SRV, nodes differ by port,
// and the port of a host that comes without one is in those records.
func (c *Cluster) placeAddrs(ctx context.Context, p place) ([]netip.AddrPort, error) {
	l := c.poll.lookup
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

// joinAny tries all addresses at once and succeeds with the first that answers.
func (c *Cluster) joinAny(ctx context.Context, addrs []netip.AddrPort) error {
	if slices.ContainsFunc(addrs, c.isMember) {
		return nil
	}
	results := make(chan error, len(addrs))
	for _, a := range addrs {
		t := c.poll.begin(a)
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
	case isStranger(err.Error()):
		return fmt.Errorf("%v: %w", addr, ErrWrongCookie)
	}
	return fmt.Errorf("%v: %w: %w", addr, ErrUnreachable, err)
}
