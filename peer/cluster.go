package peer

import (
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
	// DefaultPort is where nodes gossip unless they are told otherwise, and what
	// is assumed of addresses that come without a port.
	DefaultPort uint16 = 4444
	// DefaultCallPort is where nodes take requests.
	DefaultCallPort uint16 = 4445
	// DefaultPoll is the time between two polls while something is missing.
	DefaultPoll = 5 * time.Second

	leaveTimeout = 2 * time.Second
)

// ErrClosed says that the cluster was closed or left on this side.
var ErrClosed = errors.New("this node has left the cluster")

// Config says who this node is and where it finds the others.
type Config struct {
	Name     string        // of this node, "convoy@host"; see ParseName
	Cookie   string        // the cluster's secret, or "new,old"; see CheckCookie
	Bind     netip.Addr    // the one address to listen on and to tell the others; never "::"
	Port     uint16        // gossip, UDP and TCP; 0 takes a free one
	CallPort uint16        // calls and streams, TCP; 0 takes a free one
	Query    string        // DNS name to poll: AAAA, or SRV if it begins with "_"; "" polls nothing
	Poll     time.Duration // time between polls while something is missing; 0 is DefaultPoll
	Resolver *net.Resolver // asks DNS; nil is the system's
	Control  bool          // this node holds a provider
	Version  string        // told to the others, at most 64 printable characters
	Log      *slog.Logger  // nil discards
}

// Cluster is this node's membership. Its methods may be called from several
// goroutines at once.
type Cluster struct {
	cfg     Config
	self    Caller
	started time.Time
	cookies []string
	log     *slog.Logger

	identity *identity
	roster   *roster
	events   *eventQueue
	refused  *refusals
	gossip   *gossip
	poll     *poller
	server   *server
	client   *client

	functions functions
	outbox    outbox
	mailboxes mailboxes

	gossipConns *connSet
	gossipDoor  *door
	gossipPort  uint16

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	group  tally // the goroutines of this cluster

	mu    sync.Mutex
	phase phase
}

// phase says how far a cluster's life has gone.
type phase int

const (
	phaseNew phase = iota
	phaseJoined
	phaseLeft
	phaseClosed
)

// New checks the configuration and makes this instance's keys. It opens nothing.
// A weak cookie is ErrWeakCookie with the reason, a malformed name ErrBadName.
func New(cfg Config) (*Cluster, error) {
	if _, _, err := ParseName(cfg.Name); err != nil {
		return nil, err
	}
	if err := CheckCookie(cfg.Cookie); err != nil {
		return nil, err
	}
	if !cfg.Bind.IsValid() || cfg.Bind.IsUnspecified() || cfg.Bind.IsMulticast() || cfg.Bind.Zone() != "" {
		return nil, fmt.Errorf("bind to %q: not one address of this machine that others reach", cfg.Bind)
	}
	if !isVersion(cfg.Version) {
		return nil, fmt.Errorf("version %q: longer than %d characters, or not printable", cfg.Version, maxVersionBytes)
	}
	if cfg.Poll <= 0 {
		cfg.Poll = DefaultPoll
	}
	if cfg.Resolver == nil {
		cfg.Resolver = net.DefaultResolver
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
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
		outbox:    outbox{queues: map[string][]*letter{}},
		mailboxes: newMailboxes(),
	}
	var err error
	if c.identity, err = newIdentity(c.self, c.cookies); err != nil {
		return nil, err
	}
	c.refused = &refusals{log: c.log}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.gossipConns = newConnSet(c.ctx, nil)
	c.client = newClient(c.ctx, c.identity, c.roster)
	c.client.reached, c.client.lost = func(i string) { c.noteCall(i, nil) }, c.lostTouch
	c.registerBuiltins()
	return c, nil
}

// Join opens both ports, serves the members' requests with h, except those that POST to /call/ and /send/, and begins
// to look for other nodes. It fails if a port cannot be had, never for want of DNS or of other nodes: a node alone is a
// cluster of one. The context bounds the opening only; Close ends what Join began. A cluster is joined once.
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

// open begins everything, in the order in which one thing needs the other.
func (c *Cluster) open(ctx context.Context, h http.Handler) error {
	var err error
	if c.server, err = c.listen(ctx, h); err != nil {
		return err
	}
	logger := log.New(&lineLog{log: c.log, refused: c.refused, via: "gossip", from: "from="}, "", 0)
	transport, err := bindGossip(c.cfg.Bind, c.cfg.Port, logger)
	if err != nil {
		return err
	}
	c.gossipPort = uint16(transport.GetAutoBindPort())
	c.gossip = newGossip(c.self.Instance, c.meta(), c.events, c.roster)
	c.poll = c.newPoller()
	c.group.run(c.followGossip)
	c.gossipDoor = c.door("gossip")
	bounded := newGossipTransport(transport, c.gossipConns, c.gossipDoor, c.stateLimit)
	if err := c.gossip.open(bounded, c.cookies, logger); err != nil {
		bounded.Shutdown()
		return err
	}
	if err := c.flush(ctx); err != nil { // this node itself, at least, is in the list
		return err
	}
	c.group.run(c.server.serve)
	c.group.run(c.poll.run)
	return nil
}

// door makes one for a port of this node.
func (c *Cluster) door(port string) *door { return &door{port: port, refused: c.refused} }

// stateLimit is how large a list of members may be that another node announces.
func (c *Cluster) stateLimit() int { return max(stateBytes, 2*memberBytes*c.roster.size()) }

func (c *Cluster) meta() meta {
	return meta{
		Name: c.self.Name, Version: c.cfg.Version, CallPort: c.server.port,
		Started: c.started, Control: c.cfg.Control,
	}
}

// Leave says goodbye, so that the others know at once and need not notice. It
// takes at most 2 s, and no longer than the context. Requests are still served
// until Close; polling has ended. To leave twice does nothing.
func (c *Cluster) Leave(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != phaseJoined {
		return nil
	}
	c.phase = phaseLeft
	c.poll.stop()
	wait := leaveTimeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, max(time.Until(deadline), time.Millisecond))
	}
	if err := c.gossip.leave(wait); err != nil {
		return fmt.Errorf("leave the cluster: %w", err)
	}
	c.log.Info("left the cluster")
	return nil
}

// Close ends every stream, connection and goroutine of this cluster and waits
// for them. Without Leave before it the others notice after some seconds. It may
// be called at any time, and again.
func (c *Cluster) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == phaseClosed {
		return nil
	}
	c.phase = phaseClosed
	return c.shutdown()
}

// shutdown is called with mu held, with whatever has been opened.
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

// Instance is the random id of this run of this node.
func (c *Cluster) Instance() string { return c.self.Instance }

// GossipPort is the port that gossip has, after Join.
func (c *Cluster) GossipPort() uint16 { return c.gossipPort }

// CallPort is the port that requests are taken on, after Join.
func (c *Cluster) CallPort() uint16 {
	if c.server == nil {
		return 0
	}
	return c.server.port
}

// Members gives all instances that are members: this one first, then by age.
// Those that became unreachable stay for an hour, those that left for a minute.
// One that gossip has alive but that cannot be called from here is unreachable
// too, until it can; CallError says why.
func (c *Cluster) Members() []fleet.Member { return c.roster.list() }

// Changed is closed at the next change of Members, other than of Seen.
func (c *Cluster) Changed() <-chan struct{} { return c.roster.Changed() }
