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
	head   []byte
	pieces map[string]piece // by templates.Node.ID
	whole  func() ([]byte, error)
}

// piece is what a page shows of one node.
type piece struct {
	view      templates.Node
	card, row []byte
}

// newFleetPage renders what differs from an earlier page, which may be nil.
func newFleetPage(set *templates.Set, list templates.NodeList, last *fleetPage) (*fleetPage, error) {
	p := &fleetPage{id: rand.Text(), list: list, pieces: make(map[string]piece, len(list.Nodes))}
	p.whole = sync.OnceValues(func() ([]byte, error) { return set.Execute("node_list", list) })
	var err error
	if p.head, err = set.Execute("fleet_head", list); err != nil {
		return nil, err
	}
	for _, n := range list.Nodes {
		if last != nil {
			if before, ok := last.pieces[n.ID]; ok && same(before.view, n) {
				p.pieces[n.ID] = before
				continue
			}
		}
		one := piece{view: n}
		if one.card, err = set.Execute("node", n); err != nil {
			return nil, err
		}
		if one.row, err = set.Execute("node_row", n); err != nil {
			return nil, err
		}
		p.pieces[n.ID] = one
	}
	return p, nil
}

// same reports whether two views of a node are equal. Their shells, which are most of them, are compared without
// reflection first: if nothing has changed, they point to the same states.
func same(a, b templates.Node) bool {
	if slices.Equal(a.Shells, b.Shells) {
		a.Shells, b.Shells = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

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
	if !bytes.Equal(p.head, old.head) {
		addPartial(&b, "fleet", "outerMorph", p.head)
	}
	for _, id := range was {
		if _, stays := p.pieces[id]; !stays {
			addPartial(&b, id, "delete", nil)
			addPartial(&b, rowID(id), "delete", nil)
		}
	}
	p.addNew(&b, is, old)
	for _, id := range is {
		before, known := old.pieces[id]
		if now := p.pieces[id]; known {
			if !bytes.Equal(now.card, before.card) {
				addPartial(&b, id, "outerMorph", now.card)
			}
			if !bytes.Equal(now.row, before.row) {
				addPartial(&b, rowID(id), "outerMorph", now.row)
			}
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
		cards, rows = append(cards, p.pieces[id].card...), append(rows, p.pieces[id].row...)
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
