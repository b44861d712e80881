package live

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"convoy/handlers/chart"
	"convoy/stats"
	"convoy/templates"
)

// statsPause is between two events with statistics on one stream, so that those of many nodes become one event.
const statsPause = 5 * time.Second

// spark is what a node reported for its card. It is drawn once for all pages.
type spark struct {
	stats.Spark
	once sync.Once
	card cardStats
	err  error
}

// draw is what a page shows of a node.
func (s *spark) draw(h *Hub, name string) (cardStats, error) {
	s.once.Do(func() {
		view, id := chart.Sparks(s.Spark), templates.ElementID(name)
		var html []byte
		html, s.err = h.Site.Templates.Execute("sparks", view)
		s.card = cardStats{Node: name, ID: "sparks-" + id, HTML: string(html)}
		for _, c := range view.LiveCells() {
			s.card.Cells = append(s.card.Cells, liveCell{ID: c.Name + "-" + id, Value: c.Value, Text: fmt.Sprint(c.Shown)})
		}
	})
	return s.card, s.err
}

// sendSparks sends this node's statistics, and again when they have a new value.
func (h *Hub) sendSparks(ctx context.Context, send func(item) bool) {
	for {
		changed := h.Stats.Changed()
		now := h.Stats.Spark()
		if len(now.CPU) > 0 && !send(item{Stats: &now}) {
			return
		}
		ticks := stats.SparkTicks
		if len(now.CPU) < 2 { // a node that has just started
			ticks = 1
		}
		for range ticks {
			select {
			case <-changed:
				changed = h.Stats.Changed()
			case <-ctx.Done():
				return
			}
		}
	}
}

// sparkOf is what a node reported last; nil: nothing yet.
func (f *feeds) sparkOf(name string) *spark {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.nodes[name]; known != nil {
		return known.spark
	}
	return nil
}

// AddSparks adds what the nodes reported last to their cards. The list of nodes on a stream does not have it: it would
// be another list every few seconds.
func (h *Hub) AddSparks(nodes []templates.Node) {
	for i := range nodes {
		if s := h.feeds.sparkOf(nodes[i].Name); s != nil {
			nodes[i].Sparks = chart.Sparks(s.Spark)
		}
	}
}

// cardStats are the statistics of a card in an event.
type cardStats struct {
	Node  string       `json:"node"`
	ID    string       `json:"id,omitempty"`   // of the element, for pages
	HTML  string       `json:"html,omitempty"` // its content
	Cells []liveCell   `json:"cells,omitempty"`
	Stats *stats.Spark `json:"stats,omitempty"`
}

// liveCell is a cell of the node's row in the table.
type liveCell struct {
	ID    string `json:"id"`
	Value string `json:"value"` // by which the page sorts
	Text  string `json:"text"`
}

// sendStats sends the statistics of each node, and again when they have changed.
func (t *tab) sendStats() {
	sent := map[string]*spark{}
	for {
		changed := t.hub.feeds.sparks.Changed()
		var list []cardStats
		for _, name := range t.hub.feeds.names() {
			now := t.hub.feeds.sparkOf(name)
			if now == nil || sent[name] == now {
				continue
			}
			sent[name] = now
			one := cardStats{Node: name, Stats: &now.Spark}
			if !t.json {
				var err error
				if one, err = now.draw(t.hub, name); err != nil {
					t.hub.Log.Error("statistics not rendered", "err", err)
					return
				}
			}
			list = append(list, one)
		}
		if data, err := json.Marshal(list); err == nil && len(list) > 0 {
			t.send("stats", data)
		}
		select {
		case <-changed:
		case <-t.ctx.Done():
			return
		}
		if !t.pause(statsPause) {
			return
		}
	}
}
