// Package handlers is Convoy over HTTP: the console's pages, the commands and the event stream of docs/protocol.md,
// and the requests that nodes send one another.
//
// A handler decodes, makes one call and renders. Errors become statuses in one function, [Handlers.fail]. What
// concerns a shell is done by the node that owns it: [Handlers.onOwner] serves it here, or carries the request to its
// owner in one hop. Public serves people and scripts, Peer serves other nodes; Peer never forwards.
package handlers

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"convoy/access"
	"convoy/access/openid"
	"convoy/audit"
	"convoy/files"
	"convoy/fleet"
	"convoy/guide"
	"convoy/logs"
	"convoy/pty"
	"convoy/pty/cast"
	"convoy/templates"
)

// Cluster is what the handlers need of the cluster.
type Cluster interface {
	// Do sends r (path and query, header and body) to the node of that name. The caller closes the answer's body,
	// which may be a stream without end; it ends with r's context.
	Do(node string, r *http.Request) (*http.Response, error)
	// Call has a node, this one or another, carry out a function, and returns its result as JSON.
	Call(ctx context.Context, node, fn string, args ...any) (json.RawMessage, error)
	// Connect joins the node at name@host[:port] or host[:port].
	Connect(ctx context.Context, target string) error
}

// Config is what a node's HTTP side is made of.
type Config struct {
	Self       string            // this node's full name
	Version    string            // of the program
	Fleet      *fleet.Fleet      // the one list of nodes
	Shells     *pty.Table        // this node's shells
	Logs       *logs.Ring        // this node's log
	Cluster    Cluster           // the way to other nodes' shells and logs
	Token      string            // opens everything; at least 16 characters
	Keys       [][]byte          // sign sessions: the first signs, all are accepted
	Authority  *access.Authority // what anybody may do now; nil: whoever shows the token, and nobody else
	OpenID     *openid.Provider  // who else says who may log in; nil: nobody
	Audit      *audit.Log        // nil: what is done is not noted
	Statements [][]byte          // between nodes, of who asks; the first signs
	Shares     [][]byte          // sign share links, likewise
	Hosts      []string          // host names that the console is reached by, besides localhost and IP addresses
	HSTS       bool              // browsers shall come by TLS alone from now on (RFC 6797)
	Proxies    Proxies           // whose word on where a request comes from is believed
	Metrics    http.Handler      // of the program
	// Recordings are this node's, the same that Shells writes.
	Recordings cast.Dir
	// Shield tells what keeps this node's system shells from it: full, partial or none (docs/protocol.md).
	// nil: nothing is known.
	Shield func() string
	// Files puts files where shells are, and takes them; nil: as this process.
	Files files.Store
	// MaxUpload is the size of the largest file that goes to or from a shell's node, in bytes; 0: none does.
	MaxUpload int64
	// Prompt is this node's Convoy shell, and Commands its system shell.
	Prompt   Prompt
	Commands Commands
	// Runbooks is the directory of the user's runbooks; "": there is none.
	Runbooks string
	// BuildLog is what the provider knows of a node that has not joined yet; nil: nothing.
	BuildLog BuildLog
	Log      *slog.Logger
}

// BuildLog yields the lines of a node's making, numbered from 0, until ctx ends.
type BuildLog func(ctx context.Context, node string) iter.Seq[logs.Line]

// Handlers holds the routes and the open streams of one node.
type Handlers struct {
	Config
	set       *templates.Set
	guide     *guide.Guide
	runbooks  *guide.Runbooks
	login     *login
	tickets   *tickets
	shareKeys shareKeys
	links     *links
	refusals  *refusals
	bounds    bounds
	opening   sync.Mutex // held while a shell is opened
	streams   *streams
	feeds     *feeds
	pages     rendered
	telling   sync.WaitGroup // what other nodes are being told
	// writeWait is how long a client may take to accept one event before it is let go of.
	writeWait time.Duration
	bodyWait  time.Duration   // for the body of a request that is no file
	ctx       context.Context // ends with Close; streams and feeds live no longer
	cancel    context.CancelFunc
}

const (
	heartbeat = 15 * time.Second // between two hb events on a stream
	writeWait = 20 * time.Second // see Handlers.writeWait
	// streamLife is how long a stream lasts: proxies end responses after a quarter of an hour (Railway's does), and a
	// stream that ends by itself ends between two events. Its reader opens the next one where it stands.
	streamLife = 14 * time.Minute
)

// New makes the handlers. It starts nothing; the first open stream does.
func New(cfg Config) (*Handlers, error) {
	set, err := newTemplates()
	if err != nil {
		return nil, err
	}
	pages, err := guide.New()
	if err != nil {
		return nil, err
	}
	if cfg.Files == nil {
		cfg.Files = files.Local{}
	}
	if cfg.Authority == nil {
		grants, err := access.OpenGrants("", false)
		if err != nil {
			return nil, err
		}
		cfg.Authority = access.NewAuthority(access.AuthorityConfig{Self: cfg.Self, Grants: grants, Log: cfg.Log})
	}
	h := &Handlers{
		Config:    cfg,
		set:       set,
		guide:     pages,
		runbooks:  &guide.Runbooks{Dir: cfg.Runbooks},
		login:     newLogin(cfg.Token, cfg.Keys),
		tickets:   newTickets(cfg.Keys),
		shareKeys: cfg.Shares,
		streams:   newStreams(),
		writeWait: writeWait,
		bodyWait:  bodyWait,
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.bounds = newBounds()
	h.refusals = &refusals{write: h.append}
	h.links = newLinks(h.ctx, cfg.Shells, cfg.Authority)
	h.feeds = newFeeds(h.ctx, cfg.Fleet, h.feed, cfg.Log)
	h.feeds.builds = cfg.BuildLog != nil
	return h, nil
}

// GET /metrics
func (h *Handlers) showMetrics(w http.ResponseWriter, r *http.Request) error {
	h.Metrics.ServeHTTP(w, r)
	return nil
}

// Close ends all open streams and waits for everything that was started.
func (h *Handlers) Close() {
	h.cancel()
	h.telling.Wait()
	h.streams.close()
	h.feeds.close()
	h.refusals.close()
}

// Public serves the console: people's browsers and scripts.
func (h *Handlers) Public() http.Handler { return h.publicRoutes() }

// Notify tells everybody who looks something. Level is info, warn or error.
func (h *Handlers) Notify(level, text, hint string) {
	h.streams.notify(templates.Notice{Level: level, Text: text, Hint: hint})
}

// Streams is how many event streams are open.
func (h *Handlers) Streams() int { return h.streams.open() }

// Peer serves the other nodes of the cluster. Who reaches it has proved to hold the cookie.
func (h *Handlers) Peer() http.Handler { return h.peerRoutes() }
