package rpc

import (
	"context"
	"encoding/json"
	"fmt"

	"convoy/peer"
)

// Railway is the Railway provider, on a node that has a token.
type Railway interface {
	// Call calls one of the functions railway.…; id is the argument of railway.deployment.
	Call(ctx context.Context, fn, id string) (any, error)
}

// railwayFunctions are forwarded to the control plane on a node without a token.
var railwayFunctions = []string{
	"railway.me", "railway.services", "railway.instances", "railway.nodes", "railway.deployment",
}

func (s *Service) railway(ctx context.Context, fn string, args peer.Args) (any, error) {
	var id string
	var params []any
	if fn == "railway.deployment" {
		params = []any{&id}
	}
	if err := args.Scan(params...); err != nil {
		return nil, err
	}
	if s.cfg.Railway != nil {
		return s.cfg.Railway.Call(ctx, fn, id)
	}
	return s.onControl(ctx, fn, params...) // JSON of &id is that of id
}

// onControl calls a function on the control plane, unless this node is it.
func (s *Service) onControl(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	for _, one := range s.cfg.Fleet.List() {
		if one.Control && !one.Self {
			return s.cfg.Cluster.Call(ctx, one.Name, fn, args...)
		}
	}
	return nil, fmt.Errorf("there is no Railway token on this node, and no control plane has one")
}
