package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"time"

	"convoy/local"
	"convoy/peer"
)

// errNotYet says that what was waited for has not come. That is a measurement, too.
var errNotYet = errors.New("not within the time")

// patience is how long anything of a crowd may take, under whatever load.
const patience = 60 * time.Second

// crowd is a cluster of processes with the name server that they poll. Its own goroutine starts, kills and asks nodes;
// one for each node reads what that says.
type crowd struct {
	cookie string
	names  *local.Provider // only its name server
	nodes  []*node

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every word of a node
	failed  error
	dead    map[string]bool // the instances that have been killed
	mistook int             // how often a node took another for dead that was not
	group   sync.WaitGroup
}

// node is a process of a crowd. What is below killed is the crowd's, under its lock.
type node struct {
	name   string
	cmd    *exec.Cmd
	orders *json.Encoder
	input  io.Closer
	done   chan word // answers to orders

	killed bool
	ready  word
	alive  map[string]time.Time // by instance: since when it lists it as alive
	gone   map[string]time.Time // and since when no longer
}

func newCrowd(ctx context.Context) (*crowd, error) {
	c := &crowd{
		cookie: peer.NewCookie(), changed: make(chan struct{}), dead: map[string]bool{},
		names: local.New(local.Config{Self: "convoy@bench." + local.Zone, Loopback: netip.IPv6Loopback()}),
	}
	return c, c.names.Start(ctx)
}

// start begins a node's process. Its record is in DNS as soon as it listens, as with nodes that Convoy spawns.
func (c *crowd) start(host string, withBare bool) (*node, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	n := &node{
		name:  "convoy@" + host + "." + local.Zone,
		done:  make(chan word, 1),
		alive: map[string]time.Time{},
		gone:  map[string]time.Time{},
	}
	n.cmd = exec.Command(self, roleNode)
	n.cmd.Stderr = os.Stderr
	input, err := n.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a node: %w", err)
	}
	n.input, n.orders = input, json.NewEncoder(input)
	c.group.Go(func() { c.hear(n, host+"."+local.Zone, output) })
	return n, n.orders.Encode(
		spec{Name: n.name, Cookie: c.cookie, Query: c.names.Query(), DNS: c.names.DNS(), Bare: withBare},
	)
}

// hear takes what a node says until it ends.
func (c *crowd) hear(n *node, host string, output io.Reader) {
	words := json.NewDecoder(bufio.NewReaderSize(output, 64<<10))
	for {
		var w word
		err := words.Decode(&w)
		c.mu.Lock()
		switch {
		case err != nil:
			if !n.killed {
				c.failed = errors.Join(c.failed, fmt.Errorf("%s ended by itself: %w", n.name, err))
			}
		case w.Kind == wordReady:
			n.ready = w
			c.names.Publish(host, w.Gossip)
		case w.Kind == wordMembers:
			for _, instance := range w.Gone {
				delete(n.alive, instance)
				n.gone[instance] = w.At
				if !c.dead[instance] {
					c.mistook++
				}
			}
			for _, instance := range w.Back {
				delete(n.gone, instance)
				n.alive[instance] = w.At
			}
		default:
			n.done <- w
		}
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			close(n.done)
			n.cmd.Wait() //nolint:errcheck // it was killed, or has been told of
			return
		}
	}
}

// all waits until something holds for every node, and gives the last time at which it came to hold for one.
func (c *crowd) all(ctx context.Context, what string, holds func(*node) (time.Time, bool)) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		c.mu.Lock()
		changed, failed := c.changed, c.failed
		var last time.Time
		missing := 0
		for _, n := range c.nodes {
			at, ok := holds(n)
			if !ok {
				missing++
			}
			if at.After(last) {
				last = at
			}
		}
		c.mu.Unlock()
		if failed != nil || missing == 0 {
			return last, failed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return last, fmt.Errorf("%d of %d nodes were not %s: %w (%s)", missing, len(c.nodes), what, errNotYet, c.state())
		}
	}
}

// state says how many members the nodes list.
func (c *crowd) state() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	fewest, sum := len(c.nodes[0].alive), 0
	for _, n := range c.nodes {
		fewest, sum = min(fewest, len(n.alive)), sum+len(n.alive)
	}
	return fmt.Sprintf("they listed %d at least, %d on average, and %d times one took another for dead that was not",
		fewest, sum/len(c.nodes), c.mistook)
}

// whole waits until every node lists every other as alive. It may list one that has been killed too.
func (c *crowd) whole(ctx context.Context) (time.Time, error) {
	return c.all(ctx, "aware of all others", func(n *node) (last time.Time, ok bool) {
		if len(n.alive) < len(c.nodes) {
			return last, false
		}
		for _, other := range c.nodes {
			at, ok := n.alive[other.ready.Instance]
			if !ok {
				return last, false
			}
			if at.After(last) {
				last = at
			}
		}
		return last, true
	})
}

// listening waits until every node has its ports open.
func (c *crowd) listening(ctx context.Context) (time.Time, error) {
	return c.all(ctx, "listening", func(n *node) (time.Time, bool) {
		return n.ready.At, n.ready.Kind == wordReady
	})
}

// kill ends a node as a crash does, and gives the time from then until no other lists it as alive.
func (c *crowd) kill(ctx context.Context, victim *node) (time.Duration, error) {
	c.forget(victim)
	began := time.Now()
	if err := victim.cmd.Process.Kill(); err != nil {
		return 0, err
	}
	last, err := c.all(ctx, "aware of a death", func(n *node) (time.Time, bool) {
		at, ok := n.gone[victim.ready.Instance]
		return at, ok
	})
	return last.Sub(began), err
}

// forget takes a node that is about to be killed off the list.
func (c *crowd) forget(victim *node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	victim.killed, c.dead[victim.ready.Instance] = true, true
	for i, n := range c.nodes {
		if n == victim {
			c.nodes = append(c.nodes[:i:i], c.nodes[i+1:]...)
			return
		}
	}
}

// add starts a node and counts it in.
func (c *crowd) add(host string, withBare bool) (*node, error) {
	n, err := c.start(host, withBare)
	if n != nil && n.input != nil {
		c.mu.Lock()
		c.nodes = append(c.nodes, n)
		c.mu.Unlock()
	}
	return n, err
}

// ask has a node follow an order.
func (n *node) ask(ctx context.Context, o order) (result, error) {
	if err := n.orders.Encode(o); err != nil {
		return result{}, err
	}
	select {
	case w, ok := <-n.done:
		if !ok {
			return result{}, fmt.Errorf("%s has ended", n.name)
		}
		if w.Error != "" {
			return result{}, fmt.Errorf("%s: %s", n.name, w.Error)
		}
		return w.Result, nil
	case <-ctx.Done():
		return result{}, ctx.Err()
	}
}

// close kills all nodes and waits for them and for the name server.
func (c *crowd) close() {
	c.mu.Lock()
	for _, n := range c.nodes {
		n.killed = true
		n.cmd.Process.Kill() //nolint:errcheck // it may have ended
	}
	c.mu.Unlock()
	c.group.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c.names.Close(ctx) //nolint:errcheck // there are no more queries
}
