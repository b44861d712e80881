package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"convoy/internal/bench/stats"
)

// settle is how long a cluster is left alone after it is whole: for the joins and syncs that are still in progress.
const settle = 4 * time.Second

// callShare is what is left of a size's time for the kills of nodes that all have a connection to. They come last:
// gossip takes seconds to bury those, and a death on its own is what the other kills are to show.
const callShare = 4 * time.Second

// sizeFigures is a row: what a cluster of so many nodes takes.
type sizeFigures struct {
	Nodes     int       `json:"nodes"`
	Whole     float64   `json:"whole_s"`            // from the last start until every node knows every other
	AllListen float64   `json:"listening_s"`        // of it, until the last node listened
	CPU       float64   `json:"cpu_percent"`        // of a core and node, at rest
	RSS       float64   `json:"rss_mib"`            // of a node, mean
	Own       float64   `json:"rss_anonymous_mib"`  // of it, not of the binary
	Packets   float64   `json:"packets_per_s"`      // sent, of a node, at rest: IPv6
	UDP       float64   `json:"datagrams_per_s"`    // of them UDP
	Bytes     float64   `json:"bytes_per_s"`        // sent, of a node, at rest: IPv6 with headers
	Listed    []float64 `json:"new_node_listed_ms"` // each: from a new node's listening until it knows all and all know it
	Gossip    []float64 `json:"kill_gossip_s"`      // each: from kill -9 until all have noticed, without a call connection
	Call      []float64 `json:"kill_connected_ms"`  // each: all others have a call connection open
	Load      float64   `json:"load"`               // when it began
	LoadEnd   float64   `json:"load_end"`           // when it ended
	Mistaken  int       `json:"mistaken"`           // how often a node took another for dead that was not
}

// measureSize makes a cluster of n nodes and watches it form, rest, and lose nodes. It kills nodes until a time.
func (b *bench) measureSize(ctx context.Context, n int, until time.Time) error {
	c, err := newCrowd(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	f := sizeFigures{Nodes: n, Load: stats.Load()}
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		f.LoadEnd, f.Mistaken = stats.Load(), c.mistook
		b.report.Sizes = append(b.report.Sizes, f)
	}()
	if err := f.form(ctx, c); err != nil {
		return err
	}
	if err := f.watch(ctx, c, b.rest); err != nil {
		return err
	}
	for i := 0; i < b.kills && (i == 0 || time.Now().Before(until.Add(-callShare))); i++ {
		if err := f.replace(ctx, c, false); err != nil {
			return err
		}
	}
	for i := 0; i < b.kills && (i == 0 || time.Now().Before(until)); i++ {
		if err := f.replace(ctx, c, true); err != nil {
			return err
		}
	}
	return nil
}

// form starts all nodes and waits until every one knows every other.
func (f *sizeFigures) form(ctx context.Context, c *crowd) error {
	for i := range f.Nodes {
		if _, err := c.add(fmt.Sprintf("n%03d", i), false); err != nil {
			return err
		}
	}
	began := time.Now()
	listen, err := c.listening(ctx)
	if err != nil {
		return err
	}
	whole, err := c.whole(ctx)
	if err != nil {
		return err
	}
	f.AllListen, f.Whole = listen.Sub(began).Seconds(), whole.Sub(began).Seconds()
	return nil
}

// watch counts what a cluster uses while nothing happens.
func (f *sizeFigures) watch(ctx context.Context, c *crowd, rest time.Duration) error {
	if err := sleep(ctx, settle); err != nil {
		return err
	}
	began, traffic, cpu := time.Now(), sent(), c.cpuTime()
	if err := sleep(ctx, rest); err != nil {
		return err
	}
	each := time.Since(began).Seconds() * float64(f.Nodes)
	f.CPU = 100 * (c.cpuTime() - cpu).Seconds() / each
	now := sent()
	f.Packets, f.UDP = (now.packets-traffic.packets)/each, (now.datagrams-traffic.datagrams)/each
	f.Bytes = (now.bytes - traffic.bytes) / each
	for _, n := range c.nodes {
		resident, own := memory(n.cmd.Process.Pid)
		f.RSS += resident / (1 << 20) / float64(f.Nodes)
		f.Own += own / (1 << 20) / float64(f.Nodes)
	}
	return nil
}

func (c *crowd) cpuTime() (sum time.Duration) {
	for _, n := range c.nodes {
		sum += stats.CPUTime(n.cmd.Process.Pid)
	}
	return sum
}

// replace kills the node that has been there longest, and starts one of the same name in its place.
func (f *sizeFigures) replace(ctx context.Context, c *crowd, connected bool) error {
	victim := c.nodes[0]
	if connected {
		if err := c.callAll(ctx, victim); err != nil {
			return err
		}
	}
	took, err := c.kill(ctx, victim)
	if err != nil {
		return err
	}
	if connected {
		f.Call = append(f.Call, 1000*took.Seconds())
	} else {
		f.Gossip = append(f.Gossip, took.Seconds())
	}
	host := fmt.Sprintf("m%03d", len(f.Call)+len(f.Gossip))
	n, err := c.add(host, false)
	if err != nil {
		return err
	}
	whole, err := c.whole(ctx)
	if err != nil {
		return err
	}
	f.Listed = append(f.Listed, max(0, 1000*whole.Sub(n.ready.At).Seconds()))
	return nil
}

// callsAtOnce is less than the connections that a node accepts from one address before they are authenticated.
const callsAtOnce = 16

// callAll has every other node call one, which leaves a connection open.
func (c *crowd) callAll(ctx context.Context, callee *node) error {
	var group sync.WaitGroup
	errs := make([]error, len(c.nodes))
	slots := make(chan struct{}, callsAtOnce)
	for i, n := range c.nodes {
		if n != callee {
			group.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				_, errs[i] = n.ask(ctx, order{Do: orderCall, Way: wayConvoy, Node: callee.name})
			})
		}
	}
	group.Wait()
	return errors.Join(errs...)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
