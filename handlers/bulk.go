package handlers

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"convoy/guide"
	"convoy/handlers/web"
	"convoy/templates"
)

const (
	maxEach     = 500 // nodes of one request
	eachAtOnce  = 16  // of them that are asked at the same time
	maxEachForm = 64 << 10
	namedEach   = 5 // refusals that a notice names
)

// eachResult is what one of several nodes answered, as docs/protocol.md describes it.
type eachResult struct {
	Node   string `json:"node"`
	Status int    `json:"status"`
	Error  string `json:"error,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

// POST /shells: a new shell on each of several nodes.
func (h *Handlers) openShells(w http.ResponseWriter, r *http.Request) error {
	return h.onEach(w, r, h.openRoute(), "/shells", "A shell opens on")
}

// DELETE /nodes: retires several nodes.
func (h *Handlers) retireNodes(w http.ResponseWriter, r *http.Request) error {
	return h.onEach(w, r, h.retireRoute(), "", "Retiring")
}

// onEach makes a route's request to each node of a form: with its right, its hop, and its entry in the audit log. did
// describes those that worked, before their number.
func (h *Handlers) onEach(w http.ResponseWriter, r *http.Request, rt route, path, did string) error {
	nodes, err := chosenNodes(w, r)
	if err != nil {
		return err
	}
	defer h.live.KeepCurrent(r.Context())()
	var body any
	if kind := r.Form.Get("kind"); kind != "" {
		body = map[string]string{"kind": kind}
	}
	results := make([]eachResult, len(nodes))
	var group sync.WaitGroup
	places := make(chan struct{}, eachAtOnce)
	for i, node := range nodes {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			results[i] = h.askEach(r, rt, node, path, body)
		})
	}
	group.Wait()
	if !web.IsHTMX(r) {
		return web.WriteJSON(w, http.StatusOK, map[string]any{"results": results})
	}
	return h.site.Render(w, http.StatusOK, "notice", eachNotice(results, did))
}

// chosenNodes are the nodes that a form names, each once.
func chosenNodes(w http.ResponseWriter, r *http.Request) ([]string, error) {
	if err := web.ReadFormUpTo(w, r, maxEachForm); err != nil {
		return nil, err
	}
	nodes := slices.Clone(r.Form["nodes"])
	slices.Sort(nodes)
	nodes = slices.Compact(nodes)
	if len(nodes) == 0 || len(nodes) > maxEach {
		return nil, web.BadRequest("nodes must name 1 to %d nodes", maxEach)
	}
	return nodes, nil
}

// askEach makes the request to one node.
func (h *Handlers) askEach(r *http.Request, rt route, node, path string, body any) eachResult {
	answer, err := h.ask(r, rt, node, path, body)
	if err != nil {
		e := h.site.Explain(err)
		return eachResult{node, e.Status, e.Text, e.Hint}
	}
	got := eachResult{Node: node, Status: answer.status}
	if answer.status >= http.StatusBadRequest {
		var refusal web.Error
		json.Unmarshal(answer.Bytes(), &refusal) //nolint:errcheck // then only the status is known
		got.Error, got.Hint = cmp.Or(refusal.Text, http.StatusText(answer.status)), refusal.Hint
	}
	return got
}

// eachNotice sums up what the nodes answered.
func eachNotice(results []eachResult, did string) templates.Notice {
	var refused []string
	for _, one := range results {
		if one.Error != "" {
			_, host, _ := strings.Cut(one.Node, "@")
			refused = append(refused, templates.ShortName(host)+": "+one.Error)
		}
	}
	worked := len(results) - len(refused)
	note := templates.Notice{Level: "info", Text: fmt.Sprintf("%s %s.", did, count(worked))}
	switch {
	case worked == 0:
		note.Level, note.Text = "error", "Refused on all "+count(len(results))+"."
	case len(refused) > 0:
		note.Level, note.Text = "warn", fmt.Sprintf("%s %d of %s.", did, worked, count(len(results)))
	}
	if more := len(refused) - namedEach; more > 0 {
		refused = append(refused[:namedEach], fmt.Sprintf("and %d more", more))
	}
	note.Hint = strings.Join(refused, "; ")
	return note
}

// ask makes a request of a route to one node, here or one hop away, in the name of r's user: with the right that the
// route takes, and its entries in the audit logs. path is below the node's. body becomes JSON; nil is none.
func (h *Handlers) ask(r *http.Request, rt route, node, path string, body any) (*memoryWriter, error) {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	params := chi.NewRouteContext()
	params.URLParams.Add("node", url.PathEscape(node))
	ctx := context.WithValue(r.Context(), chi.RouteCtxKey, params)
	method, _, _ := strings.Cut(rt.at, " ")
	one, err := http.NewRequestWithContext(ctx, method, "/nodes/"+url.PathEscape(node)+path, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	one.RemoteAddr = r.RemoteAddr
	one.Header.Set("Content-Type", "application/json")
	return inMemory(one, h.recorded(rt))
}

// POST /run: a command on several nodes, like a runbook of one step.
func (h *Handlers) runCommand(w http.ResponseWriter, r *http.Request) error {
	if err := web.ReadFormUpTo(w, r, maxRunForm); err != nil {
		return err
	}
	block := guide.Block{Kind: guide.System, Text: r.PostForm.Get("text")}
	switch kind := r.PostForm.Get("kind"); {
	case strings.TrimSpace(block.Text) == "":
		return web.BadRequest("text must be what runs")
	case kind == "convoy":
		block.Kind = guide.Convoy
	case kind != "" && kind != "system":
		return web.BadRequest("kind must be convoy or system")
	}
	book := guide.Runbook{Name: templates.CommandRun, Document: guide.Document{Blocks: []guide.Block{block}}}
	return h.runBook(w, r, book, 1, 1)
}
