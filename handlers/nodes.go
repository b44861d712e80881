package handlers

import (
	"encoding/json"
	"net/http"

	"convoy/handlers/live"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/logs"
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

// POST /nodes
func (h *Handlers) spawnNode(w http.ResponseWriter, r *http.Request) error {
	node, err := h.Fleet.Spawn()
	if err != nil {
		return err
	}
	session.Describe(r.Context(), node.Name, "")
	h.Log.Info("spawn requested", "node", node.Name, "user", session.Of(r).User, "addr", session.ClientAddr(r))
	if web.IsHTMX(r) {
		w.Header().Set("X-Convoy-Node", node.Name)
		return h.site.Render(w, http.StatusCreated, "node_list", h.live.NodeList())
	}
	if web.WantsHTML(r) {
		return backToConsole(w)
	}
	w.Header().Set("Location", "/nodes/"+node.Name)
	return web.WriteJSON(w, http.StatusCreated, h.live.NodeJSON(node))
}

// backToConsole responds to a form without scripts.
func backToConsole(w http.ResponseWriter) error {
	web.SeeOther(w, "/")
	return nil
}

// GET /nodes/{node}
func (h *Handlers) showNode(w http.ResponseWriter, r *http.Request) error {
	defer h.live.KeepCurrent(r.Context())()
	node, err := h.nodes.Of(r)
	if err != nil {
		return err
	}
	if web.WantsHTML(r) {
		return h.showDetails(w, r, node)
	}
	return web.WriteJSON(w, http.StatusOK, h.live.NodeJSON(node))
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
	if web.IsHTMX(r) {
		return h.site.Render(w, http.StatusAccepted, "node_list", h.live.NodeList())
	}
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

// askControl forwards a request to the control plane. htmx gets this node's list of nodes.
func (h *Handlers) askControl(w http.ResponseWriter, r *http.Request, control string) error {
	forward := func(w http.ResponseWriter, r *http.Request) error {
		return h.nodes.Forward(w, r, control, r.URL.EscapedPath())
	}
	if !web.IsHTMX(r) && !(web.WantsHTML(r) && r.Method == http.MethodPost) {
		return forward(w, r)
	}
	response, err := accepted(r, forward)
	if err != nil {
		return err
	}
	if !web.IsHTMX(r) {
		return backToConsole(w)
	}
	var made live.Node
	if json.Unmarshal(response.Bytes(), &made) == nil && response.status == http.StatusCreated {
		w.Header().Set("X-Convoy-Node", made.Name)
	}
	return h.site.Render(w, response.status, "node_list", h.live.NodeList())
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
