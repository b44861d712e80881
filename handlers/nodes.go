package handlers

import (
	"bytes"
	"net/http"
	"slices"

	"convoy/fleet"
)

// GET /nodes
func (h *Handlers) listNodes(w http.ResponseWriter, r *http.Request) error {
	defer h.feeds.use(r.Context())()
	if r.Header.Get("HX-Request") != "" {
		return h.set.Render(w, http.StatusOK, "node_list", h.nodeList())
	}
	return writeJSON(w, http.StatusOK, h.nodesJSON())
}

// POST /nodes
func (h *Handlers) spawnNode(w http.ResponseWriter, r *http.Request) error {
	node, err := h.Fleet.Spawn()
	if err != nil {
		return err
	}
	tell(r.Context(), node.Name, "")
	h.Log.Info("spawn asked for", "node", node.Name, "user", sessionOf(r).User, "addr", h.clientOf(r))
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("X-Convoy-Node", node.Name)
		return h.set.Render(w, http.StatusCreated, "node_list", h.nodeList())
	}
	w.Header().Set("Location", "/nodes/"+node.Name)
	return writeJSON(w, http.StatusCreated, h.nodeJSON(node))
}

// GET /nodes/{node}
func (h *Handlers) showNode(w http.ResponseWriter, r *http.Request) error {
	defer h.feeds.use(r.Context())()
	node, err := h.nodeOf(r)
	if err != nil {
		return err
	}
	if wantsHTML(r) {
		return h.showDetails(w, r, node)
	}
	return writeJSON(w, http.StatusOK, h.nodeJSON(node))
}

// DELETE /nodes/{node}
func (h *Handlers) retireNode(w http.ResponseWriter, r *http.Request) error {
	name, err := nodeName(r)
	if err != nil {
		return err
	}
	node, err := h.Fleet.Retire(name)
	if err != nil {
		return err
	}
	h.Log.Info("retire asked for", "node", node.Name, "user", sessionOf(r).User, "addr", h.clientOf(r))
	if r.Header.Get("HX-Request") != "" {
		return h.set.Render(w, http.StatusAccepted, "node_list", h.nodeList())
	}
	return writeJSON(w, http.StatusAccepted, h.nodeJSON(node))
}

// healthz answers without a login: Railway and others ask it.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("ok\n")) //nolint:errcheck // nobody left to tell
}

// sendNodes keeps a stream's list of nodes as it is: at once, then after every change that shows.
func (t *tab) sendNodes() {
	var last []byte
	for {
		fleetChanged, shellsChanged := t.h.Fleet.Changed(), t.h.feeds.shells.changed()
		name, data, err := t.nodesEvent(state{fleetChanged, shellsChanged})
		if err != nil {
			t.h.Log.Error("nodes not rendered", "err", err)
			return
		}
		if !bytes.Equal(data, last) {
			t.send(name, data)
			last = data
		}
		select {
		case <-t.ctx.Done():
			return
		case <-fleetChanged:
		case <-shellsChanged:
		}
		if !t.pause(nodesPause) {
			return
		}
	}
}

// nodesEvent is the list of nodes as this stream's reader wants it, of that state or a later one.
func (t *tab) nodesEvent(now state) (name string, data []byte, err error) {
	if t.json {
		return eventJSON("fleet", t.h.nodesJSON())
	}
	data, err = t.h.pages.nodes(now, func() ([]byte, error) { return t.h.set.Execute("node_list", t.h.nodeList()) })
	return "nodes", data, err
}

// shellsOf are the shells of a node, as far as they are known here.
func (h *Handlers) shellsOf(node fleet.Node) []shell {
	if node.Name == h.Self {
		return h.ownShells()
	}
	return slices.Clone(h.feeds.shellsOf(node.Name))
}
