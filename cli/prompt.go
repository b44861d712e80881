package cli

import (
	"context"
	"fmt"
	"os/exec"
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
		System:    systemShells{n},
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

// systemShells are this node's, as rpc asks for them.
type systemShells struct{ *node }

// Name does as rpc.System says.
func (s systemShells) Name() string { return s.cfg.shell[0] }

// Command does as rpc.System says.
func (s systemShells) Command(ctx context.Context, line string) (*exec.Cmd, error) {
	if s.cfg.system == "off" {
		return nil, handlers.ErrNoSystemShell
	}
	if err := s.confinement.allow(); err != nil {
		return nil, err
	}
	args := s.confinement.command(s.cfg.shell[0], "-c", line)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = s.systemDir(), s.systemEnv()
	if s.confinement.mode != "off" { // the directory is entered by the confined process
		cmd.Dir, cmd.Env = "/", append(cmd.Env, "PWD="+cmd.Dir)
	}
	return cmd, nil
}

// Confinement does as rpc.System says.
func (s systemShells) Confinement() any { return s.shield() }

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
