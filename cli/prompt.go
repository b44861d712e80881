package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"convoy/access"
	"convoy/handlers"
	"convoy/peer"
	"convoy/railway"
	"convoy/repl"
	"convoy/rpc"
)

// newService makes what may be called on this node. exe is this program.
func (n *node) newService(exe string) *rpc.Service {
	cfg := rpc.Config{
		Self:      n.cfg.name,
		Cluster:   n.cluster,
		Fleet:     n.fleet,
		Shells:    n.shells,
		Logs:      n.ring,
		Authority: n.authority,
		Audit:     n.audit,
		System:    n.system,
		Evaluator: repl.Command{exe, evaluateCommand},
		Log:       n.log,
	}
	if n.cfg.data != "" {
		cfg.Histories = filepath.Join(n.cfg.data, "histories", hostOf(n.cfg.name))
	}
	if n.railway != nil {
		cfg.Railway = railwayFunctions{n.railway}
	}
	return rpc.New(cfg)
}

// prompt is the service as handlers ask for it.
type prompt struct{ *rpc.Service }

// Evaluate does as handlers.Prompt says.
func (p prompt) Evaluate(ctx context.Context, who access.Who, source string) (handlers.Evaluation, error) {
	got, err := p.Eval(ctx, who, source)
	return handlers.Evaluation{Output: got.Output, Error: got.Error}, err
}

// Run does as handlers.Commands says.
func (p prompt) Run(ctx context.Context, who access.Who, command string) (handlers.Ran, error) {
	got, err := p.Service.Run(ctx, who, command)
	took := time.Duration(got.Took * float64(time.Second))
	return handlers.Ran{Status: got.Status, Output: got.Output, Took: took}, err
}

// railwayFunctions are the provider's, as rpc asks for them.
type railwayFunctions struct{ *railway.Provider }

// Call does as rpc.Railway says.
func (p railwayFunctions) Call(ctx context.Context, fn string, args peer.Args) (any, error) {
	if fn == "railway.deployment" {
		var id string
		if err := args.Scan(&id); err != nil {
			return nil, err
		}
		return p.Deployment(ctx, id)
	}
	if err := args.Scan(); err != nil {
		return nil, err
	}
	switch fn {
	case "railway.me":
		return p.Me(ctx)
	case "railway.services":
		return p.Services(ctx)
	case "railway.instances":
		return p.Instances(ctx)
	case "railway.nodes":
		return p.Nodes(ctx)
	}
	return nil, fmt.Errorf("%w: %s", peer.ErrUnknownFunction, fn)
}
