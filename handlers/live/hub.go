// Package live shows nodes, shells and logs as they change: it keeps what other nodes report, and sends it to open
// pages as event streams, with the output of the shells that they follow.
package live

import (
	"context"
	"iter"
	"log/slog"
	"sync"

	"convoy/access"
	"convoy/fleet"
	"convoy/handlers/hop"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/logs"
	"convoy/pty"
	"convoy/stats"
	"convoy/templates"
)

// What one user, or all together, may use of this node at once (docs/security.md, Bounds).
const (
	maxStreams                    = 4096 // of logins
	streamsOfLogin, streamsOfUser = 64, 128
	maxFollows                    = 256 // shells on one stream
	maxAllFollows                 = 16 << 10
	followsOfUser                 = 1024
)

// Config is what a Hub works with.
type Config struct {
	Self      string // this node's name
	Site      *web.Site
	Fleet     *fleet.Fleet
	Shells    *pty.Table
	Logs      *logs.Ring
	Stats     *stats.Sampler
	Nodes     *hop.Nodes
	Sessions  *session.Manager
	Authority *access.Authority
	BuildLog  BuildLog // nil: none
	// OwnShells describes this node's shells, oldest first. LinksChanged is closed when their number of share links
	// changes.
	OwnShells    func() []templates.Shell
	LinksChanged func() <-chan struct{}
	Log          *slog.Logger
}

// BuildLog yields the lines of the log in which a provider creates a node, numbered from 0, until ctx ends.
type BuildLog func(ctx context.Context, node string) iter.Seq[logs.Line]

// Hub holds the open streams of a node, and what it knows of the others. It starts nothing before the first reader. Its
// methods may be called concurrently.
type Hub struct {
	Config
	Streams, Carriers, Follows session.Quota // of logins

	streams  streams
	carriers sync.Map // *carrier, by id
	feeds    *feeds
	pages    rendered
	outputs  outputs
	ctx      context.Context // ends with Close; streams and feeds live no longer
	cancel   context.CancelFunc
}

// New makes a Hub. Close it.
func New(cfg Config) *Hub {
	h := &Hub{
		Config:   cfg,
		Streams:  session.NewQuota("streams", maxStreams, maxStreams/16, streamsOfUser),
		Carriers: session.NewQuota("connections of pages", maxStreams, maxStreams/16, streamsOfUser),
		Follows:  session.NewQuota("followed shells", maxAllFollows, maxAllFollows/16, followsOfUser),
		streams:  streams{tabs: map[string]*tab{}},
	}
	h.Streams.PerLogin, h.Carriers.PerLogin = streamsOfLogin, streamsOfLogin
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.feeds = newFeeds(h.ctx, cfg.Fleet, h.feed, cfg.Log)
	h.feeds.builds = cfg.BuildLog != nil
	return h
}

// Close ends all streams, and waits for everything that the hub started.
func (h *Hub) Close() {
	h.cancel()
	h.streams.close()
	h.feeds.close()
}

// Notify shows a notice to everyone who is logged in. Level is info, warn or error.
func (h *Hub) Notify(level, text, hint string) {
	h.streams.notify(templates.Notice{Level: level, Text: text, Hint: hint})
}

// Open is the number of open streams.
func (h *Hub) Open() int { return h.streams.open() }

// KeepCurrent keeps what other nodes report up to date until release is called. If nothing is known yet, it waits a
// moment for the first reports, so that a page shows them at once.
func (h *Hub) KeepCurrent(ctx context.Context) (release func()) {
	return h.feeds.use(ctx)
}

// UntilClose is a context that ends with parent, or when the hub closes.
func (h *Hub) UntilClose(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	stop := context.AfterFunc(h.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}
