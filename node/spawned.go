package node

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"

	"convoy/local"
)

var errParentGone = errors.New("the node that made this one is gone")

// child is what a node that provider local spawns is told.
func (n *node) child(name string) ([]byte, error) {
	return json.Marshal(n.cfg.child(name, n.local.Query(), n.local.DNS()))
}

// announceToParent says which ports this node has, and from then on watches the pipe: its end is the parent's end,
// however it came, and this node's as well.
func (n *node) announceToParent(ctx context.Context, fail context.CancelCauseFunc) error {
	ready := local.Ready{Gossip: n.cluster.GossipPort(), Call: n.cluster.CallPort(), Console: portOf(n.listener)}
	if err := local.WriteReady(ready); err != nil {
		return err
	}
	go func() { // ends with the process: a read of standard input cannot be interrupted
		io.Copy(io.Discard, os.Stdin) //nolint:errcheck // the end is what counts
		if ctx.Err() == nil {
			n.log.Info("parent is gone")
		}
		fail(errParentGone)
	}()
	return nil
}

func portOf(l net.Listener) uint16 { return uint16(l.Addr().(*net.TCPAddr).Port) }
