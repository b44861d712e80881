package handlers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"
	"unicode"
	"unicode/utf8"

	"convoy/fleet"
	"convoy/handlers/chart"
	"convoy/handlers/web"
	"convoy/stats"
	"convoy/templates"
)

// usageWait bounds the wait for a provider's measurements.
const usageWait = 5 * time.Second

// GET /nodes/{node}/usage?of=NODE, from another node: what this node's provider measured
func (h *Handlers) sendUsage(w http.ResponseWriter, r *http.Request) error {
	q, err := readStatsQuery(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), usageWait)
	defer cancel()
	return web.WriteJSON(w, http.StatusOK, h.measured(ctx, r.URL.Query().Get("of"), q))
}

// usageOf is what the provider of a node measured, or why it cannot; neither, if no provider measures the node.
func (h *Handlers) usageOf(ctx context.Context, node string, q statsQuery) (answer nodeStats) {
	control := h.controlName()
	if control == h.Self {
		return h.measured(ctx, node, q)
	}
	path := "/usage?" + url.Values{"of": {node}, "range": {q.name}}.Encode()
	if err := h.nodes.GetJSON(ctx, control, path, &answer); err != nil {
		h.Log.Debug("no usage from the control plane", "node", node, "err", err)
		return nodeStats{}
	}
	return answer
}

// measured is what this node's provider measured.
func (h *Handlers) measured(ctx context.Context, node string, q statsQuery) nodeStats {
	answer := nodeStats{Node: node}
	usage, err := h.Fleet.Usage(ctx, node, q.span)
	switch {
	case errors.Is(err, fleet.ErrNoProvider):
	case err != nil:
		answer.Error = h.site.Explain(err).Text
	default:
		answer.Stats = usageReport(h.Fleet.Provider(), usage)
	}
	return answer
}

// usageReport is a provider's measurement as a report.
func usageReport(provider string, u fleet.Usage) *stats.Report {
	r := &stats.Report{
		At:     u.At,
		Step:   int(u.Step / time.Second),
		From:   provider,
		Scope:  "container",
		Limits: stats.Limits{CPU: u.CPULimit, Memory: u.MemoryLimit},
		Latest: map[string]float64{},
		Series: map[string]stats.Values{
			"cpu": u.CPU, "memory": u.Memory, "public_in": u.Received, "public_out": u.Sent,
		},
	}
	for name, values := range r.Series {
		if i := newest(values); i >= 0 {
			r.Latest[name] = float64(values[i])
		}
	}
	return r
}

// newest is the index of the newest known value, -1 without any.
func newest(values stats.Values) int {
	for i := len(values) - 1; i >= 0; i-- {
		if !math.IsNaN(float64(values[i])) {
			return i
		}
	}
	return -1
}

// usageCharts are the charts of what a provider measured.
func usageCharts(r stats.Report, span time.Duration) []templates.Chart {
	from, step := ", from "+providerTitle(r.From), fmt.Sprintf("%d s", r.Step)
	if r.Step >= 60 {
		step = fmt.Sprintf("%d min", r.Step/60)
	}
	draw := func(id, title string, unit chart.Unit, limit float64, lines ...chart.Line) templates.Chart {
		o := chart.Options{
			ID: id, Title: title + from, Unit: unit, Limit: limit, Span: span, Step: time.Duration(r.Step) * time.Second,
			Lines: lines,
		}
		if newest(lines[0].Values) < 0 && newest(lines[len(lines)-1].Values) < 0 {
			o.Missing = providerTitle(r.From) + " has no values of this time."
		}
		return chart.New(o)
	}
	line := func(name, series string, hue int) chart.Line {
		return chart.Line{Name: name, Values: r.Series[series], Hue: hue}
	}
	return []templates.Chart{
		draw("cpu", "CPU", chart.Cores, r.Limits.CPU, line("Container", "cpu", 0)),
		draw("memory", "Memory", chart.Bytes, r.Limits.Memory, line("Container", "memory", 0)),
		draw("public", "Public network, per "+step, chart.Bytes, 0, line("Received", "public_in", 0),
			line("Sent", "public_out", 4)),
	}
}

// usageText describes whose values they are, and the newest ones with their time.
func usageText(r stats.Report) (text string, at time.Time) {
	text = "All values are from " + providerTitle(r.From) + ", which measures the container from outside."
	i := newest(r.Series["cpu"])
	if i < 0 {
		return text, at
	}
	behind := len(r.Series["cpu"]) - 1 - i
	text += " The newest ones are " + chart.Cores.Text(r.Latest["cpu"])
	if memory, ok := r.Latest["memory"]; ok {
		text += " and " + chart.Bytes.Text(memory)
	}
	return text, r.At.Add(-time.Duration(behind*r.Step) * time.Second)
}

// providerTitle is a provider's kind as a name.
func providerTitle(kind string) string {
	if kind == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(kind)
	return string(unicode.ToUpper(first)) + kind[size:]
}
