package live

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"convoy/fleet"
	"convoy/templates"
)

// sendNodes sends the list of nodes, and again after each visible change.
func (t *tab) sendNodes() {
	send := t.pageSender()
	if t.json {
		send = t.jsonSender()
	}
	for {
		fleetChanged, shellsChanged := t.hub.Fleet.Changed(), t.hub.feeds.shells.Changed()
		if err := send(state{fleetChanged, shellsChanged}); err != nil {
			t.hub.Log.Error("nodes not rendered", "err", err)
			return
		}
		select {
		case <-t.ctx.Done():
			return
		case <-fleetChanged:
		case <-shellsChanged:
		}
		if !t.pause(nodesPause + time.Duration(len(t.hub.Fleet.List()))*nodePause) {
			return
		}
	}
}

// pageSender sends the nodes in a state or a later one as HTML: what differs from what was sent before, and first the
// whole list, or what differs from that of the page.
func (t *tab) pageSender() func(state) error {
	last, first := t.hub.pages.servedAs(t.Query.List), true
	return func(now state) error {
		page, err := t.hub.fleetPage(now)
		if err != nil || page == last && !first {
			return err
		}
		before, wasFirst := last, first
		last, first = page, false
		if before != nil {
			if partials, ok := t.hub.pages.since(before, page); ok {
				if len(partials) > 0 || wasFirst { // an empty one says that the page is up to date
					t.send("changes", partials)
				}
				return nil
			}
		}
		whole, err := page.whole()
		if err == nil {
			t.send("nodes", whole)
		}
		return err
	}
}

// fleetPage is the list of nodes in a state or a later one.
func (h *Hub) fleetPage(now state) (*fleetPage, error) {
	return h.pages.nodes(now, func(before *fleetPage) (*fleetPage, error) {
		return newFleetPage(h.Site.Templates, h.NodeList(), before)
	})
}

// ServeList is the list of nodes for an HTML page, whose nodes the caller may change. A stream of the page that names
// the id sends only what has changed since.
func (h *Hub) ServeList() (list templates.NodeList, id string, err error) {
	page, err := h.fleetPage(state{h.Fleet.Changed(), h.feeds.shells.Changed()})
	if err != nil {
		return list, "", err
	}
	h.pages.serve(page)
	list = page.list
	list.Nodes = slices.Clone(list.Nodes)
	return list, page.id, nil
}

// jsonSender sends the whole list as JSON, whenever it differs.
func (t *tab) jsonSender() func(state) error {
	var last []byte
	return func(state) error {
		data, err := json.Marshal(t.hub.NodesJSON())
		if err == nil && !bytes.Equal(data, last) {
			t.send("fleet", data)
			last = data
		}
		return err
	}
}

// ShellsOf are the shells of a node, as far as this node knows, with their numbers.
func (h *Hub) ShellsOf(node string) []templates.Shell {
	if node == h.Self {
		return templates.Number(h.OwnShells())
	}
	return templates.Number(slices.Clone(h.feeds.shellsOf(node)))
}

// Overview is the fleet as pages show it.
type Overview struct {
	Nodes    []fleet.Node
	Count    int    // spawned nodes
	Max      int    // how many there may be
	Provider string // that creates nodes; empty: none that can be reached from here
	Hint     string // why no node can be created
}

// ownOverview is what this node knows itself. On the control plane it is complete.
func (h *Hub) ownOverview() Overview {
	o := Overview{Nodes: h.Fleet.List(), Provider: h.Fleet.Provider(), Hint: h.Fleet.Unavailable()}
	o.Count, o.Max = h.Fleet.Count()
	return o
}

// Overview is what this node knows, merged with what the control plane reports of the nodes that it creates, so that
// every console shows the same fleet.
func (h *Hub) Overview() Overview {
	own := h.ownOverview()
	if own.Provider != "" {
		return own
	}
	control, ok := ControlOf(own.Nodes)
	if !ok {
		own.Hint = "No node of this cluster can create others. Start nodes manually."
		return own
	}
	reported := h.feeds.overviewOf(control.Name)
	if control.Status != fleet.Alive || reported == nil {
		own.Hint = "The control plane cannot be reached from here."
		return own
	}
	reported.Nodes = fleet.Merge(own.Nodes, reported.Nodes)
	return *reported
}

// ControlOf finds the node that creates others.
func ControlOf(nodes []fleet.Node) (fleet.Node, bool) {
	for _, n := range nodes {
		if n.Control {
			return n, true
		}
	}
	return fleet.Node{}, false
}
