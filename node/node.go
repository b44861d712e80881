// Package node is one running Convoy: it makes the parts, introduces them to one another, starts and stops them.
// Several may run in one process.
package node

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"

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

// node is one running Convoy. Its fields are made by build, in the order of the imports' arrows.
type node struct {
	cfg       Config
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

// Run runs a node until ctx ends: listen, shells, fleet, serve, join; then all of that backwards, each step bounded. It
// writes the log and the link to the console to stdout. That ctx has ended is no error.
func Run(ctx context.Context, cfg Config, stdout io.Writer) error {
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
func build(cfg Config, stdout io.Writer) (*node, error) {
	n := &node{cfg: cfg, stdout: stdout, ring: logs.New(2000)}
	n.log = slog.New(n.ring.Handler(n.stdoutHandler()))
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if n.system, err = newSystem(cfg, exe); err != nil {
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
	})
	if err := n.buildCluster(exe); err != nil {
		return nil, err
	}
	n.openAudit()
	if n.authority, err = n.newAuthority(); err != nil {
		return nil, err
	}
	n.service = n.newService(exe)
	if n.web, err = n.newConsole(); err != nil {
		return nil, err
	}
	return n, nil
}

// buildCluster makes the provider, if there is one, the fleet and the cluster. exe is this program.
func (n *node) buildCluster(exe string) (err error) {
	cfg := n.cfg
	fleetConfig := fleet.Config{Self: cfg.Name, Max: cfg.MaxNodes, Log: n.logger("fleet")}
	query, resolver := cfg.Query, net.DefaultResolver
	switch {
	case cfg.Provider == "local":
		n.local = n.newLocal(exe)
		fleetConfig.Provider = n.local
		query, resolver = n.local.Query(), n.local.Resolver()
	case cfg.Provider == "railway":
		notify := func(notice railway.Notice) { n.web.Notify("warn", notice.Text, notice.Hint) }
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
		Version:  Version(),
		Log:      n.logger("peer"),
	})
	return err
}

// newConsole makes the HTTP side.
func (n *node) newConsole() (*handlers.Handlers, error) {
	return handlers.New(handlers.Config{
		Self:       n.cfg.Name,
		Audit:      n.audit,
		Authority:  n.authority,
		OpenID:     n.newOpenID(),
		Version:    Version(),
		Fleet:      n.fleet,
		Shells:     n.shells,
		Logs:       n.ring,
		Cluster:    n.cluster,
		Token:      n.cfg.Token,
		Keys:       deriveKeys(n.cfg.Cookie, "session"),
		Shares:     deriveKeys(n.cfg.Cookie, "share"),
		Statements: deriveKeys(n.cfg.Cookie, "statement"),
		Hosts:      n.cfg.Hosts,
		Proxies:    n.cfg.Proxies,
		HSTS:       n.cfg.TLS.Cert != "",
		Metrics:    metrics.Handler(n.metricSources()),
		Prompt:     service{n.service},
		Commands:   service{n.service},
		Shield:     n.system.state,
		Files:      n.system.files(),
		Runbooks:   n.cfg.Runbooks,
		Recordings: n.cfg.Recordings(),
		MaxUpload:  n.cfg.MaxUpload,
		BuildLog:   n.buildLog(),
		Log:        n.logger("console"),
	})
}

// part is the log of one package, named in every line.
func (n *node) logger(name string) *slog.Logger { return n.log.With("component", name) }

// keysFor are the keys of one purpose, one of each cookie.
func deriveKeys(cookie, purpose string) (keys [][]byte) {
	for _, one := range peer.Cookies(cookie) {
		keys = append(keys, peer.Key(one, purpose))
	}
	return keys
}
