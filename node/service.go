package node

import (
	"context"
	"path/filepath"
	"time"

	"convoy/access"
	"convoy/handlers"
	"convoy/repl"
	"convoy/rpc"
)

// newService returns the functions of this node. exe is this program.
func (n *node) newService(exe string) *rpc.Service {
	cfg := rpc.Config{
		Self:      n.cfg.Name,
		Cluster:   n.cluster,
		Fleet:     n.fleet,
		Shells:    n.shells,
		Logs:      n.ring,
		Stats:     n.stats,
		Authority: n.authority,
		Audit:     n.audit,
		System:    n.system,
		Sandbox:   repl.Command{exe, repl.Subcommand},
		Log:       n.log,
	}
	if n.cfg.Data != "" {
		cfg.Histories = filepath.Join(n.cfg.Data, "histories", n.cfg.host())
	}
	if n.railway != nil {
		cfg.Railway = railwayFunctions{n.railway}
	}
	return rpc.New(cfg)
}

// service implements handlers.Prompt and handlers.Commands.
type service struct{ *rpc.Service }

// Evaluate implements handlers.Prompt.
func (p service) Evaluate(ctx context.Context, who access.Identity, source string) (handlers.Evaluation, error) {
	got, err := p.Eval(ctx, who, source)
	return handlers.Evaluation{Output: got.Output, Error: got.Error}, err
}

// Run implements handlers.Commands.
func (p service) Run(ctx context.Context, who access.Identity, command string) (handlers.Result, error) {
	got, err := p.Service.Run(ctx, who, command)
	took := time.Duration(got.Took * float64(time.Second))
	return handlers.Result{Status: got.Status, Output: got.Output, Took: took}, err
}
