package live

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"sync"

	"convoy/handlers/web"
	"convoy/logs"
)

// tailLines is how many lines of a log a new reader gets.
const tailLines = 200

// feed is a node's news: this node's own, or what another sends.
func (h *Hub) feed(ctx context.Context, node, boot string, from int64) iter.Seq2[item, error] {
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

// buildBoot is the boot of a log from the node's provider.
const buildBoot = "build"

// buildFeed is the news of a node that has not joined yet: the log in which its provider creates it.
func (h *Hub) buildFeed(ctx context.Context, node string, from int64) iter.Seq2[item, error] {
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

// ownFeed merges the news of this node's shells, its log and, on the control plane, the fleet. One goroutine for each
// waits for news, until ctx or the sequence ends.
func (h *Hub) ownFeed(parent context.Context, boot string, from int64) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		ctx, cancel := context.WithCancel(parent)
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		news := make(chan item)
		send := func(i item) bool {
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
		group.Go(func() { h.sendShells(ctx, send) })
		group.Go(func() { h.sendSparks(ctx, send) })
		if h.Fleet.Provider() != "" {
			group.Go(func() { h.sendFleet(ctx, send) })
		}
		group.Go(func() {
			for lines := range h.Logs.Follow(ctx, from) {
				if !send(item{Boot: h.Logs.Boot(), Lines: lines, Next: lines[len(lines)-1].Off + 1}) {
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

func (h *Hub) sendShells(ctx context.Context, send func(item) bool) {
	for {
		changed, links := h.Shells.Changed(), h.LinksChanged()
		shells := h.OwnShells()
		if !send(item{Shells: &shells}) {
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

func (h *Hub) sendFleet(ctx context.Context, send func(item) bool) {
	for {
		changed := h.Fleet.Changed()
		own := h.ownOverview()
		if !send(item{Fleet: &own}) {
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
func (h *Hub) remoteFeed(ctx context.Context, node, boot string, from int64) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		response, err := h.Nodes.Get(ctx, node, fmt.Sprintf("/feed?boot=%s&from=%d", url.QueryEscape(boot), from))
		if err != nil {
			yield(item{}, err)
			return
		}
		defer response.Body.Close()
		in := json.NewDecoder(response.Body)
		for {
			var news item
			err := in.Decode(&news)
			if !yield(news, err) || err != nil {
				return
			}
		}
	}
}

// ServeFeed handles GET /nodes/{node}/feed, from another node.
func (h *Hub) ServeFeed(w http.ResponseWriter, r *http.Request) error {
	from, err := web.Number(r, "from", -1)
	if err != nil {
		return err
	}
	ctx, cancel := h.UntilClose(r.Context())
	defer cancel()
	out, encode := http.NewResponseController(w), json.NewEncoder(w)
	for news := range h.ownFeed(ctx, r.URL.Query().Get("boot"), from) {
		if encode.Encode(news) != nil || out.Flush() != nil {
			return nil
		}
	}
	return nil
}

// sendLogs sends the new lines of each node's log, from the places in the stream's query on.
func (t *tab) sendLogs(places map[string]place) {
	for {
		changed := t.hub.feeds.lines.Changed()
		for _, name := range t.hub.feeds.names() {
			from := places[name]
			lines, now := t.hub.feeds.since(name, from)
			places[name] = now
			if len(lines) == 0 {
				continue
			}
			if err := t.sendLines(name, from, now, lines); err != nil {
				t.hub.Log.Error("log not rendered", "err", err)
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
