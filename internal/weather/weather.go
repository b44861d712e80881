// Package weather is the former name of faultproxy and of client.ResilientTerminal.
package weather

import (
	"context"

	"convoy/internal/client"
	"convoy/internal/faultproxy"
)

// Any is faultproxy.Random.
var Any = faultproxy.Random

// Tally is faultproxy.Stats.
type Tally struct{ Carried, Cut, Copied int }

// Proxy is a faultproxy.Proxy.
type Proxy struct{ *faultproxy.Proxy }

// NewProxy is faultproxy.NewHTTP.
func NewProxy(target string, seed uint64, f faultproxy.Faults) (Proxy, error) {
	p, err := faultproxy.NewHTTP(target, seed, f)
	return Proxy{p}, err
}

// Tally is Stats.
func (p Proxy) Tally() Tally {
	s := p.Stats()
	return Tally{Carried: s.Forwarded, Cut: s.Cut, Copied: s.Repeated}
}

// Look is client.AttachResilient.
func Look(ctx context.Context, c *client.Client, s client.Shell, from, window int64) *client.ResilientTerminal {
	return c.AttachResilient(ctx, s, from, window)
}
