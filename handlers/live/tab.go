package live

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"convoy/access"
	"convoy/assets"
	"convoy/handlers/session"
	"convoy/logs"
	"convoy/pty"
	"convoy/templates"
)

const (
	heartbeat = 15 * time.Second // between two hb events on a stream
	// streamLife is how long a stream lasts. Proxies end responses after a quarter of an hour (Railway's does). A stream
	// that ends earlier ends between two events, and its reader opens the next one at that place.
	streamLife = 14 * time.Minute

	nodesPause = 40 * time.Millisecond  // between two lists of nodes on one stream
	nodePause  = time.Millisecond       // longer for each node: what a list costs grows with them
	logPause   = 100 * time.Millisecond // between two batches of log lines
	lostPause  = 500 * time.Millisecond // between two attempts to reach a lost shell
	lastWait   = time.Second            // between a link's last event and the end of its streams
	window     = 256 << 10
)

// Stream is who opens a stream, and how.
type Stream struct {
	Query Query
	// Output follows a shell. An error ends it; without one it ends with the shell or with ctx.
	Output func(ctx context.Context, s At, viewer pty.Viewer) iter.Seq2[pty.Event, error]
	// Take counts the stream until release is called.
	Take func() (release func(), err error)
	// Guest is a stream without a login. It gets no notices, and ends with its shell.
	Guest bool
}

// tab is one open stream: what a page, or a script, shows.
type tab struct {
	Stream
	hub     *Hub
	id      string
	login   session.Session // that opened it
	json    bool            // JSON where a page gets HTML
	ctx     context.Context
	drop    context.CancelFunc // ends the stream: its reader reads or draws nothing
	send    publish
	notices chan templates.Notice
	group   sync.WaitGroup

	mu      sync.Mutex
	follows map[string]*follow // by At.Key
	ready   bool               // ctx and send are set
}

// OpenStream handles GET /stream, and POST /stream, whose events go to a carrier.
func (h *Hub) OpenStream(w http.ResponseWriter, r *http.Request) error {
	query, err := h.ReadQuery(r)
	if err != nil {
		return err
	}
	take := func() (func(), error) {
		release, err := session.Acquire(r, h.Streams)
		if err != nil {
			return nil, err
		}
		unused := h.KeepCurrent(r.Context())
		return func() { unused(); release() }, nil
	}
	return h.Serve(w, r, Stream{Query: query, Output: h.output, Take: take})
}

// Serve handles a GET with a stream as its response, and puts that of a POST on the carrier that the request names.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, s Stream) error {
	if r.Method == http.MethodPost {
		return h.carry(w, r, s)
	}
	ctx, cancel := h.UntilClose(r.Context())
	defer cancel()
	t, end, err := h.open(r, s, cancel)
	if err != nil {
		return err
	}
	defer end()
	h.serveEvents(ctx, w, r, t.run)
	return nil
}

// open makes a tab, and counts it until end is called. The tab calls drop to end its stream.
func (h *Hub) open(r *http.Request, s Stream, drop context.CancelFunc) (t *tab, end func(), err error) {
	t = &tab{
		Stream:  s,
		hub:     h,
		id:      strings.ToLower(rand.Text()[:20]),
		login:   session.Of(r),
		json:    strings.Contains(r.Header.Get("Accept"), "application/json"),
		drop:    drop,
		notices: make(chan templates.Notice, 16),
		follows: map[string]*follow{},
	}
	release, err := s.Take()
	if err != nil {
		return nil, nil, err
	}
	if err := h.streams.add(t); err != nil {
		release()
		return nil, nil, err
	}
	unwatch := func() {}
	if !s.Guest {
		// What a stream shows depends on the role that its reader had when it was opened. With another role it is another
		// stream, which the reader opens at the same place.
		unwatch = h.Authority.Watch(t.login.Identity, t.login.Role, func(access.Role) { drop() })
	}
	return t, func() { unwatch(); h.streams.remove(t); release() }, nil
}

// run sends everything until ctx ends, and waits for what it started.
func (t *tab) run(ctx context.Context, send publish) {
	ctx, cancel := context.WithCancel(ctx)
	t.start(ctx, send)
	defer t.group.Wait()
	defer cancel()
	defer t.finish()
	t.sendJSON("hello", map[string]any{
		"stream":    t.id,
		"node":      t.hub.Self,
		"build":     assets.Build(),
		"window":    window,
		"heartbeat": int(heartbeat / time.Second),
	})
	if t.Query.Nodes {
		t.group.Go(t.sendNodes)
		t.group.Go(t.sendStats)
	}
	for _, s := range t.Query.Shells {
		if err := t.follow(s); err != nil {
			t.sendJSON("gone", map[string]any{"shell": s.Key(), "error": t.hub.Site.Explain(err).Text})
		}
	}
	if t.Query.Log {
		t.group.Go(func() { t.sendLogs(t.Query.places) })
	}
	keepOpen(ctx, send, t.notices)
}

// keepOpen sends heartbeats and notices until ctx or the life of a stream ends.
func keepOpen(ctx context.Context, send publish, notices <-chan templates.Notice) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	end := time.After(streamLife)
	for {
		select {
		case <-end:
			return
		case n := <-notices:
			send.json("notice", map[string]any{"level": n.Level, "text": n.Text, "hint": n.Hint})
		case now := <-beat.C:
			send("hb", strconv.AppendInt(nil, now.UnixMilli(), 10))
		case <-ctx.Done():
			return
		}
	}
}

func (t *tab) start(ctx context.Context, send publish) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ctx, t.send, t.ready = ctx, send, true
}

// finish refuses further follows.
func (t *tab) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ready = false
}

// sendLines sends lines of a node's log, from one place to another, as HTML or as JSON.
func (t *tab) sendLines(name string, from, to place, lines []logs.Line) error {
	event := map[string]any{"node": name, "boot": to.boot, "next": to.next}
	if t.json {
		event["lines"] = lines
		t.sendJSON("log", event)
		return nil
	}
	data, err := t.hub.pages.lines(name, from, to, func() ([]byte, error) {
		html, err := t.hub.Site.Templates.Execute("log_lines", logView(name, to.boot, lines))
		if err != nil {
			return nil, err
		}
		event["html"] = string(html)
		return json.Marshal(event)
	})
	if err == nil {
		t.send("log", data)
	}
	return err
}

// notify queues a notice. It drops the notice if the reader is too slow, and never waits.
func (t *tab) notify(n templates.Notice) {
	select {
	case t.notices <- n:
	default:
	}
}

func (t *tab) sendJSON(name string, v any) { t.send.json(name, v) }

// pause waits so that a burst of changes becomes one event; false if the stream has ended.
func (t *tab) pause(d time.Duration) bool { return sleep(t.ctx, d) }
