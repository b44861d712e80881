package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"convoy/fleet"
	"convoy/handlers/live"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/logs"
	"convoy/templates"
)

// GET /nodes
func (h *Handlers) listNodes(w http.ResponseWriter, r *http.Request) error {
	defer h.live.KeepCurrent(r.Context())()
	switch {
	case web.IsHTMX(r) && r.URL.Query().Has("choose"):
		return h.site.Render(w, http.StatusOK, "node_choices", h.runNodes())
	case web.IsHTMX(r):
		return h.site.Render(w, http.StatusOK, "node_list", h.live.NodeList())
	}
	return web.WriteJSON(w, http.StatusOK, h.live.NodesJSON())
}

// maxSpawn bounds the nodes that one request creates.
const maxSpawn = 100

// spawned is the answer to a request for several nodes. Error is why there are not more.
type spawned struct {
	Nodes []live.Node `json:"nodes"`
	Error string      `json:"error,omitempty"`
	Hint  string      `json:"hint,omitempty"`
}

// POST /nodes
func (h *Handlers) spawnNode(w http.ResponseWriter, r *http.Request) error {
	var ask struct{ Count int }
	if err := web.ReadOptions(w, r, &ask); err != nil {
		return err
	}
	if ask.Count < 0 || ask.Count > maxSpawn {
		return web.BadRequest("count must be 1 to %d", maxSpawn)
	}
	made, err := h.spawn(r, max(1, ask.Count))
	if err != nil && len(made) == 0 {
		return err
	}
	switch {
	case web.WantsHTML(r) && !web.IsHTMX(r):
		return backToConsole(w)
	case ask.Count == 0:
		w.Header().Set("Location", "/nodes/"+made[0].Name)
		return web.WriteJSON(w, http.StatusCreated, h.live.NodeJSON(made[0]))
	}
	answer := spawned{}
	for _, n := range made {
		answer.Nodes = append(answer.Nodes, h.live.NodeJSON(n))
	}
	if err != nil {
		e := h.site.Explain(err)
		answer.Error, answer.Hint = e.Text, e.Hint
	}
	return web.WriteJSON(w, http.StatusCreated, answer)
}

// spawn spawns nodes until it has so many or one is refused.
func (h *Handlers) spawn(r *http.Request, many int) (made []fleet.Node, err error) {
	for range many {
		node, err := h.Fleet.Spawn()
		if err != nil {
			return made, err
		}
		made = append(made, node)
		detail := ""
		if len(made) > 1 {
			detail = fmt.Sprintf("the last of %d nodes", len(made))
		}
		session.Describe(r.Context(), node.Name, detail)
		h.Log.Info("spawn requested", "node", node.Name, "user", session.Of(r).User, "addr", session.ClientAddr(r))
	}
	return made, nil
}

// showSpawned names the new nodes to htmx, and explains if there are fewer than asked for. Their cards come by the
// stream.
func (h *Handlers) showSpawned(w http.ResponseWriter, _ *http.Request, body []byte) error {
	var one live.Node
	var several spawned
	if err := errors.Join(json.Unmarshal(body, &one), json.Unmarshal(body, &several)); err != nil {
		return err
	}
	names := []string{}
	for _, n := range append(several.Nodes, one) {
		if n.Name != "" {
			names = append(names, n.Name)
		}
	}
	w.Header().Set("X-Convoy-Node", strings.Join(names, ","))
	if several.Error == "" {
		return web.NoContent(w, nil)
	}
	text := fmt.Sprintf("Only %s: %s.", count(len(names)), several.Error)
	return h.site.Render(w, http.StatusCreated, "notice",
		templates.Notice{Level: "warn", Text: text, Hint: web.Sentence(several.Hint)})
}

// backToConsole responds to a form without scripts.
func backToConsole(w http.ResponseWriter) error {
	web.SeeOther(w, "/")
	return nil
}

// GET /nodes/{node}
func (h *Handlers) showNode(w http.ResponseWriter, r *http.Request) error {
	defer h.live.KeepCurrent(r.Context())()
	node, err := h.shownNode(r)
	if err != nil {
		return err
	}
	if web.WantsHTML(r) {
		return h.showDetails(w, r, node)
	}
	return web.WriteJSON(w, http.StatusOK, h.live.NodeJSON(node))
}

// shownNode is the node in the request's path, also one that only the control plane knows.
func (h *Handlers) shownNode(r *http.Request) (fleet.Node, error) {
	node, err := h.nodes.Of(r)
	if !errors.Is(err, fleet.ErrNotFound) {
		return node, err
	}
	name, unnamed := web.NodeName(r)
	for _, one := range h.live.Overview().Nodes {
		if unnamed == nil && one.Name == name {
			return one, nil
		}
	}
	return node, err
}

// DELETE /nodes/{node}
func (h *Handlers) retireNode(w http.ResponseWriter, r *http.Request) error {
	name, err := web.NodeName(r)
	if err != nil {
		return err
	}
	node, err := h.Fleet.Retire(name)
	if err != nil {
		return err
	}
	h.Log.Info("retirement requested", "node", node.Name, "user", session.Of(r).User, "addr", session.ClientAddr(r))
	return web.WriteJSON(w, http.StatusAccepted, h.live.NodeJSON(node))
}

// healthz handles health checks, such as Railway's, without a login.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("ok\n")) //nolint:errcheck // the client has gone
}

// controlName is the node that creates nodes. Without one it is this node, which then returns the error.
func (h *Handlers) controlName() string {
	if h.Fleet.Provider() == "" {
		if control, ok := live.ControlOf(h.Fleet.List()); ok {
			return control.Name
		}
	}
	return h.Self
}

// askControl forwards a request to the control plane. A form without scripts returns to this console.
func (h *Handlers) askControl(w http.ResponseWriter, r *http.Request, control string) error {
	forward := func(w http.ResponseWriter, r *http.Request) error {
		return h.nodes.Forward(w, r, control, r.URL.EscapedPath())
	}
	if web.IsHTMX(r) || !web.WantsHTML(r) || r.Method != http.MethodPost {
		return forward(w, r)
	}
	if _, err := accepted(r, forward); err != nil {
		return err
	}
	return backToConsole(w)
}

// logPage is a response to GET /nodes/{node}/log.
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
		if from, err = web.Number(r, "from", 0); err != nil {
			return err
		}
	}
	page := logPage{Boot: h.Logs.Boot(), Lines: []logs.Line{}}
	lines, next := h.Logs.From(from)
	page.Lines, page.Next = append(page.Lines, lines...), next
	return web.WriteJSON(w, http.StatusOK, page)
}
