package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync"
	"time"

	"convoy/fleet"
	"convoy/local"
	"convoy/peer"
)

// spec is the first line that a node reads from its standard input.
type spec struct {
	Name, Cookie, Query string
	DNS                 netip.AddrPort
	Bare                bool // serve bare HTTP/2 and TLS too
}

// order is each further line. The end of the input ends the node.
type order struct {
	Do     string // orderCall, orderCalls, orderStream
	Way    string // wayConvoy, wayHTTP2, wayTLS
	Node   string // that it is done with
	Bare   bare   // where the other ways lead
	AtOnce int
	Time   time.Duration
}

const (
	orderCall   = "call" // once, which leaves a connection open
	orderCalls  = "calls"
	orderStream = "stream"
)

// word is each line that a node writes to its standard output.
type word struct {
	Kind     string
	At       time.Time // of all processes by the same clock
	Instance string    // wordReady
	Gossip   uint16    // wordReady
	Bare     bare      // wordReady
	Gone     []string  // wordMembers: the instances that are alive no longer
	Back     []string  // wordMembers: those that are again, or for the first time
	Result   result    // wordDone
	Error    string    // wordDone
}

const (
	wordReady   = "ready"
	wordMembers = "members"
	wordDone    = "done"
)

// nodeProcess is a node of the cluster, seen from inside.
type nodeProcess struct {
	cluster *peer.Cluster
	mu      sync.Mutex // of out
	out     *json.Encoder
}

// serveNode is the role of a node: it joins, reports its members, and follows orders until its input ends.
func serveNode(ctx context.Context, in io.Reader, out io.Writer) int {
	if err := runNode(ctx, in, out); err != nil {
		fmt.Fprintln(os.Stderr, "cluster: node: error:", err)
		return 1
	}
	return 0
}

func runNode(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := json.NewDecoder(bufio.NewReader(in))
	var s spec
	if err := lines.Decode(&s); err != nil {
		return fmt.Errorf("read what it is: %w", err)
	}
	cluster, err := peer.New(peer.Config{
		Name: s.Name, Cookie: s.Cookie, Bind: netip.IPv6Loopback(), Version: "bench",
		Query: s.Query, Resolver: local.Resolver(s.DNS),
	})
	if err != nil {
		return err
	}
	n := &nodeProcess{cluster: cluster, out: json.NewEncoder(out)}
	cluster.Register("bench.echo", echo)
	if err := cluster.Join(ctx, streamForever{}); err != nil {
		return err
	}
	defer cluster.Close() //nolint:errcheck // the process ends
	ready := word{Kind: wordReady, At: time.Now(), Instance: cluster.Instance(), Gossip: cluster.GossipPort()}
	if s.Bare {
		if ready.Bare, err = serveBare(); err != nil {
			return err
		}
	}
	n.say(ready)
	go n.watch(ctx)
	return n.obey(ctx, lines)
}

func (n *nodeProcess) say(w word) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.out.Encode(w) //nolint:errcheck // without a reader the input ends too
}

// watch reports every change of the members that are alive.
func (n *nodeProcess) watch(ctx context.Context) {
	were := map[string]bool{}
	for {
		changed := n.cluster.Changed()
		w := word{Kind: wordMembers, At: time.Now()}
		are := map[string]bool{}
		for _, m := range n.cluster.Members() {
			if m.State != fleet.MemberAlive {
				continue
			}
			are[m.Instance] = true
			if !were[m.Instance] {
				w.Back = append(w.Back, m.Instance)
			}
		}
		for instance := range were {
			if !are[instance] {
				w.Gone = append(w.Gone, instance)
			}
		}
		if len(w.Gone)+len(w.Back) > 0 {
			n.say(w)
		}
		were = are
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (n *nodeProcess) obey(ctx context.Context, lines *json.Decoder) error {
	for {
		var o order
		switch err := lines.Decode(&o); {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("read an order: %w", err)
		}
		done, err := n.follow(ctx, o)
		w := word{Kind: wordDone, At: time.Now(), Result: done}
		if err != nil {
			w.Error = err.Error()
		}
		n.say(w)
	}
}

func (n *nodeProcess) follow(ctx context.Context, o order) (result, error) {
	a, err := n.asker(o)
	if err != nil {
		return result{}, err
	}
	defer a.close()
	switch o.Do {
	case orderCall:
		return result{}, a.call(ctx)
	case orderCalls:
		return callMany(ctx, a, o)
	case orderStream:
		return readStream(ctx, a, o.Time)
	}
	return result{}, fmt.Errorf("no order %q", o.Do)
}
