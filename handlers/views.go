package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"convoy/assets"
	"convoy/fleet"
	"convoy/logs"
	"convoy/templates"
)

func newTemplates() (*templates.Set, error) { return templates.New(assets.URL, assets.Modules) }

// page is what every page says of itself.
func (h *Handlers) page(r *http.Request, title string) templates.Page {
	s := sessionOf(r)
	page := templates.Page{
		Title: title,
		Nonce: nonceOf(r),
		Node:  h.Self,
		Build: assets.Build(),
		User:  s.User,
		Role:  roleName(s),
	}
	if len(s.Keys) > 0 {
		page.Key = h.login.name
	}
	return page
}

// nodeList is the element #nodes.
func (h *Handlers) nodeList() templates.NodeList {
	o := h.overview()
	list := templates.NodeList{
		Count:     o.Count,
		Max:       o.Max,
		Provider:  o.Provider,
		CanSpawn:  o.Provider != "" && o.Hint == "",
		SpawnHint: sentence(o.Hint),
	}
	for _, node := range o.Nodes {
		list.Nodes = append(list.Nodes, h.nodeView(node))
	}
	return list
}

func (h *Handlers) nodeView(n fleet.Node) templates.Node {
	view := templates.Node{
		ID: templates.ElementID(n.Name), Name: n.Name, Host: n.Host, Short: shortName(n.Host),
		Status: string(n.Status), Message: n.Message,
		Self: n.Self, Control: n.Control, Retirable: n.Retirable, Retiring: n.Status == fleet.Retiring,
		Started: n.Started, Seen: n.Seen, Instance: n.Instance, Version: n.Version,
		Provider: n.Provider, ProviderID: n.ID, Kinds: h.Shells.Kinds(),
	}
	if n.Addr.IsValid() {
		view.Address = n.Addr.String()
	}
	for _, s := range n.Steps {
		view.Steps = append(view.Steps, templates.Step{Name: s.Name, At: s.At, Ended: s.Ended, Error: s.Error})
	}
	for _, s := range h.shellsOf(n) {
		view.Shells = append(
			view.Shells,
			templates.Shell{
				ID:        s.ID,
				Kind:      s.Kind,
				Right:     s.Right,
				Title:     s.Title,
				Running:   s.Running,
				Exit:      exitText(s.Exit),
				Links:     s.Links,
				Shield:    s.Shield,
				Recording: s.Recording,
			},
		)
	}
	return view
}

// shortName is the first label of a host.
func shortName(host string) string {
	short, _, _ := strings.Cut(host, ".")
	return short
}

// hostOf is the part of a node's name behind the @.
func hostOf(name string) string {
	_, host, _ := strings.Cut(name, "@")
	return host
}

func exitText(e *exit) string {
	switch {
	case e == nil:
		return ""
	case e.Signal != "":
		return e.Signal
	}
	return fmt.Sprintf("code %d", e.Code)
}

func logView(name, boot string, lines []logs.Line) templates.LogLines {
	view := templates.LogLines{Node: name, Short: shortName(hostOf(name)), Boot: boot}
	for _, l := range lines {
		line := templates.LogLine{Off: l.Off, Time: l.Time, Level: l.Level.String(), Message: l.Message}
		for _, a := range l.Attrs {
			line.Attrs = append(line.Attrs, templates.Attr{Key: a.Key, Value: a.Value})
		}
		view.Lines = append(view.Lines, line)
	}
	return view
}

// node is a node as docs/protocol.md shows it.
type node struct {
	Name      string     `json:"name"`
	Host      string     `json:"host"`
	Status    string     `json:"status"`
	Message   string     `json:"message"`
	Self      bool       `json:"self"`
	Control   bool       `json:"control_plane"`
	Retirable bool       `json:"retirable"`
	Instance  string     `json:"instance"`
	Version   string     `json:"version"`
	Address   string     `json:"address"`
	Provider  string     `json:"provider"`
	ID        string     `json:"id"`
	Started   *time.Time `json:"started"`
	Seen      *time.Time `json:"last_seen"`
	Steps     []step     `json:"steps"`
	Shells    []shell    `json:"shells"`
}

type step struct {
	Name  string     `json:"name"`
	At    *time.Time `json:"at"`
	Ended *time.Time `json:"ended"`
	Error string     `json:"error"`
}

func (h *Handlers) nodesJSON() []node {
	list := []node{}
	for _, n := range h.overview().Nodes {
		list = append(list, h.nodeJSON(n))
	}
	return list
}

func (h *Handlers) nodeJSON(n fleet.Node) node {
	view := node{
		Name:      n.Name,
		Host:      n.Host,
		Status:    string(n.Status),
		Message:   n.Message,
		Self:      n.Self,
		Control:   n.Control,
		Retirable: n.Retirable,
		Instance:  n.Instance,
		Version:   n.Version,
		Provider:  n.Provider,
		ID:        n.ID,
		Started:   instant(n.Started),
		Seen:      instant(n.Seen),
		Steps:     []step{},
		Shells:    h.shellsOf(n),
	}
	if n.Addr.IsValid() {
		view.Address = n.Addr.String()
	}
	for _, s := range n.Steps {
		view.Steps = append(view.Steps, step{s.Name, instant(s.At), instant(s.Ended), s.Error})
	}
	if view.Shells == nil {
		view.Shells = []shell{}
	}
	return view
}

// instant is a time in UTC, or null for none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
