package live

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"convoy/templates"
)

// fleetPage is the list of nodes at one moment, in the pieces that change separately: its header, and the card and the
// row of each node. It is shared by all tabs, and does not change.
type fleetPage struct {
	id     string // for a stream that continues a page
	list   templates.NodeList
	head   part[templates.FleetHead]
	pieces map[string]*piece // by templates.Node.ID
	whole  func() ([]byte, error)
}

// piece is what a page shows of one node. Pages share it while the node does not change.
type piece struct {
	node templates.Node
	card []byte
	row  part[templates.Row]
}

// part is a view, and the HTML that shows it.
type part[View any] struct {
	view View
	html []byte
}

// newFleetPage renders what differs from an earlier page, which may be nil.
func newFleetPage(set *templates.Set, list templates.NodeList, last *fleetPage) (*fleetPage, error) {
	if last == nil {
		last = &fleetPage{}
	}
	p := &fleetPage{id: rand.Text(), list: list, pieces: make(map[string]*piece, len(list.Nodes))}
	p.whole = sync.OnceValues(func() ([]byte, error) { return set.Execute("node_list", list) })
	var err error
	if p.head, err = render(set, "fleet_head", list.Head(), last.head); err != nil {
		return nil, err
	}
	for i := range list.Nodes {
		n := &list.Nodes[i]
		before := last.pieces[n.ID]
		if before == nil {
			before = &piece{}
		}
		if p.pieces[n.ID], err = newPiece(set, n, before); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// newPiece is the piece before, if the node has not changed.
func newPiece(set *templates.Set, n *templates.Node, before *piece) (*piece, error) {
	if same(n, &before.node) {
		return before, nil
	}
	p := &piece{node: *n}
	var err error
	if p.card, err = set.Execute("node", *n); err != nil {
		return nil, err
	}
	p.row, err = render(set, "node_row", n.Row(), before.row)
	return p, err
}

// render renders a view, unless the part before shows the same.
func render[View any](set *templates.Set, name string, view View, before part[View]) (part[View], error) {
	if before.html != nil && reflect.DeepEqual(view, before.view) {
		return before, nil
	}
	html, err := set.Execute(name, view)
	return part[View]{view, html}, err
}

// same reports whether two views of a node look the same. It names the fields, because reflection is slow, and every
// node is compared after a change of one. No card shows when an alive node was seen.
func same(a, b *templates.Node) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Host == b.Host && a.Short == b.Short &&
		a.Status == b.Status && a.Message == b.Message && a.Self == b.Self && a.Control == b.Control &&
		a.Retirable == b.Retirable && a.Retiring == b.Retiring && a.Started.Equal(b.Started) &&
		(a.Status == "alive" || a.Seen.Equal(b.Seen)) && a.Address == b.Address && a.Instance == b.Instance &&
		a.Version == b.Version && a.Region == b.Region && a.Provider == b.Provider && a.ProviderID == b.ProviderID &&
		a.Screen == b.Screen && a.Sparks == b.Sparks && slices.Equal(a.Labels, b.Labels) &&
		slices.Equal(a.Kinds, b.Kinds) && equal(a.Steps, b.Steps) && equal(a.Shells, b.Shells)
}

// equal compares two lists, without reflection if they point to the same values.
func equal[T comparable](a, b []T) bool { return slices.Equal(a, b) || reflect.DeepEqual(a, b) }

// ids are the nodes in their order.
func (p *fleetPage) ids() []string {
	ids := make([]string, len(p.list.Nodes))
	for i, n := range p.list.Nodes {
		ids[i] = n.ID
	}
	return ids
}

// since makes partials that turn an earlier page into this one; empty if both look the same. ok is false if only the
// whole list does.
func (p *fleetPage) since(old *fleetPage) (partials []byte, ok bool) {
	was, is := old.ids(), p.ids()
	kept := func(in *fleetPage) func(string) bool {
		return func(id string) bool { _, has := in.pieces[id]; return !has }
	}
	if p.list.Provider != old.list.Provider || p.list.Empty() != old.list.Empty() ||
		!slices.Equal(slices.DeleteFunc(slices.Clone(was), kept(p)), slices.DeleteFunc(slices.Clone(is), kept(old))) {
		return nil, false
	}
	var b bytes.Buffer
	if !bytes.Equal(p.head.html, old.head.html) {
		addPartial(&b, "fleet", "outerMorph", p.head.html)
	}
	for _, id := range was {
		if _, stays := p.pieces[id]; !stays {
			addPartial(&b, id, "delete", nil)
			addPartial(&b, rowID(id), "delete", nil)
		}
	}
	p.addNew(&b, is, old)
	for _, id := range is {
		now, before := p.pieces[id], old.pieces[id]
		if before == nil || now == before {
			continue
		}
		if !bytes.Equal(now.card, before.card) {
			addPartial(&b, id, "outerMorph", now.card)
		}
		if !bytes.Equal(now.row.html, before.row.html) {
			addPartial(&b, rowID(id), "outerMorph", now.row.html)
		}
	}
	return b.Bytes(), true
}

// addNew adds nodes that the old page lacks, each after the one before it that it has.
func (p *fleetPage) addNew(b *bytes.Buffer, is []string, old *fleetPage) {
	after := ""
	var cards, rows []byte
	flush := func() {
		switch {
		case cards == nil:
		case after == "":
			addPartial(b, "cards", "afterbegin", cards)
			addPartial(b, "rows", "afterbegin", rows)
		default:
			addPartial(b, after, "afterend", cards)
			addPartial(b, rowID(after), "afterend", rows)
		}
		cards, rows = nil, nil
	}
	for _, id := range is {
		if _, known := old.pieces[id]; known {
			flush()
			after = id
			continue
		}
		cards, rows = append(cards, p.pieces[id].card...), append(rows, p.pieces[id].row.html...)
	}
	flush()
}

// rowID is the id of a node's row in the table.
func rowID(id string) string { return "row-" + id }

func addPartial(b *bytes.Buffer, id, swap string, content []byte) {
	fmt.Fprintf(b, `<hx-partial hx-target="#%s" hx-swap="%s">`, id, swap)
	b.Write(bytes.TrimSpace(content))
	b.WriteString("</hx-partial>\n")
}
