package local

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"convoy/fleet"
)

// The steps of a node's making and taking away.
const (
	startingStep  = "starting process"
	listeningStep = "listening"
	stoppingStep  = "stopping process"
)

// Spawn starts the node's process and returns once that says that it listens.
// A process that ends before, or says nothing for 10 s, is an error that has
// its last words; it stays in Watch's list, ended, until it is retired.
func (p *Provider) Spawn(ctx context.Context, name string, step func(fleet.Step)) error {
	began := time.Now()
	end := begin(step, startingStep)
	c, err := p.add(name)
	if end(err) != nil {
		return fmt.Errorf("start process: %w", err)
	}
	p.log.Info("process started", "node", name, "pid", c.cmd.Process.Pid)

	end = begin(step, listeningStep)
	late := fmt.Errorf("it did not say within %v that it listens", p.readyTimeout)
	bounded, cancel := context.WithTimeoutCause(ctx, p.readyTimeout, late)
	defer cancel()
	ready, err := c.handshake(bounded, p.cfg.Child)
	if end(err) != nil {
		return err
	}
	p.publish(c, ready)
	p.log.Info("process listens", "node", name, "addr", netip.AddrPortFrom(p.cfg.Loopback, ready.Gossip).String(), "took",
		time.Since(began))
	return nil
}

// enter puts a child that listens into the zone, unless it has ended by now.
func (p *Provider) publish(c *child, ready Ready) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.ended {
		p.zone.set(hostOf(c.name), ready.Gossip)
	}
}

// Retire ends the node's process, by TERM and after 5 s by KILL, and takes it
// off the list. If ctx ends first the process is killed all the same.
func (p *Provider) Retire(ctx context.Context, name string, step func(fleet.Step)) error {
	p.mu.Lock()
	c := p.children[name]
	running := c != nil && !c.ended
	p.mu.Unlock()
	if c == nil {
		return nil
	}
	if running {
		end := begin(step, stoppingStep)
		c.end(ctx, p.killDelay)
		_ = end(nil)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.children[name] == c {
		delete(p.children, name)
		p.zone.remove(hostOf(name)) // its waiter may not have come so far
		p.notify()
	}
	return nil
}

// begin reports that a step begins. The returned function reports how it ended
// and returns its argument.
func begin(step func(fleet.Step), name string) func(error) error {
	s := fleet.Step{Name: name, At: time.Now().UTC()}
	step(s)
	return func(err error) error {
		s.Ended = time.Now().UTC()
		if err != nil {
			s.Error = err.Error()
		}
		step(s)
		return err
	}
}
