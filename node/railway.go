package node

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"strconv"
	"strings"

	"convoy/handlers/live"
	"convoy/logs"
	"convoy/peer"
	"convoy/railway"
)

// railwayEnv returns the environment of a node on Railway, without secrets, which are references.
func (cfg Config) railwayEnv(name string) map[string]string {
	base, _, _ := strings.Cut(name, "@")
	return map[string]string{
		"CONVOY_PROVIDER":  "none",
		"CONVOY_NAME":      base,
		"CONVOY_HOST":      hostOf(name),
		"CONVOY_QUERY":     cfg.Query,
		"CONVOY_PORT":      strconv.Itoa(cfg.Port),
		"CONVOY_CALL_PORT": strconv.Itoa(cfg.CallPort),
		"CONVOY_LABELS":    string(cfg.Labels),
		"PORT":             "8080",
		"CONVOY_LOG":       "json",
	}
}

// newRailway returns the provider.
func newRailway(cfg Config, notice func(railway.Notice), log *slog.Logger) (*railway.Provider, error) {
	railwayConfig := cfg.Railway
	railwayConfig.Variables, railwayConfig.Notice, railwayConfig.Log = cfg.railwayEnv, notice, log
	p, err := railway.New(railwayConfig)
	if err != nil {
		return nil, Hintf("docs/railway.md lists the settings", "provider railway: %w", err)
	}
	return p, nil
}

// CheckRailway checks whether a node with that configuration could spawn nodes on Railway. It changes nothing.
func CheckRailway(ctx context.Context, cfg Config) ([]railway.Finding, error) {
	p, err := newRailway(cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return p.Check(ctx), nil
}

// buildLog returns what Railway logs about a node that has not joined.
func (n *node) buildLog() live.BuildLog {
	if n.railway == nil {
		return nil
	}
	return func(ctx context.Context, name string) iter.Seq[logs.Line] {
		return func(yield func(logs.Line) bool) {
			var off int64
			for line, err := range n.railway.Tail(ctx, name) {
				if err != nil {
					return
				}
				from := "container" // the node sends these lines again when it has joined
				if line.Build {
					from = "build"
				}
				shown := logs.Line{
					Off:     off,
					Time:    line.Time,
					Level:   line.Level,
					Message: line.Message,
					Attrs:   []logs.Attr{{Key: "from", Value: from}},
				}
				if !yield(shown) {
					return
				}
				off++
			}
		}
	}
}

// railwayFunctions implements rpc.Railway.
type railwayFunctions struct{ *railway.Provider }

// Call implements rpc.Railway.
func (p railwayFunctions) Call(ctx context.Context, fn, id string) (any, error) {
	switch fn {
	case "railway.deployment":
		return p.Deployment(ctx, id)
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
