// Package handlers is Convoy over HTTP: the console's pages, the requests and the event stream of docs/protocol.md, and
// the requests between nodes.
//
// routes.go lists all requests, with what each takes; gate.go checks that. A handler decodes, makes one call and
// renders. Requests about a shell, a recording or a log are served by the node that owns it, here or one hop away.
// Public serves users and scripts. Peer serves other nodes, and never forwards.
package handlers

import (
	"context"
	"net/http"
	"sync"
	"time"

	"convoy/access"
	"convoy/assets"
	"convoy/files"
	"convoy/guide"
	"convoy/handlers/alerts"
	"convoy/handlers/hop"
	"convoy/handlers/live"
	"convoy/handlers/session"
	"convoy/handlers/share"
	"convoy/handlers/web"
	"convoy/stats"
	"convoy/templates"
)

// Handlers holds the routes of one node, and what they work with. Its methods may be called concurrently.
type Handlers struct {
	Config
	site     *web.Site
	sessions *session.Manager
	nodes    *hop.Nodes
	links    *share.Links
	live     *live.Hub
	shares   *share.Guests
	alerts   *alerts.Set
	guide    func() (*guide.Guide, error) // rendered when it is first shown: that takes as long as a start
	runbooks *guide.Runbooks
	quotas   quotas
	recent   recentRecordings
	runs     sync.Map        // of steps of runbooks, by login and name: *run
	runLease time.Duration   // how long a run continues that no page asks about
	running  sync.WaitGroup  // runs that outlive their request
	opening  sync.Mutex      // held while a shell is opened
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
}

// New makes the handlers. It starts nothing; the first open stream does. Close them.
func New(cfg Config) (*Handlers, error) {
	set, err := templates.New(cfg.BasePath, assets.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Files == nil {
		cfg.Files = files.Local{}
	}
	if cfg.Stats == nil {
		cfg.Stats = stats.New(stats.Config{})
	}
	if cfg.Authority == nil {
		grants, err := access.OpenGrants("", false)
		if err != nil {
			return nil, err
		}
		cfg.Authority = access.NewAuthority(access.AuthorityConfig{Self: cfg.Self, Grants: grants, Log: cfg.Log})
	}
	h := &Handlers{
		Config:   cfg,
		guide:    sync.OnceValues(func() (*guide.Guide, error) { return guide.New(cfg.BasePath) }),
		runbooks: &guide.Runbooks{Dir: cfg.Runbooks, Base: cfg.BasePath},
		quotas:   newQuotas(),
		runLease: defaultRunLease,
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.site = &web.Site{
		BasePath:  cfg.BasePath,
		Hosts:     cfg.Hosts,
		HSTS:      cfg.HSTS,
		Proxies:   cfg.Proxies,
		BodyWait:  web.BodyWait,
		WriteWait: web.WriteWait,
		Templates: set,
		Page:      h.page,
		Known:     explain,
		Log:       cfg.Log,
	}
	h.build()
	return h, nil
}

// build makes the parts, from the lowest to the highest.
func (h *Handlers) build() {
	h.sessions = session.New(session.Config{
		Self:       h.Self,
		Site:       h.site,
		Token:      h.Token,
		Keys:       h.Keys,
		Assertions: h.Assertions,
		Authority:  h.Authority,
		OpenID:     h.OpenID,
		Audit:      h.Audit,
		Fleet:      h.Fleet,
		Cluster:    h.Cluster,
		Log:        h.Log,
	})
	h.nodes = &hop.Nodes{Self: h.Self, Fleet: h.Fleet, Cluster: h.Cluster, Sign: h.sessions.SignRequest}
	h.links = share.NewLinks(h.ctx, h.Shells, h.Authority)
	h.live = live.New(live.Config{
		Self:         h.Self,
		Site:         h.site,
		Fleet:        h.Fleet,
		Shells:       h.Shells,
		Logs:         h.Logs,
		Stats:        h.Stats,
		Nodes:        h.nodes,
		Sessions:     h.sessions,
		Authority:    h.Authority,
		BuildLog:     h.BuildLog,
		OwnShells:    h.ownShells,
		LinksChanged: h.links.Changed,
		Log:          h.Log,
	})
	h.shares = share.New(h.live, h.links, h.Shares)
	h.alerts = alerts.New(alerts.Config{
		Self: h.Self, Shells: h.Shells, Authority: h.Authority, Send: h.Post, Log: h.Log,
		Sessions: h.sessions, Push: h.Push, Home: h.callHome,
	})
}

// Public serves the console, to browsers and scripts.
func (h *Handlers) Public() http.Handler { return h.publicRoutes() }

// Peer serves the other nodes of the cluster, which have proved that they hold the cookie.
func (h *Handlers) Peer() http.Handler { return h.peerRoutes() }

// Notify shows a notice to everyone who is logged in. Level is info, warn or error.
func (h *Handlers) Notify(level, text, hint string) { h.live.Notify(level, text, hint) }

// KeepLinks continues the share links of an earlier process of this node, and calls keep with all links, now and after
// each change until Close. Call it before serving.
func (h *Handlers) KeepLinks(earlier []byte, keep func([]byte)) error {
	err := h.links.Restore(earlier)
	h.links.Keep(keep)
	return err
}

// KeepAlerts continues the alerts of an earlier process of this node, and keeps all alerts for the next one. Call it
// before serving, and ResumeAlerts once the users' home nodes can be asked for their rights.
func (h *Handlers) KeepAlerts(earlier map[string][]byte, keeper alerts.Keeper) {
	h.alerts.Keep(h.ctx, earlier, keeper)
}

// ResumeAlerts calls users again for the alerts that KeepAlerts has continued.
func (h *Handlers) ResumeAlerts() { h.alerts.Resume() }

// Streams is the number of open event streams.
func (h *Handlers) Streams() int { return h.live.Open() }

// ShareGrants keeps the lists of logins of all nodes equal, until ctx ends.
func (h *Handlers) ShareGrants(ctx context.Context) { h.sessions.ShareGrants(ctx) }

// Close ends all open streams and transfers, and waits for everything that was started.
func (h *Handlers) Close() {
	h.cancel()
	h.live.Close()
	h.running.Wait()
	h.alerts.Wait()
	h.sessions.Close()
}

// GET /metrics
func (h *Handlers) showMetrics(w http.ResponseWriter, r *http.Request) error {
	h.Metrics.ServeHTTP(w, r)
	return nil
}
