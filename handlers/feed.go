package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"sync"

	"convoy/logs"
)

// tailLines is how much of a log a reader gets that asks for no place in it.
const tailLines = 200

// feed is a node's news: this one's own, or what another sends.
func (h *Handlers) feed(ctx context.Context, node, boot string, from int64) iter.Seq2[item, error] {
	if node == h.Self {
		return h.ownFeed(ctx, boot, from)
	}
	if h.BuildLog != nil && (boot == "" || boot == buildBoot) {
		if known, err := h.Fleet.Find(node); err == nil && known.Status.Pending() {
			return h.buildFeed(ctx, node, from)
		}
	}
	return h.remoteFeed(ctx, node, boot, from)
}

// buildBoot is the boot of a log that is not the node's own.
const buildBoot = "build"

// buildFeed is the news of a node that cannot speak for itself yet: what its provider logs of its making. A node that
// has spoken is not asked about again: what it said would come twice.
func (h *Handlers) buildFeed(ctx context.Context, node string, from int64) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for line := range h.BuildLog(ctx, node) {
			if line.Off < from {
				continue
			}
			if !yield(item{Boot: buildBoot, Lines: []logs.Line{line}, Next: line.Off + 1}, nil) {
				return
			}
		}
	}
}

// ownFeed joins this node's shells, its log, and on the control plane the fleet into one sequence. A goroutine for each
// waits for news, and ends with it.
func (h *Handlers) ownFeed(parent context.Context, boot string, from int64) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		ctx, cancel := context.WithCancel(parent)
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		news := make(chan item)
		tell := func(i item) bool {
			select {
			case news <- i:
				return true
			case <-ctx.Done():
				return false
			}
		}
		if boot != h.Logs.Boot() {
			from = -1
		}
		group.Go(func() { h.tellShells(ctx, tell) })
		if h.Fleet.Provider() != "" {
			group.Go(func() { h.tellFleet(ctx, tell) })
		}
		group.Go(func() {
			for lines := range h.Logs.Follow(ctx, from) {
				if !tell(item{Boot: h.Logs.Boot(), Lines: lines, Next: lines[len(lines)-1].Off + 1}) {
					return
				}
			}
		})
		for {
			select {
			case i := <-news:
				if !yield(i, nil) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func (h *Handlers) tellShells(ctx context.Context, tell func(item) bool) {
	for {
		changed, links := h.Shells.Changed(), h.links.changes.changed()
		shells := h.ownShells()
		if !tell(item{Shells: &shells}) {
			return
		}
		select {
		case <-changed:
		case <-links:
		case <-ctx.Done():
			return
		}
	}
}

func (h *Handlers) tellFleet(ctx context.Context, tell func(item) bool) {
	for {
		changed := h.Fleet.Changed()
		own := h.ownOverview()
		if !tell(item{Fleet: &own}) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// remoteFeed reads another node's feed: one JSON item a line.
func (h *Handlers) remoteFeed(ctx context.Context, node, boot string, from int64) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		path := fmt.Sprintf("/nodes/%s/feed?boot=%s&from=%d", url.PathEscape(node), url.QueryEscape(boot), from)
		answer, err := h.ask(ctx, node, path)
		if err != nil {
			yield(item{}, err)
			return
		}
		defer answer.Body.Close()
		in := json.NewDecoder(answer.Body)
		for {
			var news item
			err := in.Decode(&news)
			if !yield(news, err) || err != nil {
				return
			}
		}
	}
}

// GET /nodes/{node}/feed, from another node.
func (h *Handlers) serveFeed(w http.ResponseWriter, r *http.Request) error {
	from, err := number(r, "from", -1)
	if err != nil {
		return err
	}
	ctx, cancel := h.untilClose(r.Context())
	defer cancel()
	out, encode := http.NewResponseController(w), json.NewEncoder(w)
	for news := range h.ownFeed(ctx, r.URL.Query().Get("boot"), from) {
		if encode.Encode(news) != nil || out.Flush() != nil {
			return nil
		}
	}
	return nil
}

// logPage is an answer to GET /nodes/{node}/log.
type logPage struct {
	Boot  string      `json:"boot"`
	Next  int64       `json:"next"`
	Lines []logs.Line `json:"lines"`
}

// GET /nodes/{node}/log
func (h *Handlers) showLog(w http.ResponseWriter, r *http.Request) error {
	from := int64(-1) // the last lines
	if r.URL.Query().Has("from") {
		var err error
		if from, err = number(r, "from", 0); err != nil {
			return err
		}
	}
	page := logPage{Boot: h.Logs.Boot(), Lines: []logs.Line{}}
	lines, next := h.Logs.From(from)
	page.Lines, page.Next = append(page.Lines, lines...), next
	return writeJSON(w, http.StatusOK, page)
}

// sendLogs keeps a stream's logs at their ends: for each node a batch of what is new, from the places that the
// stream's opener named.
func (t *tab) sendLogs(places map[string]place) {
	for {
		changed := t.h.feeds.lines.changed()
		for _, name := range t.h.feeds.names() {
			from := places[name]
			lines, now := t.h.feeds.since(name, from)
			places[name] = now
			if len(lines) == 0 {
				continue
			}
			if err := t.sendLines(name, from, now, lines); err != nil {
				t.h.Log.Error("log not rendered", "err", err)
				return
			}
		}
		select {
		case <-changed:
		case <-t.ctx.Done():
			return
		}
		if !t.pause(logPause) {
			return
		}
	}
}
