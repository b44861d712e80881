package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"convoy/fleet"
	"convoy/templates"
)

// detailsWait bounds the wait for a node's report.
const detailsWait = 3 * time.Second

// report is what the function node.info returns (docs/protocol.md).
type report struct {
	Instance   string    `json:"instance"`
	Version    string    `json:"version"`
	Go         string    `json:"go"`
	Platform   string    `json:"platform"`
	Gossip     string    `json:"gossip"`
	Calls      string    `json:"calls"`
	Started    time.Time `json:"started"`
	Goroutines int       `json:"goroutines"`
	Memory     uint64    `json:"memory"`
	CPUs       int       `json:"cpus"`
	CPUTime    float64   `json:"cpu_seconds"`
	Members    []struct {
		Name     string    `json:"name"`
		Instance string    `json:"instance"`
		Addr     string    `json:"addr"`
		State    string    `json:"state"`
		Error    string    `json:"error"`
		Seen     time.Time `json:"seen"`
		Called   time.Time `json:"called"`
	} `json:"members"`
	DNS struct {
		Query   string    `json:"query"`
		At      time.Time `json:"at"`
		Took    float64   `json:"took"`
		Outcome string    `json:"outcome"`
		Answers []string  `json:"answers"`
	} `json:"dns"`
}

// GET /nodes/{node}, for a browser: the node's report about itself.
func (h *Handlers) showDetails(w http.ResponseWriter, r *http.Request, n fleet.Node) error {
	view := templates.Details{Page: h.page(r, templates.ShortName(n.Host)), Node: h.live.NodeView(n)}
	ctx, cancel := context.WithTimeout(r.Context(), detailsWait)
	defer cancel()
	result, err := h.Cluster.Call(ctx, n.Name, "node.info")
	var about report
	if err == nil {
		err = json.Unmarshal(result, &about)
	}
	if err != nil {
		view.Error = "It does not answer: " + err.Error()
		return h.site.Render(w, http.StatusOK, "details", view)
	}
	about.fill(&view, len(h.live.ShellsOf(n.Name)))
	h.call(ctx, n.Name, "shell.protections", &view.Protections)
	h.call(ctx, n.Name, "shell.confinement", &view.Shield)
	return h.site.Render(w, http.StatusOK, "details", view)
}

// call calls a function of a node; an error leaves into as it is.
func (h *Handlers) call(ctx context.Context, node, fn string, into any) {
	result, err := h.Cluster.Call(ctx, node, fn)
	if err == nil {
		err = json.Unmarshal(result, into)
	}
	if err != nil {
		h.Log.Debug("call failed", "node", node, "fn", fn, "err", err)
	}
}

// fill describes the report on the page.
func (s report) fill(view *templates.Details, shells int) {
	view.Facts = []templates.Fact{
		{Name: "Version", Value: s.Version + ", " + s.Go + ", " + s.Platform},
		{Name: "Instance", Value: s.Instance},
		{Name: "Gossip, UDP and TCP", Value: s.Gossip},
		{Name: "Calls and streams, TCP", Value: s.Calls},
		{Name: "Started", At: s.Started},
		{Name: "Memory", Value: fmt.Sprintf("%.1f MiB", float64(s.Memory)/(1<<20))},
		{Name: "Processor", Value: fmt.Sprintf("%.2f s since the start, on %d cores", s.CPUTime, s.CPUs)},
		{Name: "Goroutines", Value: strconv.Itoa(s.Goroutines)},
		{Name: "Shells", Value: strconv.Itoa(shells)},
	}
	for _, m := range s.Members {
		view.Members = append(view.Members, templates.Sighting{
			Name: m.Name, Instance: m.Instance, Address: m.Addr, State: m.State, Error: m.Error, Seen: m.Seen,
			Called: m.Called,
		})
	}
	view.Lookup = templates.Lookup{Query: s.DNS.Query, Outcome: s.DNS.Outcome, At: s.DNS.At, Answers: s.DNS.Answers,
		Took: seconds(s.DNS.Took, time.Microsecond)}
}

// seconds is a number of seconds in words.
func seconds(s float64, precision time.Duration) string {
	return time.Duration(s * float64(time.Second)).Round(precision).String()
}
