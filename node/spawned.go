package node

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"convoy/local"
)

var errParentGone = errors.New("the parent of this node has ended")

// child returns the configuration of a child of provider local, as JSON.
func (n *node) child(name string) ([]byte, error) {
	return json.Marshal(n.cfg.child(name, n.local.Query(), n.local.DNS()))
}

// reportToParent reports this node's ports to its parent, and then watches the pipe, which closes when the parent
// ends for any reason. This node ends with it.
func (n *node) reportToParent(ctx context.Context, fail context.CancelCauseFunc) error {
	ready := local.Ready{Gossip: n.cluster.GossipPort(), Call: n.cluster.CallPort(), Console: uint16(n.addr().Port)}
	if err := local.WriteReady(ready); err != nil {
		return err
	}
	go func() { // ends with the process: a read of standard input cannot be interrupted
		io.Copy(io.Discard, os.Stdin) //nolint:errcheck // only its end matters
		if ctx.Err() == nil {
			n.log.Info("parent ended")
		}
		fail(errParentGone)
	}()
	return nil
}
