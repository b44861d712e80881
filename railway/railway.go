// Package railway makes nodes on Railway (https://railway.com) through its
// GraphQL API: one service for each node, deployed exactly once.
//
// [Provider] implements [fleet.Provider]. Its token is proved at [Provider.Start];
// one that proves nothing leaves it read-only, with a reason, and ends nothing.
// One watcher knows all services, however many people look: it subscribes to
// their deployments, asks slowly besides, and stays within the hourly limit of
// the plan. What was half made when the program ended is finished by the next
// start, so that services are neither lost nor made twice.
//
// Errors that Railway answers are [*Error]. Its answers are never trusted to
// say everything: statuses that nobody knows yet count as progress, with a
// deadline, and an answer with errors in it is not used in part.
package railway

import (
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

// MarkerVariable is the variable that marks a service as made by a Convoy. Its value says by which one.
const MarkerVariable = "CONVOY_MADE_BY"

// privateZone ends the names of the private network if this node's own name is not known.
const privateZone = "railway.internal"

// maxNameBytes is the longest label of a DNS name.
const maxNameBytes = 63

// Config is what a provider is told. The ids are those that Railway gives every container.
type Config struct {
	Endpoint  string    // of the API; empty: DefaultEndpoint. Plain http only to this machine
	Token     string    // empty: the provider is read-only and says so
	TokenKind TokenKind // empty: Bearer

	Project     string // RAILWAY_PROJECT_ID; a project token knows it too
	Environment string // RAILWAY_ENVIRONMENT_ID; likewise
	Service     string // RAILWAY_SERVICE_ID of this node; empty outside Railway
	ServiceName string // RAILWAY_SERVICE_NAME

	PrivateDomain string // RAILWAY_PRIVATE_DOMAIN of this node, "convoy.railway.internal"
	Base          string // of node names, the part before the @; empty: "convoy"
	Prefix        string // of the labels of nodes; empty: "convoy-"

	Image  string // what nodes run; empty: the image, else the repository, of this node's own service
	Region string // where they run, "europe-west4-drams3a"; empty: Railway's choice

	Variables  func(name string) map[string]string // of a new node by its full name; no secrets
	References []string                            // names of variables that it gets by reference, such as CONVOY_COOKIE
	ShareToken bool                                // nodes get the token too, and can make others

	Notice func(Notice) // something that people should know and no status says; may be nil
	HTTP   *http.Client // nil: one of its own
	Log    *slog.Logger
}

// Notice is a sentence for people, with what to do about it.
type Notice struct{ Text, Hint string }

// Provider is Railway as a provider of nodes. Its methods may be called from any goroutine.
type Provider struct {
	cfg    Config
	log    *slog.Logger
	client *client
	kick   chan struct{} // asks the watcher to look now

	group  sync.WaitGroup // everything that runs under the context of Start
	cancel context.CancelCauseFunc

	mu        sync.Mutex
	ctx       context.Context // of Start
	project   string
	env       string
	who       Identity
	refusal   string // why nothing can be made; empty: it can
	source    *source
	services  map[string]*service // by id; all of this environment that may be nodes
	strangers map[string]bool     // ids of services that were not made here
	listed    bool                // the inventory was read at least once
	work      map[string]*work    // by label: what is being made or finished now
	retired   map[string]bool     // labels that were retired: a late answer must not bring them back
	streams   map[string]bool     // ids of deployments whose events a socket brings
	changed   chan struct{}       // closed and replaced at every change
}

// work is the making of one node under way.
type work struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
}

var (
	errClosed  = errors.New("the provider is closed")
	errRetired = errors.New("the node is being retired")
	errBusy    = errors.New("a node of that name is being made already")
)

// New checks the configuration and returns a provider that is not connected yet. An error means that it can never work.
func New(cfg Config) (*Provider, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("component", "railway")
	cfg.Token = strings.TrimSpace(cfg.Token)
	if cfg.TokenKind == "" {
		cfg.TokenKind = Bearer
	}
	if cfg.TokenKind != Bearer && cfg.TokenKind != ProjectToken {
		return nil, fmt.Errorf("railway token of kind %q: it is %q or %q", cfg.TokenKind, Bearer, ProjectToken)
	}
	if strings.ContainsFunc(cfg.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the railway token has blanks or letters that no token has")
	}
	if cfg.Base == "" {
		cfg.Base = "convoy"
	}
	if cfg.Prefix == "" {
		cfg.Prefix = "convoy-"
	}
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	return &Provider{
		cfg:       cfg,
		log:       cfg.Log,
		client:    c,
		kick:      make(chan struct{}, 1),
		project:   cfg.Project,
		env:       cfg.Environment,
		refusal:   "the connection to Railway is not made yet",
		services:  map[string]*service{},
		strangers: map[string]bool{},
		work:      map[string]*work{},
		retired:   map[string]bool{},
		streams:   map[string]bool{},
		changed:   make(chan struct{}),
	}, nil
}

// Start proves who the token is, which takes 15 s at most, and begins to watch. A token that proves nothing is no
// error: see [Provider.Refusal]. The provider ends with ctx, or with Close, which must be called in any case.
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

// Close ends the watcher and what it is finishing, and waits, at most until ctx ends. It takes no node away.
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

// NodeName makes a node's name of its label, which is also the name of its service: "convoy-k3fz" gives
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
		return "", fmt.Errorf("%q is no name of a node on Railway", name)
	}
	return label, nil
}

// validLabel reports whether Railway would take label as a service's name and make the same DNS name of it.
func validLabel(label string) bool {
	return label != "" && len(label) <= maxNameBytes && label[0] != '-' && label[len(label)-1] != '-' &&
		strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// owner is what the marker of our services says: the same service in another environment is another Convoy.
func (p *Provider) owner() string {
	service := p.cfg.Service
	if service == "" {
		service = p.cfg.Base
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return service + "/" + p.env
}

// place returns the ids of project and environment.
func (p *Provider) place() (project, env string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.project, p.env
}

// Refusal says why no node can be made or retired now, in words for people; empty: they can.
func (p *Provider) Unavailable() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refusal
}

// Budget says how many calls were made lately, and what is allowed.
func (p *Provider) Budget() Budget { return p.client.budget.snapshot() }

// Watch calls update with all services of this Convoy now and after every change, until ctx ends.
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

// touch tells everybody who waits that something changed. p.mu must be held.
func (p *Provider) touch() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// lookNow has the watcher ask Railway at once.
func (p *Provider) lookNow() {
	select {
	case p.kick <- struct{}{}:
	default: // it is asked already
	}
}

func (p *Provider) notice(text, hint string) {
	p.log.Warn("notice", "message", text, "hint", hint)
	if p.cfg.Notice != nil {
		p.cfg.Notice(Notice{Text: text, Hint: hint})
	}
}
