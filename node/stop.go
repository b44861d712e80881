package node

import (
	"context"
	"log/slog"
	"time"
)

const (
	leaveWait    = 600 * time.Millisecond // for the cluster to hear of a leave
	shutdownWait = 5 * time.Second        // for requests under way
	shellsWait   = 4 * time.Second        // for shells: HUP, KILL after 2 s
	childrenWait = 8 * time.Second        // for the nodes of provider local
)

// stop takes the node down in the order that loses least, and waits. It is safe after a start that failed half-way.
func (n *node) stop() {
	n.step("leave the cluster", leaveWait, n.cluster.Leave)
	n.step("end the streams", shutdownWait, func(context.Context) error { n.web.Close(); return nil })
	if n.server != nil {
		n.step("stop the console", shutdownWait, n.server.Shutdown)
	}
	n.step("stop the fleet", shutdownWait, n.fleet.Close)
	if n.local != nil {
		n.step("stop the nodes made here", childrenWait, n.local.Close)
	}
	if n.railway != nil {
		n.step("stop watching Railway", shutdownWait, n.railway.Close)
	}
	n.step("end the shells", shellsWait, n.shells.Close)
	n.step("close the ports", shutdownWait, func(context.Context) error { return n.cluster.Close() })
	n.step("close the list of logins", shutdownWait, func(context.Context) error { return n.authority.Grants.Close() })
	if n.audit != nil {
		n.step("close the audit log", shutdownWait, func(context.Context) error { return n.audit.Close() })
	}
	n.log.Info("node stopped")
}

func (n *node) step(name string, limit time.Duration, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	began := time.Now()
	err := do(ctx)
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelWarn
	}
	n.log.Log(ctx, level, "stopping", "step", name, "took", time.Since(began).Round(time.Millisecond).String(), "err",
		errText(err))
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
