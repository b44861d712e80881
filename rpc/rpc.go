// Package rpc has the functions that other nodes and Convoy shells call on a node. Each Convoy shell has a session,
// which checks its user's current rights at every call.
package rpc

import (
	"context"
	"encoding/json"
	"log/slog"
	"os/exec"

	"convoy/access"
	"convoy/audit"
	"convoy/fleet"
	"convoy/logs"
	"convoy/peer"
	"convoy/pty"
	"convoy/repl"
	"convoy/stats"
)

// Config is what the functions work with. All fields except Audit, Railway and Histories are required.
type Config struct {
	Self      string // full name of the node
	Cluster   *peer.Cluster
	Fleet     *fleet.Fleet
	Shells    *pty.Table
	Logs      *logs.Ring
	Stats     *stats.Sampler
	Authority *access.Authority
	Audit     *audit.Log // nil: no audit log
	System    System
	Railway   Railway      // nil: calls are forwarded to the control plane
	Sandbox   repl.Command // starts the process that evaluates
	Histories string       // directory of the Convoy shells' histories; "": not kept
	Log       *slog.Logger // with the component added to each line
}

// System is the node's system shell. It is safe for concurrent use.
type System interface {
	// Name is the name of the program.
	Name() string
	// Command returns a command that runs line in the system shell, not yet started, and ends with ctx. The error says why
	// there are no system shells.
	Command(ctx context.Context, line string) (*exec.Cmd, error)
	// Confinement is the result of shell.confinement: what protects the node from system shells.
	Confinement() any
}

// Service serves the functions of one node. It is safe for concurrent use.
type Service struct {
	cfg      Config
	evals    *access.Quota
	commands *access.Quota
	calls    *callQuotas
	remote   remoteSessions
	worker   *worker
}

// New returns a service, and registers its functions and the process "worker" with the cluster.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg, evals: newEvalQuota(), commands: newCommandQuota(), calls: newCallQuotas()}
	s.remote.quota = newRemoteQuota()
	s.worker = newWorker(s)
	s.register()
	return s
}

// Serve handles the worker's messages until the cluster is closed.
func (s *Service) Serve() { s.worker.run() }

// logger returns the log of one component.
func (s *Service) logger(name string) *slog.Logger { return s.cfg.Log.With("component", name) }

// HomeNodes implements access.HomeNodes with calls of access.roles.
type HomeNodes struct{ Cluster *peer.Cluster }

// Roles implements access.HomeNodes.
func (h HomeNodes) Roles(ctx context.Context, node string, list []access.Identity) (roles []access.Role, err error) {
	answer, err := h.Cluster.Call(ctx, node, "access.roles", list)
	if err == nil {
		err = json.Unmarshal(answer, &roles)
	}
	return roles, err
}
