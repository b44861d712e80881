// Package railway creates nodes on Railway (https://railway.com) through its GraphQL API: one service per node,
// deployed exactly once.
//
// [Provider] implements [fleet.Provider]. [Provider.Start] verifies its token; an invalid one makes it read-only, with
// a reason. One watcher tracks all services for any number of viewers: it subscribes to their deployments, also polls
// slowly, and stays within the plan's hourly limit. The next start finishes what was incomplete when the program ended,
// so that services are neither lost nor created twice.
//
// Railway's errors are [*Error]. Its responses are not assumed to be complete: unknown statuses count as progress, with
// a deadline, and a response with errors is not used partially.
package railway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"convoy/fleet"
)

// DefaultEndpoint is Railway's public API.
const DefaultEndpoint = "https://backboard.railway.com/graphql/v2"

// MarkerVariable marks a service as created by a Convoy. Its value identifies which one.
const MarkerVariable = "CONVOY_MADE_BY"

// privateZone is the private network's zone if this node's own name is unknown.
const privateZone = "railway.internal"

// maxNameBytes is the limit of a DNS label.
const maxNameBytes = 63

// Config configures a provider. The ids are those that Railway sets in every container.
type Config struct {
	Endpoint  string    // empty: DefaultEndpoint. Plain http only to this machine
	Token     string    // empty: the provider is read-only
	TokenKind TokenKind // empty: Bearer

	Project     string // RAILWAY_PROJECT_ID; optional with a project token
	Environment string // RAILWAY_ENVIRONMENT_ID; likewise
	Service     string // RAILWAY_SERVICE_ID of this node; empty outside Railway
	ServiceName string // RAILWAY_SERVICE_NAME

	PrivateDomain string // RAILWAY_PRIVATE_DOMAIN of this node, "convoy.railway.internal"
	Base          string // of node names, before the @; empty: "convoy"
	Prefix        string // of node labels; empty: "convoy-"

	Image  string // for nodes; empty: the image or repository of this node's own service
	Region string // for nodes, "europe-west4-drams3a"; empty: Railway's default

	Variables  func(name string) map[string]string // for a new node, by full name; no secrets
	References []string                            // variables that it gets by reference, such as CONVOY_COOKIE
	ShareToken bool                                // nodes get the token too, and can create others

	Notice func(Notice) // reports what no status shows; may be nil
	HTTP   *http.Client // may be nil
	Log    *slog.Logger
}

// Notice is a message to users, with what to do.
type Notice struct{ Text, Hint string }

// Provider creates nodes on Railway. Its methods are safe for concurrent use.
type Provider struct {
	cfg    Config
	log    *slog.Logger
	client *client
	wake   chan struct{} // makes the watcher refresh now
	usages usages

	group  sync.WaitGroup // everything that runs until the context of Start ends
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	ctx      context.Context // of Start
	project  string
	env      string
	identity Identity
	refusal  string // why nothing can be created; empty: it can
	source   *source
	services map[string]*service // by id; services of this environment that may be nodes
	foreign  map[string]bool     // ids of services that were not created here
	listed   bool                // the inventory was read at least once
	jobs     map[string]*job     // by label: creations in progress
	retired  map[string]bool     // retired labels: a late answer must not bring them back
	streams  map[string]bool     // ids of deployments whose events arrive by socket
	changed  chan struct{}       // closed and replaced at every change
}

// job is the creation of a node in progress.
type job struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
}

var (
	errClosed  = errors.New("the provider is closed")
	errRetired = errors.New("the node is being retired")
	errBusy    = errors.New("a node with that name is already being created")
)

// New checks the configuration and returns a provider that is not connected yet. An error is permanent.
func New(cfg Config) (*Provider, error) {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	cfg.Log = cfg.Log.With("component", "railway")
	cfg.Token = strings.TrimSpace(cfg.Token)
	cfg.TokenKind = cmp.Or(cfg.TokenKind, Bearer)
	if cfg.TokenKind != Bearer && cfg.TokenKind != ProjectToken {
		return nil, fmt.Errorf("railway token kind %q: must be %q or %q", cfg.TokenKind, Bearer, ProjectToken)
	}
	if strings.ContainsFunc(cfg.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the railway token contains characters that tokens never have")
	}
	cfg.Base = cmp.Or(cfg.Base, "convoy")
	cfg.Prefix = cmp.Or(cfg.Prefix, "convoy-")
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	return &Provider{
		cfg:      cfg,
		log:      cfg.Log,
		client:   c,
		wake:     make(chan struct{}, 1),
		usages:   newUsages(),
		project:  cfg.Project,
		env:      cfg.Environment,
		refusal:  "not yet connected to Railway",
		services: map[string]*service{},
		foreign:  map[string]bool{},
		jobs:     map[string]*job{},
		retired:  map[string]bool{},
		streams:  map[string]bool{},
		changed:  make(chan struct{}),
	}, nil
}

// Start verifies the token, which takes at most 15 s, and starts to watch. An invalid token is not an error: see
// [Provider.Refusal]. The provider ends with ctx or Close; Close must be called.
func (p *Provider) Start(ctx context.Context) error {
	p.mu.Lock()
	if p.ctx != nil {
		p.mu.Unlock()
		return errors.New("railway: started already")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	p.ctx, p.cancel = ctx, cancel
	p.group.Add(1) // Close waits for Start, too
	defer p.group.Done()
	p.mu.Unlock()
	proof, done := context.WithTimeout(ctx, startTimeout)
	p.prove(proof)
	done()
	p.group.Go(func() { p.watch(ctx) })
	p.group.Go(func() { p.stream(ctx) })
	return nil
}

// Close ends the watcher and unfinished work, and waits for them until ctx ends. It removes no nodes.
func (p *Provider) Close(ctx context.Context) error {
	p.mu.Lock()
	if p.cancel != nil {
		p.cancel(errClosed)
	}
	p.mu.Unlock()
	done := make(chan struct{})
	go func() {
		p.group.Wait()
		p.client.http.CloseIdleConnections()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close railway: %w", context.Cause(ctx))
	}
}

// Kind is "railway".
func (*Provider) Kind() string { return "railway" }

// NodeName returns the name of the node with a label, which is also its service's name: "convoy-k3fz" gives
// "convoy@convoy-k3fz.railway.internal".
func (p *Provider) NodeName(label string) string {
	_, zone, found := strings.Cut(p.cfg.PrivateDomain, ".")
	if !found || zone == "" {
		zone = privateZone
	}
	return p.cfg.Base + "@" + label + "." + zone
}

// labelOf is the inverse of NodeName.
func (p *Provider) labelOf(name string) (string, error) {
	_, host, _ := strings.Cut(name, "@")
	label, _, _ := strings.Cut(host, ".")
	if p.NodeName(label) != name || !strings.HasPrefix(label, p.cfg.Prefix) || !validLabel(label) {
		return "", fmt.Errorf("%q is not the name of a node on Railway", name)
	}
	return label, nil
}

// validLabel reports whether Railway accepts label as a service's name and uses it unchanged in DNS.
func validLabel(label string) bool {
	return label != "" && len(label) <= maxNameBytes && label[0] != '-' && label[len(label)-1] != '-' &&
		strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// owner is the marker of our services: the same service in another environment is another Convoy.
func (p *Provider) owner() string {
	service := cmp.Or(p.cfg.Service, p.cfg.Base)
	p.mu.Lock()
	defer p.mu.Unlock()
	return service + "/" + p.env
}

// scope returns the ids of project and environment.
func (p *Provider) scope() (project, env string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.project, p.env
}

// Unavailable says why nodes cannot be created or retired now, for users; empty: they can.
func (p *Provider) Unavailable() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refusal
}

// Budget describes recent calls and their limit.
func (p *Provider) Budget() Budget { return p.client.budget.snapshot() }

// Watch calls update with all services of this Convoy, now and after every change, until ctx ends.
func (p *Provider) Watch(ctx context.Context, update func([]fleet.Service)) {
	for {
		p.mu.Lock()
		changed, listed, list := p.changed, p.listed || p.refusal != "", p.list(time.Now())
		p.mu.Unlock()
		if listed {
			update(list)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// waitUntil waits until met, which is called with p.mu held, is true. It returns false if ctx ended first.
func (p *Provider) waitUntil(ctx context.Context, met func() bool) bool {
	for {
		p.mu.Lock()
		changed, yes := p.changed, met()
		p.mu.Unlock()
		if yes {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// notifyChanged wakes everything that waits for a change. It requires p.mu.
func (p *Provider) notifyChanged() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// refreshNow makes the watcher query Railway now.
func (p *Provider) refreshNow() {
	select {
	case p.wake <- struct{}{}:
	default: // already requested
	}
}

func (p *Provider) notice(text, hint string) {
	p.log.Warn("notice", "message", text, "hint", hint)
	if p.cfg.Notice != nil {
		p.cfg.Notice(Notice{Text: text, Hint: hint})
	}
}
