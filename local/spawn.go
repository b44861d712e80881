package local

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"convoy/fleet"
)

// The steps of spawning and retiring a node.
const (
	startingStep  = "starting process"
	listeningStep = "listening"
	stoppingStep  = "stopping process"
)

// Spawn starts the node's process, and returns when it listens. A process that ends earlier, or does not report within
// 30 s, is an error with the process's last lines; it stays on Watch's list until it is retired.
func (p *Provider) Spawn(ctx context.Context, name string, step func(fleet.Step)) error {
	began := time.Now()
	end := fleet.Begin(step, startingStep)
	c, err := p.add(name)
	if end(err) != nil {
		return fmt.Errorf("start process: %w", err)
	}
	p.cfg.Log.Info("process started", "node", name, "pid", c.pid)

	end = fleet.Begin(step, listeningStep)
	late := fmt.Errorf("it did not report within %v that it listens", p.readyTimeout)
	readyCtx, cancel := context.WithTimeoutCause(ctx, p.readyTimeout, late)
	defer cancel()
	ready, err := c.handshake(readyCtx, p.cfg.Child)
	if end(err) != nil {
		return err
	}
	p.publish(c, ready)
	addr := netip.AddrPortFrom(p.cfg.Loopback, ready.Gossip).String()
	p.cfg.Log.Info("process listens", "node", name, "addr", addr, "took", time.Since(began))
	return nil
}

// publish adds a child that listens to the zone, unless it has ended.
func (p *Provider) publish(c *process, ready Ready) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.ended {
		c.gossip = ready.Gossip
		p.zone.set(hostOf(c.name), ready.Gossip)
		p.keep(c)
	}
}

// Retire ends the node's process, by TERM, and by KILL after 5 s or when ctx ends, and removes it from the list.
func (p *Provider) Retire(ctx context.Context, name string, step func(fleet.Step)) error {
	p.mu.Lock()
	c := p.children[name]
	running := c != nil && !c.ended
	p.mu.Unlock()
	if c == nil {
		return nil
	}
	if running {
		end := fleet.Begin(step, stoppingStep)
		c.end(ctx, p.killDelay)
		_ = end(nil)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.children[name] == c {
		delete(p.children, name)
		p.drop(name)
		p.zone.remove(hostOf(name)) // its waiter may not have done so yet
		p.notify()
	}
	return nil
}
