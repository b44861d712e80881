package handlers

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"convoy/access"
	"convoy/assets"
	"convoy/logs"
	"convoy/pty"
	"convoy/templates"
)

const (
	nodesPause = 40 * time.Millisecond  // between two lists of nodes on one stream
	logPause   = 100 * time.Millisecond // between two batches of log lines
	lostPause  = 500 * time.Millisecond // between two tries to reach a lost shell
	lastWait   = time.Second            // between a link's last event and the end of its streams
	window     = 256 << 10
)

// tab is one open stream: what one page, or one script, is being shown.
type tab struct {
	h       *Handlers
	id      string
	viewer  pty.Viewer
	login   session // whose it is
	share   *share  // the link that it is opened by; nil: by a login
	json    bool    // JSON where a page gets HTML
	ctx     context.Context
	letGo   context.CancelFunc // ends the stream: its reader reads or draws nothing
	send    publish
	notices chan templates.Notice
	group   sync.WaitGroup

	mu      sync.Mutex
	follows map[string]*follow // by NODE/SHELL
	ready   bool               // ctx and send are set
}

// GET /stream
func (h *Handlers) openStream(w http.ResponseWriter, r *http.Request) error {
	open, err := h.readOpening(r)
	if err != nil {
		return err
	}
	release := h.feeds.use(r.Context())
	defer release()
	return h.serveTab(w, r, h.newTab(r, open), open)
}

func (h *Handlers) newTab(r *http.Request, open opening) *tab {
	return &tab{
		h:       h,
		id:      strings.ToLower(rand.Text()[:20]),
		viewer:  open.viewer,
		login:   sessionOf(r),
		follows: map[string]*follow{},
		notices: make(chan templates.Notice, 16),
		json:    strings.Contains(r.Header.Get("Accept"), "application/json"),
	}
}

// serveTab answers with the tab's stream.
func (h *Handlers) serveTab(w http.ResponseWriter, r *http.Request, t *tab, open opening) error {
	ctx, cancel := h.untilClose(r.Context())
	defer cancel()
	t.letGo = cancel
	release, err := h.takeStream(t)
	if err != nil {
		return err
	}
	defer release()
	if err := h.streams.add(t); err != nil {
		return err
	}
	defer h.streams.remove(t)
	if t.share == nil {
		// What a stream shows goes by the role that its reader had when it was opened: with another role it is another
		// stream, which the reader opens where this one stood.
		defer h.Authority.Watch(t.login.Identity, t.login.Role, func(access.Role) { cancel() })()
	}
	h.serveEvents(ctx, w, r, func(ctx context.Context, send publish) { t.run(ctx, send, open) })
	return nil
}

// run sends everything until ctx ends, and waits for what it began.
func (t *tab) run(ctx context.Context, send publish, open opening) {
	t.start(ctx, send)
	defer t.group.Wait()
	defer t.finish()
	t.sendJSON(
		"hello",
		map[string]any{
			"stream":    t.id,
			"node":      t.h.Self,
			"build":     assets.Build(),
			"window":    window,
			"heartbeat": int(heartbeat / time.Second),
		},
	)
	if open.nodes {
		t.group.Go(t.sendNodes)
	}
	for _, s := range open.shells {
		if err := t.follow(s); err != nil {
			t.sendJSON("gone", map[string]any{"shell": s.node + "/" + s.shell, "error": problemOf(err).Text})
		}
	}
	if open.log {
		t.group.Go(func() { t.sendLogs(open.places) })
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	end := time.NewTimer(streamLife)
	defer end.Stop()
	for {
		select {
		case <-end.C:
			return
		case n := <-t.notices:
			t.sendJSON("notice", map[string]any{"level": n.Level, "text": n.Text, "hint": n.Hint})
		case now := <-beat.C:
			t.send("hb", strconv.AppendInt(nil, now.UnixMilli(), 10))
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

// finish lets no more follows begin.
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
	data, err := t.h.pages.lines(name, from, to, func() ([]byte, error) {
		html, err := t.h.set.Execute("log_lines", logView(name, to.boot, lines))
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

// notify has a notice sent to the stream's reader, when it has taken what came before. One that cannot be sent in time
// is left out: nobody waits for a slow reader.
func (t *tab) notify(n templates.Notice) {
	select {
	case t.notices <- n:
	default:
	}
}

func (t *tab) sendJSON(name string, v any) {
	if _, data, err := eventJSON(name, v); err == nil {
		t.send(name, data)
	}
}

func eventJSON(name string, v any) (string, []byte, error) {
	data, err := json.Marshal(v)
	return name, data, err
}

// pause waits so that a burst of changes becomes one event; false if the stream ended.
func (t *tab) pause(d time.Duration) bool { return sleep(t.ctx, d) }
