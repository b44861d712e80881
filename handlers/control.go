package handlers

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"convoy/fleet"
)

// overview is the fleet as a page shows it.
type overview struct {
	Nodes    []fleet.Node
	Count    int    // spawned nodes
	Max      int    // how many there may be
	Provider string // what makes nodes, empty: nothing that can be reached from here
	Hint     string // why nothing can be made
}

// ownOverview is what this node knows by itself. On the control plane that is all there is to know.
func (h *Handlers) ownOverview() overview {
	o := overview{Nodes: h.Fleet.List(), Provider: h.Fleet.Provider(), Hint: h.Fleet.Unavailable()}
	o.Count, o.Max = h.Fleet.Count()
	return o
}

// overview is what this node knows, and what the control plane says of the nodes that it makes, so that every node's
// console shows the same fleet.
func (h *Handlers) overview() overview {
	own := h.ownOverview()
	if own.Provider != "" {
		return own
	}
	control, ok := controlOf(own.Nodes)
	if !ok {
		own.Hint = "No node of this cluster can create others. Start nodes manually."
		return own
	}
	said := h.feeds.overviewOf(control.Name)
	if control.Status != fleet.Alive || said == nil {
		own.Hint = "The control plane cannot be reached from here."
		return own
	}
	said.Nodes = fleet.Merge(own.Nodes, said.Nodes)
	return *said
}

// controlOf finds the node that makes others.
func controlOf(nodes []fleet.Node) (fleet.Node, bool) {
	for _, n := range nodes {
		if n.Control {
			return n, true
		}
	}
	return fleet.Node{}, false
}

// onControl serves a request here if this node makes nodes; else the control plane does, one hop away. htmx gets the
// list of nodes from here in any case.
func (h *Handlers) onControl(fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if h.Fleet.Provider() != "" {
			return fn(w, r)
		}
		control, ok := controlOf(h.Fleet.List())
		if !ok {
			return fn(w, r) // which says that there is no provider
		}
		answer, err := h.carry(r, control.Name, r.URL.EscapedPath())
		if err != nil {
			return err
		}
		if r.Header.Get("HX-Request") == "" {
			return answer.write(w)
		}
		var made node
		if json.Unmarshal(answer.body, &made) == nil && answer.status == http.StatusCreated {
			w.Header().Set("X-Convoy-Node", made.Name)
		}
		return h.set.Render(w, answer.status, "node_list", h.nodeList())
	}
}

// carried is an answer that came from another node.
type carried struct {
	status   int
	location string
	body     []byte // JSON
}

// carry asks another node, and returns its answer; a refusal is the error that it is there.
func (h *Handlers) carry(r *http.Request, name, path string) (carried, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForward))
	if err != nil {
		return carried{}, err
	}
	to, err := http.NewRequestWithContext(r.Context(), r.Method, path, bytes.NewReader(body))
	if err != nil {
		return carried{}, err
	}
	h.vouch(r.Context(), to)
	answer, err := h.Cluster.Do(name, to)
	if err != nil {
		return carried{}, unreachable(name, err)
	}
	defer answer.Body.Close()
	c := carried{status: answer.StatusCode, location: answer.Header.Get("Location")}
	if c.body, err = io.ReadAll(io.LimitReader(answer.Body, maxForward)); err != nil {
		return carried{}, unreachable(name, err)
	}
	if c.status < http.StatusBadRequest {
		return c, nil
	}
	p := &problem{Status: c.status}
	if err := json.Unmarshal(c.body, p); err != nil {
		return carried{}, unreachable(name, err)
	}
	return carried{}, p
}

func (c carried) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	if c.location != "" {
		w.Header().Set("Location", c.location)
	}
	w.WriteHeader(c.status)
	_, err := w.Write(c.body)
	return err
}
