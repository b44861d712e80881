package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"convoy/access"
	"convoy/audit"
	"convoy/fleet"
	"convoy/handlers"
	"convoy/local"
	"convoy/logs"
	"convoy/metrics"
	"convoy/peer"
	"convoy/pty"
	"convoy/railway"
	"convoy/rpc"
)

const (
	leaveWait    = 600 * time.Millisecond // for the cluster to hear of a leave
	shutdownWait = 5 * time.Second        // for requests under way
	shellsWait   = 4 * time.Second        // for shells: HUP, KILL after 2 s
	childrenWait = 8 * time.Second        // for the nodes of provider local
)

// node is one running Convoy. Its fields are made by build, in the order of the imports' arrows.
type node struct {
	cfg       config
	log       *slog.Logger
	stdout    io.Writer
	listener  net.Listener
	ring      *logs.Ring
	shells    *pty.Table
	system    *system
	local     *local.Provider   // one of these two makes nodes, if any does
	railway   *railway.Provider //
	fleet     *fleet.Fleet
	cluster   *peer.Cluster
	web       *handlers.Handlers
	audit     *audit.Log // nil: there is no place for it
	authority *access.Authority
	service   *rpc.Service // what may be called here
	server    *http.Server
	group     sync.WaitGroup // what serve began
}

// serve runs a node until ctx ends: listen, shells, fleet, serve, join; then all of that backwards, each step bounded.
func serve(ctx context.Context, cfg config, stdout io.Writer) error {
	n, err := build(cfg, stdout)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer n.group.Wait()
	defer n.stop()
	if err := n.start(ctx, cancel); err != nil {
		cancel(err)
		return err
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, errParentGone) {
		return cause
	}
	return nil
}

// build makes the parts and introduces them to one another. Nothing runs yet.
func build(cfg config, stdout io.Writer) (*node, error) {
	n := &node{cfg: cfg, stdout: stdout, ring: logs.New(2000)}
	n.log = slog.New(n.ring.Handler(n.stdoutHandler()))
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if n.system, err = newSystem(cfg, exe); err != nil {
		return nil, err
	}
	n.shells = pty.NewTable(pty.Config{Programs: n.programs(exe), Dir: cfg.dir, Idle: cfg.idle, Log: n.part("pty"),
		Node: cfg.name, Recordings: cfg.castDir(), RecordAll: cfg.record.all})
	fleetConfig := fleet.Config{Self: cfg.name, Max: cfg.maxNodes, Log: n.part("fleet")}
	query, resolver := cfg.query, net.DefaultResolver
	switch {
	case cfg.provider == "local":
		if n.local, err = n.newLocal(); err != nil {
			return nil, err
		}
		fleetConfig.Provider = n.local
		query, resolver = n.local.Query(), n.local.Resolver()
	case cfg.provider == "railway":
		if n.railway, err = n.newRailway(); err != nil {
			return nil, err
		}
		fleetConfig.Provider = n.railway
	case cfg.dns.IsValid():
		resolver = local.Resolver(cfg.dns)
	}
	n.fleet = fleet.New(fleetConfig)
	n.cluster, err = peer.New(peer.Config{Name: cfg.name, Cookie: cfg.cookie, Bind: cfg.bind, Port: uint16(cfg.port), CallPort: uint16(cfg.callPort),
		Query: query, Poll: cfg.poll, Resolver: resolver, Control: fleetConfig.Provider != nil, Version: version, Log: n.part("peer")})
	if err != nil {
		return nil, err
	}
	n.openAudit()
	if n.authority, err = n.newAuthority(); err != nil {
		return nil, err
	}
	n.service = n.newService(exe)
	n.web, err = handlers.New(handlers.Config{Self: cfg.name, Audit: n.audit, Authority: n.authority, OpenID: n.newOpenID(), Version: version, Fleet: n.fleet, Shells: n.shells, Logs: n.ring, Cluster: n.cluster,
		Token: cfg.token, Keys: keysFor(cfg.cookie, "session"), Shares: keysFor(cfg.cookie, "share"), Statements: keysFor(cfg.cookie, "statement"), Hosts: cfg.hosts, Proxies: cfg.proxies, HSTS: cfg.tls.cert != "",
		Metrics: metrics.Handler(n.figures()), Prompt: prompt{n.service}, Commands: prompt{n.service}, Shield: n.system.state, Files: n.system.files(), Runbooks: cfg.runbooks, Recordings: cfg.castDir(), MaxUpload: cfg.maxUpload, BuildLog: n.buildLog(), Log: n.part("console")})
	if err != nil {
		return nil, err
	}
	return n, nil
}

// part is the log of one package, named in every line.
func (n *node) part(name string) *slog.Logger { return n.log.With("component", name) }

// keysFor are the keys of one purpose, one of each cookie.
func keysFor(cookie, purpose string) (keys [][]byte) {
	for _, one := range peer.Cookies(cookie) {
		keys = append(keys, peer.Key(one, purpose))
	}
	return keys
}

// start brings the node up. ctx lives as long as the node; fail ends it.
func (n *node) start(ctx context.Context, fail context.CancelCauseFunc) error {
	listener, err := net.Listen("tcp", n.cfg.addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return hint("another program, perhaps another Convoy, listens there; choose another with -addr", "address %s is in use", n.cfg.addr)
	}
	if err != nil {
		return hint("-addr says where the console listens", "listen on %s: %w", n.cfg.addr, err)
	}
	secure, err := n.serverTLS()
	if err != nil {
		listener.Close()
		return err
	}
	n.listener = listener
	n.server = newServer(n.web.Public(), n.part("http"))
	n.server.TLSConfig, n.server.BaseContext = secure, func(net.Listener) context.Context { return ctx }
	if err := n.startProvider(ctx); err != nil {
		return err
	}
	n.fleet.Start(ctx)
	n.group.Go(func() {
		serve := n.server.Serve
		if secure != nil {
			serve = func(l net.Listener) error { return n.server.ServeTLS(l, "", "") }
		}
		if err := serve(newBounded(listener, n.sharesAddress, n.part("http"))); !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("serve the console: %w", err))
		}
	})
	if err := n.cluster.Join(ctx, n.web.Peer()); err != nil {
		return joinError(n.cfg, err)
	}
	if n.local != nil {
		n.local.Announce(hostOf(n.cfg.name), n.cluster.GossipPort())
	}
	n.group.Go(func() { n.watchMembers(ctx) })
	if os.Getpid() == 1 {
		n.group.Go(func() { reapOrphans(ctx, orphansPause) })
	}
	n.group.Go(func() { n.system.status() }) // tried before somebody asks
	n.group.Go(func() { n.web.ShareGrants(ctx) })
	n.group.Go(func() { n.authority.Run(ctx) })
	n.group.Go(n.service.Serve)
	n.log.Info("node started", "node", n.cfg.name, "addr", n.listener.Addr().String(), "version", version, "gossip", n.cluster.GossipPort(), "call", n.cluster.CallPort())
	return n.announce(ctx, fail)
}

// newLocal makes the provider that runs nodes as child processes.
func (n *node) newLocal() (*local.Provider, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return local.New(local.Config{Self: n.cfg.name, Loopback: n.cfg.bind, Executable: exe, Args: []string{"-spawned"}, Env: n.cfg.env, Child: n.child, Log: n.part("local")}), nil
}

// startProvider starts what makes nodes. Railway is asked for its word, which takes a while, so nobody waits for that.
func (n *node) startProvider(ctx context.Context) error {
	switch {
	case n.local != nil:
		return n.local.Start(ctx)
	case n.railway != nil:
		n.group.Go(func() { n.railway.Start(ctx) }) //nolint:errcheck // it fails if called twice
	}
	return nil
}

func joinError(cfg config, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return hint("choose others with -port and -call-port", "port %d or %d of %s is in use", cfg.port, cfg.callPort, cfg.bind)
	}
	return hint("-bind, -port and -call-port say where nodes meet", "join the cluster: %w", err)
}

// watchMembers tells the fleet what the cluster knows, until ctx ends.
func (n *node) watchMembers(ctx context.Context) {
	for {
		changed := n.cluster.Changed()
		n.fleet.SetMembers(n.cluster.Members())
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

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
	n.log.Log(ctx, level, "stopping", "step", name, "took", time.Since(began).Round(time.Millisecond).String(), "err", errText(err))
}

// figures is what /metrics tells of this node.
func (n *node) figures() metrics.Figures {
	return metrics.Figures{
		Version: version,
		Nodes: func() map[string]int {
			by := map[string]int{}
			for _, one := range n.fleet.List() {
				by[string(one.Status)]++
			}
			return by
		},
		Members: func() map[string]int {
			by := map[string]int{}
			for _, one := range n.cluster.Members() {
				by[string(one.State)]++
			}
			return by
		},
		Shells: func() (running, ended int) {
			for _, one := range n.shells.List() {
				if one.Running {
					running++
				} else {
					ended++
				}
			}
			return running, ended
		},
		Output: func() (bytes int64) {
			for _, one := range n.shells.List() {
				bytes += one.End
			}
			return bytes
		},
		Streams: func() int { return n.web.Streams() },
		Lines:   n.ring.Next,
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// url is the console's address for a browser on this machine.
func (n *node) url() string {
	addr := n.listener.Addr().(*net.TCPAddr)
	host, _, _ := net.SplitHostPort(n.cfg.addr)
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	scheme := "http://"
	if n.cfg.tls.on() {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, strconv.Itoa(addr.Port)) + "/"
}
