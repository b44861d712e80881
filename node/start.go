package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"syscall"

	"convoy/local"
	"convoy/version"
)

// start starts the node, which lives as long as ctx; fail ends it.
func (n *node) start(ctx context.Context, fail context.CancelCauseFunc) error {
	if err := n.listen(ctx); err != nil {
		return err
	}
	n.shells.Adopt(n.keptShells)
	if err := n.keepLinks(); err != nil {
		n.log.Error("the share links of the earlier process are lost", "err", err)
	}
	n.keepAlerts()
	if err := n.startProvider(ctx); err != nil {
		return err
	}
	n.fleet.Start(ctx)
	n.serve(fail)
	if err := n.cluster.Join(ctx, n.handlers.Peer()); err != nil {
		return joinError(n.cfg, err)
	}
	n.keep(keptPorts, ports{n.cluster.GossipPort(), n.cluster.CallPort()})
	if n.local != nil {
		n.local.Publish(n.cfg.host(), n.cluster.GossipPort())
	}
	n.group.Go(func() { n.watchMembers(ctx) })
	rejoined := make(chan struct{})
	n.group.Go(func() {
		defer close(rejoined)
		n.rejoin(ctx)
	})
	n.group.Go(func() { n.resumeAlerts(ctx, rejoined) })
	n.group.Go(func() { n.system.status() }) // probe before the first user asks
	n.group.Go(func() { n.handlers.ShareGrants(ctx) })
	n.group.Go(func() { n.authority.Run(ctx) })
	if n.notifier != nil {
		n.group.Go(func() { n.notifier.Run(ctx) })
	}
	if n.push != nil {
		n.group.Go(func() { n.push.Run(ctx) })
	}
	n.group.Go(n.service.Serve)
	n.group.Go(func() { n.stats.Run(ctx) })
	n.group.Go(debug.FreeOSMemory) // what starting took
	n.log.Info("node started", "node", n.cfg.Name, "addr", n.addr().String(), "version", version.String(),
		"gossip", n.cluster.GossipPort(), "call", n.cluster.CallPort())
	return n.reportReady(ctx, fail)
}

// listen opens the console's port and creates the server.
func (n *node) listen(ctx context.Context) error {
	listeners, err := n.openConsole()
	if errors.Is(err, syscall.EADDRINUSE) {
		return Hintf("another program, perhaps another Convoy, listens there; choose another with -addr",
			"address %s is in use", n.cfg.Addr)
	}
	if err != nil {
		return Hintf("-addr sets the address of the console", "listen on %s: %w", n.cfg.Addr, err)
	}
	secure, err := n.serverTLS()
	if err != nil {
		closeAll(listeners)
		return err
	}
	n.listeners = listeners
	n.server = newServer(n.handlers.Public(), n.logger("http"))
	n.server.TLSConfig, n.server.BaseContext = secure, func(net.Listener) context.Context { return ctx }
	return nil
}

// serve starts serving the console until the server is shut down.
func (n *node) serve(fail context.CancelCauseFunc) {
	serve := n.server.Serve
	if n.server.TLSConfig != nil {
		serve = func(l net.Listener) error { return n.server.ServeTLS(l, "", "") }
	}
	limits := newConnLimits(n.isShared, n.logger("http"))
	for _, l := range n.listeners {
		n.group.Go(func() {
			if err := serve(&limitedListener{l, limits}); !errors.Is(err, http.ErrServerClosed) {
				fail(fmt.Errorf("serve the console: %w", err))
			}
		})
	}
}

// newLocal returns the provider that runs nodes as child processes of the program exe.
func (n *node) newLocal(exe string) *local.Provider {
	return local.New(local.Config{
		Self:       n.cfg.Name,
		Loopback:   n.cfg.Bind,
		Executable: exe,
		Args:       []string{"-spawned"},
		Env:        n.cfg.Env,
		Child:      n.child,
		Keeper:     n.nodeKeeper(),
		Log:        n.logger("local"),
	})
}

// startProvider starts the provider. Railway takes a while to verify the token, so this does not wait for it.
func (n *node) startProvider(ctx context.Context) error {
	switch {
	case n.local != nil:
		n.local.Adopt(n.keptNodes)
		return n.local.Start(ctx)
	case n.railway != nil:
		n.group.Go(func() { n.railway.Start(ctx) }) //nolint:errcheck // it fails if called twice
	}
	return nil
}

func joinError(cfg Config, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return Hintf("choose others with -port and -call-port",
			"port %d or %d of %s is in use", cfg.Port, cfg.CallPort, cfg.Bind)
	}
	return Hintf("-bind, -port and -call-port set the address of the cluster", "join the cluster: %w", err)
}

// watchMembers passes the cluster's members to the fleet, and keeps them, until ctx ends.
func (n *node) watchMembers(ctx context.Context) {
	for {
		changed := n.cluster.Changed()
		members := n.cluster.Members()
		n.fleet.SetMembers(members)
		n.keepMembers(members)
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// addr is the console's first address.
func (n *node) addr() *net.TCPAddr { return n.listeners[0].Addr().(*net.TCPAddr) }

// url returns the console's address for a browser on this machine.
func (n *node) url() string {
	host, _, _ := net.SplitHostPort(n.cfg.Addr)
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	scheme := "http://"
	if n.cfg.TLS.Enabled() {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, strconv.Itoa(n.addr().Port)) + n.cfg.BasePath + "/"
}
