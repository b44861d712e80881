// Package node runs a Convoy node: it builds the parts, connects them, starts and stops them. Several nodes may run in
// one process.
package node

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"convoy/access"
	"convoy/audit"
	"convoy/fleet"
	"convoy/handlers"
	"convoy/local"
	"convoy/logs"
	"convoy/metrics"
	"convoy/notify"
	"convoy/peer"
	"convoy/pty"
	"convoy/push"
	"convoy/railway"
	"convoy/rpc"
	"convoy/stats"
	"convoy/supervisor"
	"convoy/version"
)

// node is a running Convoy node. build sets the fields in the order of their dependencies.
type node struct {
	cfg       Config
	log       *slog.Logger
	stdout    *logs.Writer
	listeners []net.Listener // of the console, on one port
	ring      *logs.Ring
	shells    *pty.Table
	system    *system
	local     *local.Provider // at most one of these two providers is not nil
	railway   *railway.Provider
	fleet     *fleet.Fleet
	cluster   *peer.Cluster
	stats     *stats.Sampler
	handlers  *handlers.Handlers
	audit     *audit.Log // nil: no audit log
	authority *access.Authority
	service   *rpc.Service // the functions of this node
	server    *http.Server
	notifier  *notify.Sender       // nil: there is no address for notifications
	post      func(notify.Message) // of the notifier; nil likewise
	push      *push.Sender         // nil: nothing is sent to browsers
	certs     *certFiles           // nil: no certificate from files
	group     sync.WaitGroup       // the goroutines that start begins

	kept       map[string]supervisor.Entry // of an earlier process of this node
	keptShells []pty.Kept                  // among them, in their order
	keptNodes  []local.Kept
	keptAlerts map[string][]byte // by name
	members    []netip.AddrPort  // that are kept; watchMembers has it
	leaving    bool              // stop leaves the shells and spawned nodes to the next process
}

// Run runs a node until ctx or its supervisor ends, then stops it in a bounded time. If the supervisor asks it to, it
// leaves its shells to its next process. It writes the log and the console's link to stdout, whose errors it ignores.
// The end of ctx is no error.
func Run(ctx context.Context, cfg Config, stdout io.Writer) error {
	n, err := build(cfg, stdout)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer func() {
		n.stop() // before the end of ctx, if this node leaves: requests in progress end as they would
		cancel(nil)
		n.group.Wait()
	}()
	if err := n.start(ctx, cancel); err != nil && ctx.Err() == nil { // else it was told to stop
		n.leaving = cfg.Supervisor != nil // which starts the next process
		cancel(err)
		return err
	}
	select {
	case <-cfg.Supervisor.Leave():
		n.leaving = true
	case <-cfg.Supervisor.Done():
		n.log.Error("the supervisor has ended")
	case <-ctx.Done():
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, errParentGone) {
		return cause
	}
	return nil
}

// build builds the parts and connects them. It starts nothing.
func build(cfg Config, stdout io.Writer) (*node, error) {
	n := &node{cfg: cfg, stdout: logs.NewWriter(stdout, logsText(cfg, stdout)), ring: logs.New(2000)}
	n.log = slog.New(n.ring.Handler(n.stdout.Handler(cfg.LogLevel)))
	exe, err := supervisor.Executable()
	if err != nil {
		return nil, err
	}
	n.takeKept()
	if n.system, err = newSystem(n.cfg, exe); err != nil {
		return nil, err
	}
	n.shells = pty.NewTable(pty.Config{
		Programs:   n.programs(exe),
		Dir:        cfg.Dir,
		Idle:       cfg.Idle,
		Log:        n.logger("pty"),
		Node:       cfg.Name,
		Recordings: cfg.Recordings(),
		RecordAll:  cfg.Record.All,
		Keeper:     n.shellKeeper(),
	})
	if err := n.buildCluster(exe); err != nil {
		return nil, err
	}
	n.openAudit()
	if n.authority, err = n.newAuthority(); err != nil {
		return nil, err
	}
	n.stats = n.newStats()
	n.service = n.newService(exe)
	if err := n.newNotifier(); err != nil {
		return nil, err
	}
	if err := n.newPush(); err != nil {
		return nil, err
	}
	if n.handlers, err = n.newConsole(); err != nil {
		return nil, err
	}
	return n, nil
}

// buildCluster builds the provider, if there is one, the fleet and the cluster. exe is this program.
func (n *node) buildCluster(exe string) (err error) {
	cfg := n.cfg
	fleetConfig := fleet.Config{Self: cfg.Name, Max: cfg.MaxNodes, Join: n.joinNode, Log: n.logger("fleet")}
	query, resolver := cfg.Query, net.DefaultResolver
	switch {
	case cfg.Provider == "local":
		n.local = n.newLocal(exe)
		fleetConfig.Provider = n.local
		query, resolver = n.local.Query(), n.local.Resolver()
	case cfg.Provider == "railway":
		notify := func(notice railway.Notice) { n.handlers.Notify("warn", notice.Text, notice.Hint) }
		if n.railway, err = newRailway(cfg, notify, n.log); err != nil {
			return err
		}
		fleetConfig.Provider = n.railway
	case cfg.DNS.IsValid():
		resolver = local.Resolver(cfg.DNS)
	}
	n.fleet = fleet.New(fleetConfig)
	n.cluster, err = peer.New(peer.Config{
		Name:     cfg.Name,
		Cookie:   cfg.Cookie,
		Bind:     cfg.Bind,
		Port:     uint16(cfg.Port),
		CallPort: uint16(cfg.CallPort),
		Query:    query,
		Poll:     cfg.Poll,
		Resolver: resolver,
		Control:  fleetConfig.Provider != nil,
		Version:  version.String(),
		Region:   cfg.Region,
		Labels:   cfg.Labels,
		Log:      n.logger("peer"),
		Earlier:  n.earlierInstances(),
	})
	if err == nil {
		n.keepInstance()
	}
	return err
}

// newConsole builds the HTTP handlers.
func (n *node) newConsole() (*handlers.Handlers, error) {
	return handlers.New(handlers.Config{
		Self:          n.cfg.Name,
		Audit:         n.audit,
		Authority:     n.authority,
		OpenID:        n.newOpenID(),
		Version:       version.String(),
		Fleet:         n.fleet,
		Shells:        n.shells,
		Logs:          n.ring,
		Cluster:       n.cluster,
		Token:         n.cfg.Token,
		Keys:          deriveKeys(n.cfg.Cookie, "session"),
		Shares:        deriveKeys(n.cfg.Cookie, "share"),
		Assertions:    deriveKeys(n.cfg.Cookie, "statement"),
		BasePath:      n.cfg.BasePath,
		Hosts:         n.cfg.Hosts,
		Proxies:       n.cfg.Proxies,
		HSTS:          n.cfg.TLS.Cert != "",
		Stats:         n.stats,
		Metrics:       metrics.Handler(n.metricSources()),
		Prompt:        service{n.service},
		Commands:      service{n.service},
		SandboxStatus: n.system.state,
		Files:         n.system.files(),
		Home:          n.system.home(),
		Runbooks:      n.cfg.Runbooks,
		Warning:       func() (text, hint string) { return n.certs.warning() },
		Recordings:    n.cfg.Recordings(),
		MaxUpload:     n.cfg.MaxUpload,
		BuildLog:      n.buildLog(),
		Post:          n.post,
		Push:          n.push,
		Log:           n.logger("console"),
	})
}

// logger returns the log of one component.
func (n *node) logger(name string) *slog.Logger { return n.log.With("component", name) }

// deriveKeys derives the keys of one purpose, one from each cookie.
func deriveKeys(cookie, purpose string) (keys [][]byte) {
	for _, one := range peer.Cookies(cookie) {
		keys = append(keys, peer.Key(one, purpose))
	}
	return keys
}
