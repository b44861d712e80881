// Package local is this machine as a provider of nodes: each is a child
// process of the same program, named in a DNS zone of the package's own server.
//
// A child learns who it is, secrets included, from one line on its standard
// input, where neither its arguments nor its environment could give it away
// (see [ReadChild]), and says on descriptor 3 that it listens (see [Ready]).
// It ends when that standard input does, so no node outlives its parent,
// however that ended.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"convoy/fleet"
)

const (
	readyTimeout = 10 * time.Second // for a child to say that it listens
	killDelay    = 5 * time.Second  // from TERM to KILL
)

// ErrClosed is the answer to Spawn after Close, or before Start.
var ErrClosed = errors.New("local provider is closed")

// Config says how this machine makes nodes.
type Config struct {
	Self       string     // full name of this node; its base names the children too
	Loopback   netip.Addr // ::1 or 127.0.0.1: where DNS answers and all nodes are
	Executable string     // what a child runs,
	Args       []string   // with these arguments; no secrets
	Env        []string   // of which a child gets what is not secret; nil: this process's own
	// Child is what a child is told: a JSON object without line breaks, of less than 32 KiB, which may have secrets. The
	// provider does not look into it. Spawn calls it; it may call the provider.
	Child func(name string) ([]byte, error)
	Log   *slog.Logger
}

// Provider makes nodes on this machine. Its methods may be called from any
// goroutine. It implements fleet.Provider.
type Provider struct {
	cfg          Config
	log          *slog.Logger
	zone         *zone
	readyTimeout time.Duration
	killDelay    time.Duration
	group        sync.WaitGroup // one waiter for each child

	mu       sync.Mutex
	server   *dnsServer // nil before Start
	closed   bool
	children map[string]*child // by full node name
	changed  chan struct{}     // closed and replaced when services says something else
}

// child is a process with what the provider knows of its state.
type child struct {
	*process
	ended bool // its waiter has seen it end
}

var _ fleet.Provider = (*Provider)(nil)

// New returns a provider that does nothing before Start.
func New(cfg Config) *Provider {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Provider{
		cfg: cfg, log: cfg.Log,
		zone:         newZone(cfg.Loopback),
		readyTimeout: readyTimeout, killDelay: killDelay,
		children: make(map[string]*child),
		changed:  make(chan struct{}),
	}
}

// Start starts the DNS server; ctx bounds the start alone. Close ends it.
func (p *Provider) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.server != nil {
		return ErrClosed
	}
	server, err := startDNS(ctx, p.zone, p.log)
	if err != nil {
		return err
	}
	p.server = server
	p.log.Info("dns server answers", "addr", server.addr.String())
	return nil
}

// Close ends all children, by TERM and after 5 s, or when ctx ends, by KILL,
// and waits for them and for the DNS server.
func (p *Provider) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	server := p.server
	children := slices.Collect(maps.Values(p.children))
	p.mu.Unlock()

	var group sync.WaitGroup
	for _, c := range children {
		group.Go(func() { c.end(ctx, p.killDelay) })
	}
	group.Wait()
	p.group.Wait()
	if server == nil {
		return nil
	}
	return server.close(ctx)
}

// Kind is "local".
func (p *Provider) Kind() string { return "local" }

// NodeName puts the label into the zone, and the base of this node's name
// before it.
func (p *Provider) NodeName(label string) string {
	base, _, _ := strings.Cut(p.cfg.Self, "@")
	return base + "@" + label + "." + Zone
}

// DNS returns the address of the DNS server, the zero value before Start.
func (p *Provider) DNS() netip.AddrPort {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return netip.AddrPort{}
	}
	return p.server.addr
}

// Query returns the name under which the DNS server has an SRV record for each
// node.
func (p *Provider) Query() string { return service }

// Resolver returns a resolver that asks the provider's own DNS server. It may
// be taken before Start, and used after it.
func (p *Provider) Resolver() *net.Resolver { return resolver(p.DNS) }

// Announce puts a node into the zone, this one above all; children get in by
// themselves. Hosts outside the zone have no address there.
func (p *Provider) Announce(host string, gossip uint16) { p.zone.set(host, gossip) }

// Watch calls update with all children now and after every change, until ctx
// ends.
func (p *Provider) Watch(ctx context.Context, update func([]fleet.Service)) {
	for ctx.Err() == nil {
		list, changed := p.services()
		update(list)
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// services lists the children by name, and returns the channel that is closed
// when the list is out of date.
func (p *Provider) services() ([]fleet.Service, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]fleet.Service, 0, len(p.children))
	for _, name := range slices.Sorted(maps.Keys(p.children)) {
		c := p.children[name]
		s := fleet.Service{Name: name, ID: "pid " + strconv.Itoa(c.cmd.Process.Pid), Running: !c.ended}
		if c.ended {
			s.Message = c.message
		}
		list = append(list, s)
	}
	return list, p.changed
}

// tell wakes the watchers. p.mu must be held.
func (p *Provider) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// add starts a child's process and its waiter.
func (p *Provider) add(name string) (*child, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed || p.server == nil:
		return nil, ErrClosed
	case p.children[name] != nil:
		return nil, fmt.Errorf("there is a process for %q already", name)
	}
	cmd := exec.Command(p.cfg.Executable, p.cfg.Args...)
	cmd.Env = p.cfg.Env
	cmd.Env = childEnv(cmd.Environ())
	process, err := launch(name, cmd, p.log)
	if err != nil {
		return nil, err
	}
	c := &child{process: process}
	p.children[name] = c
	p.notify()
	p.group.Go(func() { p.wait(c) })
	return c, nil
}

// wait sees a child end.
func (p *Provider) wait(c *child) {
	c.process.wait()
	p.mu.Lock()
	c.ended = true
	p.zone.remove(hostOf(c.name))
	p.notify()
	p.mu.Unlock()
	p.log.Info("process ended", "node", c.name, "err", c.message)
}

// hostOf returns the host in a node's name.
func hostOf(name string) string {
	_, host, _ := strings.Cut(name, "@")
	return host
}
