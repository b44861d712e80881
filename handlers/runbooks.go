package handlers

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"convoy/fleet"
	"convoy/guide"
	"convoy/handlers/web"
	"convoy/templates"
)

// runbook is a runbook with its steps, as docs/protocol.md describes it.
type runbook struct {
	templates.RunbookRow
	Steps []bookStep `json:"steps,omitempty"`
}

// bookStep is a block of a runbook that can be run.
type bookStep struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

var errNoRunbooks = web.NewError(http.StatusServiceUnavailable,
	"the directory of runbooks cannot be read", "see the node's log")

// GET /runbooks
func (h *Handlers) listRunbooks(w http.ResponseWriter, r *http.Request) error {
	view := templates.Runbooks{Page: h.page(r, "Runbooks"), Given: h.runbooks.Dir != ""}
	view.Rows = []templates.RunbookRow{}
	if view.Given {
		found, more, err := h.runbooks.List()
		if err != nil {
			h.Log.Warn("runbooks cannot be listed", "err", err)
			return errNoRunbooks
		}
		view.More = more
		for _, one := range found {
			view.Rows = append(view.Rows, templates.RunbookRow{
				Name: one.Name, Title: one.Title, Summary: one.Summary, Tags: one.Tags, Changed: one.Changed.UTC(),
				Large: one.Large,
			})
		}
	}
	if !web.WantsHTML(r) {
		return web.WriteJSON(w, http.StatusOK, view.Rows)
	}
	return h.site.Render(w, http.StatusOK, "runbooks", view)
}

// GET /runbooks/{runbook}
//
// The name may end with .md, so that runbooks can link to each other as they do on other sites.
func (h *Handlers) showRunbook(w http.ResponseWriter, r *http.Request) error {
	one, err := h.runbookOf(r)
	if err != nil {
		return err
	}
	if !web.WantsHTML(r) {
		response := runbook{RunbookRow: templates.RunbookRow{
			Name: one.Name, Title: one.Title, Tags: one.Tags, Changed: one.Changed.UTC(),
		}}
		for _, b := range one.Blocks {
			response.Steps = append(response.Steps, bookStep{b.Kind, b.Text})
		}
		return web.WriteJSON(w, http.StatusOK, response)
	}
	if web.IsHTMX(r) {
		return h.site.Render(w, http.StatusOK, "run_nodes", h.chosenNodes(r, one.Name))
	}
	defer h.live.KeepCurrent(r.Context())()
	view := h.runbookView(r, one, templates.RunState{Name: url.PathEscape(one.Name), Run: rand.Text()})
	return h.site.Render(w, http.StatusOK, "runbook", view)
}

// runbookOf is the runbook in the request's path.
func (h *Handlers) runbookOf(r *http.Request) (guide.Runbook, error) {
	name, err := url.PathUnescape(chi.URLParam(r, "runbook"))
	if err != nil {
		return guide.Runbook{}, guide.ErrNoRunbook
	}
	return h.runbooks.Get(strings.TrimSuffix(name, ".md"))
}

// runbookView is the page of a runbook.
func (h *Handlers) runbookView(r *http.Request, one guide.Runbook, bar templates.RunState) templates.Runbook {
	view := templates.Runbook{
		Page:     h.page(r, one.Title),
		Name:     one.Name,
		Untitled: one.Untitled,
		Changed:  one.Changed,
		Version:  one.Version,
		Nodes:    h.chosenNodes(r, one.Name),
		Bar:      bar,
	}
	for i, piece := range one.Cut() {
		part := templates.RunPart{HTML: piece}
		if i < len(one.Blocks) {
			b := one.Blocks[i]
			part.Step = i + 1
			view.Steps = append(view.Steps, templates.RunStep{Number: i + 1, Kind: b.Kind, First: firstLine(b.Text)})
		}
		view.Parts = append(view.Parts, part)
	}
	return view
}

// chosenNodes are the nodes that steps can be run on, with the choice in the request's form. A new one is chosen if all
// others are.
func (h *Handlers) chosenNodes(r *http.Request, book string) templates.RunNodes {
	r.ParseForm() //nolint:errcheck // without a form, all are chosen
	nodes := templates.RunNodes{Path: "/runbooks/" + url.PathEscape(book), Nodes: h.runNodes()}
	all := len(r.Form["nodes"]) >= len(r.Form["seen"])
	for i, n := range nodes.Nodes {
		if slices.Contains(r.Form["seen"], n.Name) {
			nodes.Nodes[i].Off = !slices.Contains(r.Form["nodes"], n.Name)
		} else {
			nodes.Nodes[i].Off = !all
		}
	}
	return nodes
}

// firstLine is the first line of code that is not empty or a comment.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return line
		}
	}
	return strings.TrimSpace(text)
}

// runNodes are the nodes that steps can be run on, this one first.
func (h *Handlers) runNodes() (list []templates.RunNode) {
	for _, n := range h.live.Overview().Nodes {
		one := templates.RunNode{Name: n.Name, Short: templates.ShortName(n.Host), Self: n.Name == h.Self}
		switch {
		case n.Status != fleet.Alive:
		case one.Self:
			list = slices.Insert(list, 0, one)
		default:
			list = append(list, one)
		}
	}
	return list
}
