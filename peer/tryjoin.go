package peer

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// TryJoin makes a node a member, at the addresses that DNS has for it. If it cannot, tried describes for users what DNS
// answered and what each address did, and the error is ErrUnknownNode if DNS has no address, ErrWrongCookie,
// ErrUnreachable, or the context's. It takes a few seconds at most.
func (c *Cluster) TryJoin(ctx context.Context, name string) (tried string, err error) {
	_, host, err := ParseName(name)
	if err != nil {
		return "", err
	}
	if !c.joined() {
		return "", ErrClosed
	}
	addrs, err := c.resolveNodeAddr(ctx, nodeAddr{name: name, host: host})
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case isNoName(err), err == nil && len(addrs) == 0:
		return "DNS has no address for " + host, ErrUnknownNode
	case isTimeout(err):
		return "DNS does not answer", ErrUnreachable
	case err != nil:
		return "DNS cannot be asked: " + err.Error(), ErrUnreachable
	}
	return c.tryAddrs(ctx, name, addrs)
}

// tryAddrs joins all addresses at once.
func (c *Cluster) tryAddrs(ctx context.Context, name string, addrs []netip.AddrPort) (tried string, err error) {
	tries := make([]*joinAttempt, len(addrs))
	for i, a := range addrs {
		tries[i] = c.poll.startJoin(a)
	}
	err = ErrUnreachable
	what := make([]string, len(addrs))
	for i, t := range tries {
		select {
		case <-t.done:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		if t.err != nil && isKeyError(t.err.Error()) {
			err = ErrWrongCookie
		}
		what[i] = fmt.Sprintf("%v %s", addrs[i], joinOutcome(t.err))
	}
	if syncErr := c.syncEvents(ctx); syncErr != nil {
		return "", syncErr
	}
	if _, missing := c.roster.owner(name); missing == nil {
		return "", nil
	}
	return "DNS answers " + strings.Join(what, ", "), err
}

// joinOutcome completes a sentence that begins with an address.
func joinOutcome(err error) string {
	switch {
	case err == nil:
		return "(another node)"
	case errors.Is(err, ErrClosed):
		return "(this node has left the cluster)"
	case isKeyError(err.Error()):
		return "(it has a different cookie)"
	case strings.Contains(err.Error(), "connection refused"):
		return "(it refuses connections)"
	}
	return "(it does not answer)"
}
