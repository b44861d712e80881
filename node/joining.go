package node

import (
	"context"
	"errors"
	"fmt"

	"convoy/peer"
)

// joinNode makes a node that runs a member. The error is what its card shows: what was tried, and what to do.
func (n *node) joinNode(ctx context.Context, name string) error {
	tried, err := n.cluster.TryJoin(ctx, name)
	if err == nil {
		return nil
	}
	advice := "check the node's log, and that its gossip port is open, UDP and TCP"
	switch {
	case tried == "":
		return err
	case errors.Is(err, peer.ErrWrongCookie):
		advice = "start it with this cluster's CONVOY_COOKIE, or retire it"
	case errors.Is(err, peer.ErrUnknownNode):
		advice = "check the node's log, and the name that it runs under (-host)"
	}
	return fmt.Errorf("it runs, but is not a member: %s; %s", tried, advice)
}
