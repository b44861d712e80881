package live

import (
	"fmt"
	"strings"
	"time"

	"convoy/fleet"
	"convoy/handlers/web"
	"convoy/logs"
	"convoy/templates"
)

// NodeList is the element #nodes.
func (h *Hub) NodeList() templates.NodeList {
	o := h.Overview()
	list := templates.NodeList{
		Count:    o.Count,
		Max:      o.Max,
		Provider: o.Provider,
	}
	if o.Provider != "" && o.Hint == "" && o.Count >= o.Max {
		const full = "the limit is reached (-max-nodes %d): retire a node first, or start Convoy with a higher limit"
		o.Hint = fmt.Sprintf(full, o.Max)
	}
	list.CanSpawn, list.SpawnHint = o.Provider != "" && o.Hint == "", web.Sentence(o.Hint)
	for _, node := range o.Nodes {
		list.Nodes = append(list.Nodes, h.NodeView(node))
	}
	return list
}

// NodeView is a node for its card and its page.
func (h *Hub) NodeView(n fleet.Node) templates.Node {
	view := templates.Node{
		ID: templates.ElementID(n.Name), Name: n.Name, Host: n.Host, Short: templates.ShortName(n.Host),
		Status: string(n.Status), Message: n.Message,
		Self: n.Self, Control: n.Control, Retirable: n.Retirable, Retiring: n.Status == fleet.Retiring,
		Started: n.Started, Seen: n.Seen, Instance: n.Instance, Version: n.Version, Region: n.Region,
		Labels:   n.Labels.List(),
		Provider: n.Provider, ProviderID: n.ID, Kinds: h.Shells.Kinds(),
	}
	if n.Addr.IsValid() {
		view.Address = n.Addr.String()
	}
	for _, s := range n.Steps {
		view.Steps = append(view.Steps, templates.Step{Name: s.Name, At: s.At, Ended: s.Ended, Error: s.Error})
	}
	view.Shells = h.ShellsOn(n)
	return view
}

// ShellsOn are a node's shells for a view of it. With a node that has ended, they do nothing.
func (h *Hub) ShellsOn(n fleet.Node) []templates.Shell {
	shells := h.ShellsOf(n.Name)
	if n.Status == fleet.Ended {
		for i := range shells {
			shells[i].State = templates.State{}
		}
	}
	return shells
}

func logView(name, boot string, lines []logs.Line) templates.LogLines {
	view := templates.LogLines{Node: name, Boot: boot}
	for _, l := range lines {
		line := templates.LogLine{Off: l.Off, Time: l.Time, Level: l.Level.String(), Message: l.Message}
		for _, a := range l.Attrs {
			line.Attrs = append(line.Attrs, templates.Attr{Key: a.Key, Value: a.Value})
		}
		view.Lines = append(view.Lines, line)
	}
	return view
}

// Node is a node as docs/protocol.md describes it.
type Node struct {
	Name      string            `json:"name"`
	Host      string            `json:"host"`
	Status    string            `json:"status"`
	Message   string            `json:"message"`
	Self      bool              `json:"self"`
	Control   bool              `json:"control_plane"`
	Retirable bool              `json:"retirable"`
	Instance  string            `json:"instance"`
	Version   string            `json:"version"`
	Region    string            `json:"region"`
	Labels    map[string]string `json:"labels"`
	Address   string            `json:"address"`
	Provider  string            `json:"provider"`
	ID        string            `json:"id"`
	Started   *time.Time        `json:"started"`
	Seen      *time.Time        `json:"last_seen"`
	Steps     []step            `json:"steps"`
	Shells    []templates.Shell `json:"shells"`
}

type step struct {
	Name  string     `json:"name"`
	At    *time.Time `json:"at"`
	Ended *time.Time `json:"ended"`
	Error string     `json:"error"`
}

// NodesJSON are all nodes as docs/protocol.md describes them.
func (h *Hub) NodesJSON() []Node {
	list := []Node{}
	for _, n := range h.Overview().Nodes {
		list = append(list, h.NodeJSON(n))
	}
	return list
}

// NodeJSON is one of them.
func (h *Hub) NodeJSON(n fleet.Node) Node {
	view := Node{
		Name:      n.Name,
		Host:      n.Host,
		Status:    string(n.Status),
		Message:   n.Message,
		Self:      n.Self,
		Control:   n.Control,
		Retirable: n.Retirable,
		Instance:  n.Instance,
		Version:   n.Version,
		Region:    n.Region,
		Labels:    map[string]string{},
		Provider:  n.Provider,
		ID:        n.ID,
		Started:   web.Time(n.Started),
		Seen:      web.Time(n.Seen),
		Steps:     []step{},
		Shells:    h.ShellsOn(n),
	}
	if n.Addr.IsValid() {
		view.Address = n.Addr.String()
	}
	for _, label := range n.Labels.List() {
		key, value, _ := strings.Cut(label, "=")
		view.Labels[key] = value
	}
	for _, s := range n.Steps {
		view.Steps = append(view.Steps, step{s.Name, web.Time(s.At), web.Time(s.Ended), s.Error})
	}
	if view.Shells == nil {
		view.Shells = []templates.Shell{}
	}
	return view
}
