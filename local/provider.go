// Package local provides nodes on this machine: each is a child process of the same program, with a name in a DNS zone
// that the package serves.
//
// A child reads its configuration, including secrets, from one line on its standard input, because arguments and
// environment are visible to others (see [ReadChild]). It reports on descriptor 3 that it listens (see [Ready]). It
// ends when its standard input closes, so no node outlives its parent; a [Keeper] that holds the other end as well lets
// nodes outlive this process, and the next one adopts them.
package local

import (
	"cmp"
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
	readyTimeout = 30 * time.Second // for a child to report that it listens
	killDelay    = 5 * time.Second  // from TERM to KILL
)

// ErrClosed is the error of Spawn after Close, or before Start.
var ErrClosed = errors.New("local provider is closed")

// Config configures a provider.
type Config struct {
	Self       string     // full name of this node; children share the part before the @
	Loopback   netip.Addr // ::1 or 127.0.0.1: address of the DNS server and all nodes
	Executable string     // program of a child
	Args       []string   // its arguments; no secrets
	Env        []string   // a child inherits what is not secret; nil: that of this process
	// Child returns the configuration of a child: a JSON object on one line, of less than 32 KiB, which may contain
	// secrets. The provider does not interpret it. Spawn calls Child, which may call the provider.
	Child func(name string) ([]byte, error)
	// Keeper lets the nodes outlive this process; nil: they end with it. Linux only.
	Keeper Keeper
	Log    *slog.Logger
}

// Provider spawns nodes on this machine. It implements fleet.Provider, and is safe for concurrent use.
type Provider struct {
	cfg          Config
	zone         *zone
	readyTimeout time.Duration
	killDelay    time.Duration
	group        sync.WaitGroup // one waiter for each child
	life         context.Context
	die          context.CancelFunc // ends life; called by Leave and Close

	mu       sync.Mutex
	packets  net.PacketConn // an earlier process's, for the server; nil: none
	listener net.Listener   // as above
	server   *dnsServer     // nil before Start
	closed   bool
	children map[string]*process // by full name of the node
	changed  chan struct{}       // closed and replaced when services changes
}

var _ fleet.Provider = (*Provider)(nil)

// New returns a provider. Start starts it.
func New(cfg Config) *Provider {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	life, die := context.WithCancel(context.Background())
	return &Provider{
		cfg:          cfg,
		life:         life,
		die:          die,
		zone:         newZone(cfg.Loopback),
		readyTimeout: readyTimeout,
		killDelay:    killDelay,
		children:     make(map[string]*process),
		changed:      make(chan struct{}),
	}
}

// Start starts the DNS server, until Close; ctx bounds only the start.
func (p *Provider) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.server != nil {
		return ErrClosed
	}
	if p.packets == nil {
		var err error
		if p.packets, p.listener, err = listenBoth(ctx, p.cfg.Loopback); err != nil {
			return fmt.Errorf("start dns server: %w", err)
		}
		p.keepSockets()
	}
	p.server = startDNS(p.packets, p.listener, p.zone, p.cfg.Log)
	p.cfg.Log.Info("dns server answers", "addr", p.server.addr.String())
	return nil
}

// Close ends all children, by TERM, and by KILL after 5 s or when ctx ends. It waits for them and for the DNS server.
// After Leave it does nothing.
func (p *Provider) Close(ctx context.Context) error {
	server, children := p.shut()
	if p.life.Err() != nil { // the nodes are another's
		return server.close(ctx)
	}
	var group sync.WaitGroup
	for _, c := range children {
		group.Go(func() { c.end(ctx, p.killDelay) })
	}
	group.Wait()
	p.group.Wait()
	p.die()
	for _, c := range children {
		p.drop(c.name)
	}
	p.drop(dnsID)
	return server.close(ctx)
}

// shut refuses new children, and returns all that must be closed.
func (p *Provider) shut() (*dnsServer, []*process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return p.server, slices.Collect(maps.Values(p.children))
}

// Kind returns "local".
func (p *Provider) Kind() string { return "local" }

// NodeName returns the name of a node in the zone.
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

// Query returns the DNS name with an SRV record for each node.
func (p *Provider) Query() string { return service }

// Resolver returns a resolver that uses the provider's DNS server. It works after Start.
func (p *Provider) Resolver() *net.Resolver { return resolver(p.DNS) }

// Publish adds a node to the zone, such as this one; children are added when they listen. Hosts outside the zone get
// no address.
func (p *Provider) Publish(host string, gossip uint16) { p.zone.set(host, gossip) }

// Watch calls update with all children now and after every change, until ctx ends.
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

// services lists the children by name, and returns a channel that is closed when the list changes.
func (p *Provider) services() ([]fleet.Service, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]fleet.Service, 0, len(p.children))
	for _, name := range slices.Sorted(maps.Keys(p.children)) {
		c := p.children[name]
		s := fleet.Service{Name: name, ID: "pid " + strconv.Itoa(c.pid), Running: !c.ended}
		if c.ended {
			s.Message = c.message
		}
		list = append(list, s)
	}
	return list, p.changed
}

// notify wakes the watchers. p.mu must be held.
func (p *Provider) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// add starts a child's process and its waiter.
func (p *Provider) add(name string) (*process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed || p.server == nil:
		return nil, ErrClosed
	case p.children[name] != nil:
		return nil, fmt.Errorf("%q already has a process", name)
	}
	cmd := exec.Command(p.cfg.Executable, p.cfg.Args...)
	cmd.Env = p.cfg.Env
	cmd.Env = childEnv(cmd.Environ())
	c, err := launch(name, cmd, p.cfg.Keeper != nil, p.cfg.Log)
	if err != nil {
		return nil, err
	}
	p.children[name] = c
	p.keep(c)
	p.notify()
	p.group.Go(func() { p.wait(c) })
	return c, nil
}

// wait waits for a child to end.
func (p *Provider) wait(c *process) {
	if !c.wait(p.life) {
		return
	}
	p.mu.Lock()
	c.ended = true
	c.closeFiles()
	if p.children[c.name] == c { // it was not retired meanwhile
		p.zone.remove(hostOf(c.name))
		p.keep(c)
	}
	p.notify()
	p.mu.Unlock()
	p.cfg.Log.Info("process ended", "node", c.name, "err", c.message)
}

// hostOf returns the host in a node's name.
func hostOf(name string) string {
	_, host, _ := strings.Cut(name, "@")
	return host
}
