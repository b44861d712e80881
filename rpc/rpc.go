// Package rpc is what may be called on a node: by other nodes, by the Convoy shells that run on it, and by those that
// run elsewhere and ask by way of its console. Each such caller has a session, which asks for the present rights of its
// user at every call.
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
)

// Config is what the functions of a node work with. Everything but Audit, Railway and Histories is needed.
type Config struct {
	Self      string // full name of the node
	Cluster   *peer.Cluster
	Fleet     *fleet.Fleet
	Shells    *pty.Table
	Logs      *logs.Ring
	Authority *access.Authority
	Audit     *audit.Log // nil: nothing is written down
	System    System
	Railway   Railway      // nil: the control plane is asked
	Evaluator repl.Command // how the process that evaluates is started
	Histories string       // directory of what is typed in Convoy shells; "": it is not kept
	Log       *slog.Logger // names the component in each line
}

// System is the node's system shell. Its methods may be called from any goroutine.
type System interface {
	// Name is what the program is called.
	Name() string
	// Command is a command line in that shell, to be started by the caller, which ends with ctx. An error says why there
	// are no system shells.
	Command(ctx context.Context, line string) (*exec.Cmd, error)
	// Confinement says what keeps system shells from their node: the answer to shell.confinement.
	Confinement() any
}

// Service is what may be called on one node. Its methods may be called from any goroutine.
type Service struct {
	cfg      Config
	evals    *access.Quota // evaluations under way
	commands *access.Quota // and commands
	calls    *callQuotas   // that Convoy shells make
	remote   remoteSessions
	worker   *worker
}

// New registers the node's functions and its process "worker" with the cluster.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg, evals: newEvalQuota(), commands: newCommandQuota(), calls: newCallQuotas()}
	s.remote.quota = newRemoteQuota()
	s.worker = newWorker(s)
	s.register()
	return s
}

// Serve takes the worker's messages until the cluster is closed.
func (s *Service) Serve() { s.worker.run() }

// part is the log of one component.
func (s *Service) logger(name string) *slog.Logger { return s.cfg.Log.With("component", name) }

// Homes asks other nodes about their users: it calls access.roles there.
type HomeNodes struct{ Cluster *peer.Cluster }

// Roles does as access.Homes says.
func (h HomeNodes) Roles(ctx context.Context, node string, list []access.Identity) (roles []access.Role, err error) {
	answer, err := h.Cluster.Call(ctx, node, "access.roles", list)
	if err == nil {
		err = json.Unmarshal(answer, &roles)
	}
	return roles, err
}
