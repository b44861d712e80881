package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"convoy/fleet"
	"convoy/handlers/chart"
	"convoy/handlers/hop"
	"convoy/handlers/web"
	"convoy/pty"
	"convoy/stats"
	"convoy/templates"
)

// statsRanges are the times that a page shows.
var statsRanges = []struct {
	name, label string
	span        time.Duration
}{
	{"15m", "15 min", 15 * time.Minute},
	{"1h", "1 h", time.Hour},
	{"6h", "6 h", 6 * time.Hour},
	{"24h", "24 h", stats.MaxSpan},
}

// statsQuery is what a request asks for.
type statsQuery struct {
	name   string // of the range
	span   time.Duration
	shells bool
}

func readStatsQuery(r *http.Request) (statsQuery, error) {
	query := r.URL.Query()
	q := statsQuery{name: cmp.Or(query.Get("range"), statsRanges[0].name), shells: query.Get("shells") != "0"}
	for _, one := range statsRanges {
		if one.name == q.name {
			q.span = one.span
			return q, nil
		}
	}
	return q, web.BadRequest("range must be 15m, 1h, 6h or 24h, not %q", q.name)
}

// GET /nodes/{node}/stats, from another node
func (h *Handlers) sendStats(w http.ResponseWriter, r *http.Request) error {
	q, err := readStatsQuery(r)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, h.Stats.Report(q.span, q.shells))
}

// GET /nodes/{node}/stats
func (h *Handlers) showStats(w http.ResponseWriter, r *http.Request) error {
	defer h.live.KeepCurrent(r.Context())()
	node, err := h.shownNode(r)
	if err != nil {
		return err
	}
	q, err := readStatsQuery(r)
	if err != nil {
		return err
	}
	report, silent, err := h.statsOrUsage(r.Context(), node, q)
	if !web.WantsHTML(r) {
		if err != nil {
			return err
		}
		return web.WriteJSON(w, http.StatusOK, report)
	}
	view := h.statsPage(r, q, "/nodes/"+node.Name+"/stats")
	view.Of, view.Title = h.live.NodeView(node), "Statistics of "+templates.ShortName(node.Host)
	if err != nil {
		view.Error = web.Sentence(h.site.Explain(err).Text)
		return h.site.Render(w, http.StatusOK, "stats", view)
	}
	if silent != nil {
		view.Error = web.Sentence(h.site.Explain(silent).Text)
		view.Scope, view.Newest = usageText(report)
		view.Charts = usageCharts(report, q.span)
		return h.site.Render(w, http.StatusOK, "stats", view)
	}
	view.Scope = scopeText(report)
	view.Charts = nodeCharts(report, q.span, view.Of.Shells)
	return h.site.Render(w, http.StatusOK, "stats", view)
}

// statsOrUsage is the report of a node. If the node does not answer, it is what its provider measured, and own is
// the node's error.
func (h *Handlers) statsOrUsage(ctx context.Context, node fleet.Node, q statsQuery) (r stats.Report, own, err error) {
	asking, cancel := context.WithTimeout(ctx, detailsWait)
	r, err = h.statsOf(asking, node, q)
	cancel()
	if err == nil {
		return r, nil, nil
	}
	asking, cancel = context.WithTimeout(ctx, usageWait)
	defer cancel()
	usage := h.usageOf(asking, node.Name, q)
	switch {
	case usage.Stats != nil:
		return *usage.Stats, err, nil
	case usage.Error != "":
		e := h.site.Explain(err)
		return r, nil, web.NewError(e.Status, e.Text+"; "+usage.Error, e.Hint)
	}
	return r, nil, err
}

// statsOf is the report of a node, this one or another.
func (h *Handlers) statsOf(ctx context.Context, node fleet.Node, q statsQuery) (report stats.Report, err error) {
	if node.Name == h.Self {
		return h.Stats.Report(q.span, q.shells), nil
	}
	path := "/stats?range=" + q.name
	if !q.shells {
		path += "&shells=0"
	}
	err = h.nodes.GetJSON(ctx, node.Name, path, &report)
	switch {
	case errors.Is(err, pty.ErrNotFound):
		return report, web.NewError(http.StatusNotImplemented,
			fmt.Sprintf("%s has a version without statistics", templates.ShortName(node.Host)), "update it")
	case err != nil:
		return report, hop.Unreachable(node.Name, err)
	}
	return report, nil
}

func (h *Handlers) statsPage(r *http.Request, q statsQuery, path string) templates.Stats {
	view := templates.Stats{Page: h.page(r, "Statistics"), Path: path, Range: q.name}
	for _, one := range statsRanges {
		view.Ranges = append(view.Ranges, templates.StatsRange{Name: one.name, Label: one.label, Current: one.name == q.name})
	}
	return view
}

// GET /stats
func (h *Handlers) showAllStats(w http.ResponseWriter, r *http.Request) error {
	defer h.live.KeepCurrent(r.Context())()
	q, err := readStatsQuery(r)
	if err != nil {
		return err
	}
	q.shells = false
	ctx, cancel := context.WithTimeout(r.Context(), listWait)
	defer cancel()
	all := h.allStats(ctx, q)
	if !web.WantsHTML(r) {
		return web.WriteJSON(w, http.StatusOK, all)
	}
	view := h.statsPage(r, q, "/stats")
	for _, one := range all {
		if one.Error != "" {
			view.Silent = append(view.Silent, templates.Silent{Node: one.Node, Error: one.Error})
		}
	}
	view.Charts = fleetCharts(all, q.span)
	return h.site.Render(w, http.StatusOK, "stats", view)
}

// nodeStats is what a node answers, or why it does not.
type nodeStats struct {
	Node  string        `json:"node"`
	Stats *stats.Report `json:"stats"`
	Error string        `json:"error,omitempty"`
}

// allStats asks all nodes that have joined.
func (h *Handlers) allStats(ctx context.Context, q statsQuery) []nodeStats {
	nodes := slices.DeleteFunc(slices.Clone(h.live.Overview().Nodes), func(n fleet.Node) bool {
		return n.Status != fleet.Alive && n.Status != fleet.Unreachable
	})
	all := make([]nodeStats, len(nodes))
	var asking sync.WaitGroup
	for i, node := range nodes {
		all[i].Node = node.Name
		if node.Status != fleet.Alive {
			all[i].Error = "it is unreachable"
			continue
		}
		asking.Go(func() {
			report, err := h.statsOf(ctx, node, q)
			if err != nil {
				all[i].Error = h.site.Explain(err).Text
				return
			}
			all[i].Stats = &report
		})
	}
	asking.Wait()
	return all
}

// scopeText describes what a report is about.
func scopeText(r stats.Report) string {
	about := "the machine"
	if r.Scope == "container" {
		about = "the container"
	}
	text := "CPU, memory and disk are those of " + about
	if r.Shared && r.Scope == "machine" {
		text += ", which other nodes share"
	}
	if r.Limits.CPU > 0 && r.Limits.Memory > 0 {
		text += ": " + chart.Cores.Text(r.Limits.CPU) + ", " + chart.Bytes.Text(r.Limits.Memory)
	}
	return text + "."
}
