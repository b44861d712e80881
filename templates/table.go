package templates

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Column is a column of the table of nodes. To add one is to add it to Columns.
type Column struct {
	Name   string // in addresses (?sort=up), and for style sheets
	Title  string
	Number bool // aligned at its end
	Live   bool // what it shows comes in events of its own (docs/protocol.md, "stats"); a new list leaves it
	// cell returns what the column is sorted by, a number or a text, and what it shows; both are empty if the node has no
	// such value.
	cell func(Node) (value string, shown any)
}

// Cell is a node's cell in a column.
type Cell struct {
	Name         string // of the column
	Number, Live bool   // as the column is
	Value        string // by which the page sorts; "" comes last
	Shown        any
}

// Row is a node's row in the table.
type Row struct {
	ID, Name, Short, Status, LabelWords string
	Self                                bool
	Cells                               []Cell // in the order of Columns
}

// Columns are the columns after the node's name, in their order.
var Columns = []Column{
	{Name: "state", Title: "State", cell: stateCell},
	{Name: "waiting", Title: "Waiting", Number: true, cell: waitingCell},
	{Name: "shells", Title: "Shells", Number: true, cell: shellsCell},
	{Name: "cpu", Title: "CPU", Number: true, Live: true, cell: func(n Node) (string, any) { return n.Sparks.CPU.cell() }},
	{Name: "memory", Title: "Memory", Number: true, Live: true, cell: func(n Node) (string, any) {
		return n.Sparks.Memory.cell()
	}},
	{Name: "up", Title: "Up", Number: true, cell: upCell},
	{Name: "version", Title: "Version", cell: func(n Node) (string, any) { return n.Version, n.Version }},
	{Name: "region", Title: "Region", cell: func(n Node) (string, any) { return n.Region, cmp.Or(n.Region, "–") }},
	{Name: "labels", Title: "Labels", cell: func(n Node) (string, any) {
		text := strings.Join(n.Labels, ", ")
		return text, cmp.Or(text, "–")
	}},
	{Name: "provider", Title: "Provider", cell: func(n Node) (string, any) { return n.Provider, n.Provider }},
}

// LiveCells are the cells that change with the node's statistics.
func (s Sparks) LiveCells() (cells []Cell) {
	for _, c := range Columns {
		if c.Live {
			cells = append(cells, c.of(Node{Sparks: s}))
		}
	}
	return cells
}

func (s Spark) cell() (value string, shown any) {
	if s.Now == "" {
		return "", ""
	}
	return s.Value, s.Now
}

// Row is the node's row.
func (n Node) Row() Row {
	row := Row{
		ID: n.ID, Name: n.Name, Short: n.Short, Status: n.Status, LabelWords: n.LabelWords(), Self: n.Self,
		Cells: make([]Cell, len(Columns)),
	}
	for i, c := range Columns {
		row.Cells[i] = c.of(n)
	}
	return row
}

func (c Column) of(n Node) Cell {
	value, shown := c.cell(n)
	return Cell{c.Name, c.Number, c.Live, value, shown}
}

// Columns are those of the table.
func (NodeList) Columns() []Column { return Columns }

// statuses are the statuses of nodes, in the order of a node's life.
var statuses = []string{"alive", "joining", "creating", "unreachable", "ended", "retiring", "failed", "left"}

func stateCell(n Node) (string, any) {
	const shown = `<span class="word">%s</span> <span class="state-why">%s</span>`
	return strconv.Itoa(slices.Index(statuses, n.Status)),
		template.HTML(fmt.Sprintf(shown, template.HTMLEscapeString(n.Status), template.HTMLEscapeString(n.Message)))
}

func shellsCell(n Node) (string, any) {
	running := 0
	for _, s := range n.Shells {
		if s.Running {
			running++
		}
	}
	switch ended := len(n.Shells) - running; {
	case len(n.Shells) == 0:
		return "0", "–"
	case ended > 0:
		return strconv.Itoa(running), fmt.Sprintf("%d + %d ended", running, ended)
	}
	return strconv.Itoa(running), running
}

func waitingCell(n Node) (string, any) {
	if waits := len(n.Waits()); waits > 0 {
		return strconv.Itoa(waits), waits
	}
	return "", ""
}

// upCell is sorted by the node's start, so that the value changes only with it.
func upCell(n Node) (string, any) {
	if !n.Reachable() || n.Started.IsZero() {
		return "", ""
	}
	return strconv.FormatInt(-n.Started.Truncate(time.Second).Unix(), 10), when("for", n.Started)
}

// maxLabelKeys bounds the choices of groups.
const maxLabelKeys = 24

// labelKeys are the keys of the nodes' labels.
func (l NodeList) labelKeys() (keys []string) {
	for i := range l.Nodes {
		for _, label := range l.Nodes[i].Labels {
			key, _, _ := strings.Cut(label, "=")
			if i, known := slices.BinarySearch(keys, key); !known && len(keys) < maxLabelKeys {
				keys = slices.Insert(keys, i, key)
			}
		}
	}
	return keys
}

// LabelWords are what the filter finds the node's labels by.
func (n Node) LabelWords() string {
	words := make([]string, len(n.Labels))
	for i, label := range n.Labels {
		words[i] = "label:" + label
	}
	return strings.Join(words, " ")
}
