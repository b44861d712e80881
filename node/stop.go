package node

import (
	"context"
	"log/slog"
	"time"
)

const (
	leaveWait    = 600 * time.Millisecond // for the cluster to learn of the departure
	shutdownWait = 5 * time.Second        // for requests in progress
	handOverWait = 2 * time.Second        // for them if the next process waits
	shellsWait   = 4 * time.Second        // for shells: HUP, then KILL after 2 s
	childrenWait = 8 * time.Second        // for the children of provider local
)

// stop stops the node and waits for it, in the order that loses least. It is safe after a failed start.
func (n *node) stop() {
	endShells, endNodes, requestsWait := n.shells.Close, n.local.Close, shutdownWait
	if n.leaving { // its next process, which comes at once, is the same node
		endShells, endNodes = func(context.Context) error { n.shells.Leave(); return nil }, n.local.Leave
		requestsWait = handOverWait
	} else {
		n.stopStep("leave the cluster", leaveWait, func(ctx context.Context) error { n.cluster.Leave(ctx); return nil })
	}
	n.stopStep("end the streams", shutdownWait, func(context.Context) error { n.handlers.Close(); return nil })
	if n.server != nil {
		n.stopStep("stop the console", requestsWait, n.server.Shutdown)
	}
	n.stopStep("stop the fleet", shutdownWait, n.fleet.Close)
	if n.local != nil {
		n.stopStep("stop the nodes made here", childrenWait, endNodes)
	}
	if n.railway != nil {
		n.stopStep("stop watching Railway", shutdownWait, n.railway.Close)
	}
	n.stopStep("end the shells", shellsWait, endShells)
	n.system.close()
	n.stopStep("close the ports", shutdownWait, func(context.Context) error { return n.cluster.Close() })
	n.stopStep("close the list of logins", shutdownWait, func(context.Context) error { return n.authority.Grants.Close() })
	if n.audit != nil {
		n.stopStep("close the audit log", shutdownWait, func(context.Context) error { return n.audit.Close() })
	}
	n.log.Info("node stopped")
}

func (n *node) stopStep(name string, limit time.Duration, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	began := time.Now()
	level, text := slog.LevelInfo, ""
	if err := do(ctx); err != nil {
		level, text = slog.LevelWarn, err.Error()
	}
	took := time.Since(began).Round(time.Millisecond).String()
	n.log.Log(ctx, level, "stopping", "step", name, "took", took, "err", text)
}
