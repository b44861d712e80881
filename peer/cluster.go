package peer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"convoy/fleet"
)

const (
	// DefaultPort is the gossip port, also of addresses that come without a port.
	DefaultPort uint16 = 4444
	// DefaultCallPort is the port for requests.
	DefaultCallPort uint16 = 4445
	// DefaultPoll is the time between two polls while members are missing.
	DefaultPoll = 5 * time.Second
)

// ErrClosed reports that this node has left or closed the cluster.
var ErrClosed = errors.New("this node has left the cluster")

// Config configures this node and how it finds the others.
type Config struct {
	Name     string        // of this node, "convoy@host"; see ParseName
	Cookie   string        // the cluster's secret, or "new,old"; see CheckCookie
	Bind     netip.Addr    // address to listen on and to announce; never "::"
	Port     uint16        // gossip, UDP and TCP; 0 picks a free one
	CallPort uint16        // calls and streams, TCP; 0 picks a free one
	Query    string        // DNS name to poll: AAAA, or SRV if it begins with "_"; "" disables polling
	Poll     time.Duration // time between polls while members are missing; 0 is DefaultPoll
	Resolver *net.Resolver // nil is the system's
	Control  bool          // this node has a provider
	Version  string        // announced to the others, at most 64 printable characters
	Region   string        // likewise, at most 48; "": none
	Labels   fleet.Labels  // likewise
	Log      *slog.Logger  // nil discards

	// Earlier are instances of this node whose processes have ended: if others still list them, this one announces that
	// they have left.
	Earlier []string
}

// Cluster is this node's membership. Its methods are safe for concurrent use.
type Cluster struct {
	cfg     Config
	self    Caller
	started time.Time
	cookies []string
	log     *slog.Logger

	identity *identity
	roster   *roster
	events   *eventQueue
	refusals *refusalLog
	gossip   *gossip
	poll     *poller
	server   *server
	client   *client

	functions functions
	outbox    outbox
	mailboxes mailboxes

	gossipConns   *connSet
	gossipLimiter *connLimiter
	gossipPort    uint16

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	group  taskGroup // the goroutines of this cluster

	mu    sync.Mutex
	phase phase
}

// phase is a cluster's stage of life.
type phase int

const (
	phaseNew phase = iota
	phaseJoined
	phaseLeft
	phaseClosed
)

// New checks the configuration and creates this instance's keys. It opens nothing. A weak cookie is ErrWeakCookie with
// the reason, a malformed name ErrBadName.
func New(cfg Config) (*Cluster, error) {
	if _, _, err := ParseName(cfg.Name); err != nil {
		return nil, err
	}
	if err := CheckCookie(cfg.Cookie); err != nil {
		return nil, err
	}
	if !cfg.Bind.IsValid() || cfg.Bind.IsUnspecified() || cfg.Bind.IsMulticast() || cfg.Bind.Zone() != "" {
		return nil, fmt.Errorf("bind to %q: not a single address that other nodes can reach", cfg.Bind)
	}
	if !isVersion(cfg.Version) {
		return nil, fmt.Errorf("version %q: longer than %d characters, or not printable", cfg.Version, maxVersionBytes)
	}
	if !isRegion(cfg.Region) {
		return nil, fmt.Errorf("region %q: longer than %d characters, or not printable", cfg.Region, maxRegionBytes)
	}
	if !cfg.Labels.Valid() {
		return nil, fmt.Errorf("labels %q: not as ParseLabels returns them", cfg.Labels)
	}
	if cfg.Poll <= 0 {
		cfg.Poll = DefaultPoll
	}
	cfg.Resolver = cmp.Or(cfg.Resolver, net.DefaultResolver)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	cfg.Bind = cfg.Bind.Unmap()
	return newCluster(cfg)
}

func newCluster(cfg Config) (*Cluster, error) {
	c := &Cluster{
		cfg:     cfg,
		self:    Caller{Name: cfg.Name, Instance: newInstance()},
		started: time.Now().UTC().Truncate(time.Millisecond),
		cookies: Cookies(cfg.Cookie),
		log:     cfg.Log,
		roster:  newRoster(),
		events:  newEventQueue(),

		functions: functions{byName: map[string]Func{}},
		outbox:    outbox{queues: map[string][]*outgoing{}},
		mailboxes: newMailboxes(),
	}
	var err error
	if c.identity, err = newIdentity(c.self, c.cookies); err != nil {
		return nil, err
	}
	c.refusals = &refusalLog{log: c.log}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.gossipConns = newConnSet(c.ctx, nil)
	c.client = newClient(c.ctx, c.identity, c.roster)
	c.client.reached, c.client.lost = func(i string) { c.recordCall(i, nil) }, c.connLost
	c.registerBuiltins()
	return c, nil
}

// Join opens both ports, serves members' requests with h, except POST to /call/ and /send/, and starts to look for
// other nodes. It fails if a port is unavailable, but not for lack of DNS or other nodes: a single node is a cluster
// too. ctx applies to Join only; Close ends what Join started. Call Join once.
func (c *Cluster) Join(ctx context.Context, h http.Handler) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != phaseNew {
		return fmt.Errorf("join: %w, or has joined before", ErrClosed)
	}
	if err := c.open(ctx, h); err != nil {
		c.phase = phaseClosed
		c.shutdown()
		return fmt.Errorf("join the cluster: %w", err)
	}
	c.phase = phaseJoined
	c.log.Info("listening", "instance", c.self.Instance,
		"gossip", netip.AddrPortFrom(c.cfg.Bind, c.gossipPort), "calls", netip.AddrPortFrom(c.cfg.Bind, c.server.port))
	return nil
}

// open starts all parts in the order of their dependencies.
func (c *Cluster) open(ctx context.Context, h http.Handler) error {
	var err error
	if c.server, err = c.listen(ctx, h); err != nil {
		return err
	}
	logger := log.New(&stdLog{log: c.log, refusals: c.refusals, via: "gossip", from: "from="}, "", 0)
	ports, err := bindGossip(c.cfg.Bind, c.cfg.Port)
	if err != nil {
		return fmt.Errorf("open the port for gossip: %w", err)
	}
	c.gossipPort = ports.port()
	c.gossip = newGossip(c.self.Instance, c.meta(), c.events, c.roster)
	c.poll = c.newPoller()
	c.group.run(c.followGossip)
	c.gossipLimiter = c.newConnLimiter("gossip")
	transport := &gossipTransport{
		addr:  netip.AddrPortFrom(c.cfg.Bind, c.gossipPort),
		conns: c.gossipConns, limiter: c.gossipLimiter, limit: c.stateLimit, log: logger,
	}
	transport.start(ports)
	if err := c.gossip.open(transport, c.cookies, logger); err != nil {
		transport.Shutdown()
		return err
	}
	if err := c.syncEvents(ctx); err != nil { // ensures that this node is in the list
		return err
	}
	c.group.run(c.server.serve)
	c.group.run(c.poll.run)
	return nil
}

func (c *Cluster) newConnLimiter(port string) *connLimiter {
	return &connLimiter{port: port, refusals: c.refusals}
}

// stateLimit limits the size of a member list that another node declares.
func (c *Cluster) stateLimit() int { return max(stateBytes, 2*memberBytes*c.roster.size()) }

func (c *Cluster) meta() meta {
	return meta{
		Name: c.self.Name, Version: c.cfg.Version, Region: c.cfg.Region, Labels: c.cfg.Labels,
		CallPort: c.server.port, Started: c.started, Control: c.cfg.Control,
	}
}

// Leave announces that this node leaves, so that the others need not detect it. It takes 0.3 s, or less if ctx has an
// earlier deadline. Polling ends; requests are served until Close. A second Leave does nothing.
func (c *Cluster) Leave(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != phaseJoined {
		return
	}
	c.phase = phaseLeft
	c.poll.stop()
	c.gossip.leave(ctx)
	c.log.Info("left the cluster")
}

// Close ends all streams, connections, and goroutines of this cluster and waits for them. Without Leave, the others
// notice after a few seconds. Call it at any time, even repeatedly.
func (c *Cluster) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == phaseClosed {
		return nil
	}
	c.phase = phaseClosed
	return c.shutdown()
}

// shutdown closes what has been opened. It requires c.mu.
func (c *Cluster) shutdown() error {
	c.cancel()
	var errs []error
	if c.server != nil {
		errs = append(errs, c.server.close())
	}
	c.gossipConns.close()
	if c.gossip != nil && c.gossip.list != nil {
		errs = append(errs, c.gossip.list.Shutdown())
	}
	c.client.close()
	c.group.wait()
	c.mailboxes.close()
	return errors.Join(errs...)
}

// Instance returns the random id of this run of this node.
func (c *Cluster) Instance() string { return c.self.Instance }

// GossipPort returns the gossip port, after Join.
func (c *Cluster) GossipPort() uint16 { return c.gossipPort }

// CallPort returns the port for requests, after Join.
func (c *Cluster) CallPort() uint16 {
	if c.server == nil {
		return 0
	}
	return c.server.port
}

// Members returns all instances: this one first, then by age. Unreachable ones stay for an hour, those that left for a
// minute. An instance that gossip considers alive but that this node cannot call is unreachable too; CallError says
// why.
func (c *Cluster) Members() []fleet.Member { return c.roster.list() }

// Changed is closed at the next change of Members, except of Seen.
func (c *Cluster) Changed() <-chan struct{} { return c.roster.Changed() }
