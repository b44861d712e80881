package lang

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

const (
	// maxItems limits the printed items of a list or dict.
	maxItems = 200
	// maxText limits the printed bytes of a string.
	maxText = 8 << 10
	// maxPrinted limits the printed bytes of a value.
	maxPrinted = 64 << 10
)

// Styles (SGR, ECMA-48).
const (
	bold    = "1"
	dim     = "2"
	red     = "31"
	green   = "32"
	yellow  = "33"
	magenta = "35"
	cyan    = "36"
)

func (s *Session) paint(style, text string) string {
	if !s.cfg.Color {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[m"
}

// print prints a value: a list of similar records as a table, anything else as Starlark writes it, shortened.
func (s *Session) print(v starlark.Value) error {
	if s.cfg.Plain {
		return s.printJSON(v)
	}
	if rows, ok := tableOf(v); ok {
		fmt.Fprint(s.cfg.Out, s.table(rows))
		return nil
	}
	p := printer{session: s}
	p.value(v, 0)
	fmt.Fprintln(s.cfg.Out, p.b.String())
	return nil
}

func (s *Session) printJSON(v starlark.Value) error {
	plain, err := toGo(v)
	if err != nil {
		return &Error{Text: err.Error()}
	}
	out := json.NewEncoder(s.cfg.Out)
	out.SetEscapeHTML(false)
	return out.Encode(plain)
}

// printer formats one value.
type printer struct {
	session *Session
	b       strings.Builder
}

func (p *printer) paint(style, text string) { p.b.WriteString(p.session.paint(style, text)) }

func (p *printer) value(v starlark.Value, depth int) {
	if p.b.Len() > maxPrinted || depth > maxDepth {
		p.paint(dim, "…")
		return
	}
	switch v := v.(type) {
	case starlark.String:
		p.text(v)
	case starlark.Int, starlark.Float:
		p.paint(yellow, v.String())
	case starlark.NoneType, starlark.Bool:
		p.paint(magenta, v.String())
	case *starlark.List:
		p.items("[", "]", v, depth)
	case starlark.Tuple:
		p.items("(", ")", v, depth)
	case *starlark.Set:
		p.items("set([", "])", v, depth)
	case *starlark.Dict:
		p.dict(v, depth)
	case *starlarkstruct.Struct:
		p.record(v, depth)
	case *starlark.Builtin:
		p.paint(cyan, "<built-in "+v.Name()+">")
		p.paint(dim, " call it with (), or see help("+v.Name()+")")
	default:
		p.b.WriteString(clipped(v.String()))
	}
}

func (p *printer) text(v starlark.String) {
	if len(v) <= maxText {
		p.paint(green, v.String())
		return
	}
	cut := maxText
	for cut > 0 && !utf8.RuneStart(v[cut]) {
		cut--
	}
	p.paint(green, v[:cut].String())
	p.paint(dim, fmt.Sprintf("… %d bytes more", len(v)-cut))
}

func (p *printer) items(open, end string, v starlark.Iterable, depth int) {
	p.b.WriteString(open)
	n := 0
	for e := range starlark.Elements(v) {
		if n > 0 {
			p.b.WriteString(", ")
		}
		if n == maxItems {
			p.paint(dim, fmt.Sprintf("… %d more", starlark.Len(v)-n))
			break
		}
		p.value(e, depth+1)
		n++
	}
	if _, tuple := v.(starlark.Tuple); tuple && n == 1 {
		p.b.WriteString(",")
	}
	p.b.WriteString(end)
}

func (p *printer) dict(v *starlark.Dict, depth int) {
	p.b.WriteString("{")
	for i, item := range v.Items() {
		if i > 0 {
			p.b.WriteString(", ")
		}
		if i == maxItems {
			p.paint(dim, fmt.Sprintf("… %d more", v.Len()-i))
			break
		}
		p.value(item[0], depth+1)
		p.b.WriteString(": ")
		p.value(item[1], depth+1)
	}
	p.b.WriteString("}")
}

// record prints one field per line at the top level, and one line inside other values.
func (p *printer) record(v *starlarkstruct.Struct, depth int) {
	names := v.AttrNames()
	if depth == 0 && len(names) > 0 {
		widest := 0
		for _, name := range names {
			widest = max(widest, len(name))
		}
		for i, name := range names {
			if i > 0 {
				p.b.WriteString("\n")
			}
			p.paint(cyan, name)
			p.b.WriteString(strings.Repeat(" ", widest-len(name)+2))
			p.field(v, name, depth)
		}
		return
	}
	p.b.WriteString("(")
	for i, name := range names {
		if i > 0 {
			p.b.WriteString(", ")
		}
		p.paint(cyan, name)
		p.b.WriteString("=")
		p.field(v, name, depth)
	}
	p.b.WriteString(")")
}

func (p *printer) field(v *starlarkstruct.Struct, name string, depth int) {
	if field, err := v.Attr(name); err == nil {
		p.value(field, depth+1)
	}
}

func clipped(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}

// tableOf returns the rows of a list whose items are records with the same fields.
func tableOf(v starlark.Value) ([]*starlarkstruct.Struct, bool) {
	list, ok := v.(*starlark.List)
	if !ok || list.Len() == 0 {
		return nil, false
	}
	var rows []*starlarkstruct.Struct
	for e := range starlark.Elements(list) {
		row, ok := e.(*starlarkstruct.Struct)
		if !ok || len(rows) > 0 && !slices.Equal(row.AttrNames(), rows[0].AttrNames()) {
			return nil, false
		}
		rows = append(rows, row)
	}
	return rows, len(rows[0].AttrNames()) > 0
}

// table formats records as a table no wider than the terminal, by shrinking the widest columns.
func (s *Session) table(rows []*starlarkstruct.Struct) string {
	names := columnsOf(rows)
	cells := [][]string{names}
	for _, row := range rows[:min(len(rows), maxItems)] {
		line := make([]string, len(names))
		for i, name := range names {
			line[i] = cellText(row, name)
		}
		cells = append(cells, line)
	}
	widths := columnWidths(cells, s.cfg.Width)
	var b strings.Builder
	for i, line := range cells {
		for k, text := range line {
			cell := fit(text, widths[k])
			if k == len(line)-1 {
				cell = strings.TrimRight(cell, " ")
			}
			if i == 0 {
				cell = s.paint(bold, cell)
			}
			b.WriteString(cell)
			if k < len(line)-1 {
				b.WriteString("  ")
			}
		}
		b.WriteString("\n")
	}
	if more := len(rows) - maxItems; more > 0 {
		b.WriteString(s.paint(dim, fmt.Sprintf("… %d more", more)) + "\n")
	}
	return b.String()
}

// cellText formats a field on one line.
func cellText(row *starlarkstruct.Struct, name string) string {
	v, err := row.Attr(name)
	if err != nil {
		return ""
	}
	if v == starlark.None {
		return "–"
	}
	text, ok := starlark.AsString(v)
	if !ok {
		text = clipped(v.String())
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// leading are the identifying fields, which come first, in this order.
var leading = []string{"node", "name", "time", "id", "status", "level"}

// columnsOf lists the fields that a table shows: without those that are empty in all records, unless all are.
func columnsOf(rows []*starlarkstruct.Struct) []string {
	all := rows[0].AttrNames()
	names := slices.DeleteFunc(slices.Clone(all), func(name string) bool {
		return !slices.ContainsFunc(rows, func(row *starlarkstruct.Struct) bool { return cellText(row, name) != "" })
	})
	if len(names) == 0 {
		names = all
	}
	rank := func(name string) int {
		if i := slices.Index(leading, name); i >= 0 {
			return i
		}
		return len(leading)
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}

// columnWidths fits the texts, and limits the total to width.
func columnWidths(cells [][]string, width int) []int {
	widths := make([]int, len(cells[0]))
	total := 2 * (len(widths) - 1)
	for k := range widths {
		for _, line := range cells {
			widths[k] = max(widths[k], uniseg.StringWidth(line[k]))
		}
		total += widths[k]
	}
	for total > width {
		widest := 0
		for k := range widths {
			if widths[k] > widths[widest] {
				widest = k
			}
		}
		if widths[widest] <= 4 {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}

// fit pads or truncates text to width columns.
func fit(text string, width int) string {
	if n := uniseg.StringWidth(text); n <= width {
		return text + strings.Repeat(" ", width-n)
	}
	var b strings.Builder
	n := 0
	for g := uniseg.NewGraphemes(text); g.Next() && n+g.Width() < width; n += g.Width() {
		b.WriteString(g.Str())
	}
	return b.String() + "…" + strings.Repeat(" ", max(0, width-n-1))
}

// wrap breaks text between words.
func wrap(text string, width int) string {
	var b strings.Builder
	col := 0
	for i, word := range strings.Fields(text) {
		n := uniseg.StringWidth(word)
		switch {
		case i == 0:
		case col+1+n > max(width, 20):
			b.WriteString("\n")
			col = 0
		default:
			b.WriteString(" ")
			col++
		}
		b.WriteString(word)
		col += n
	}
	return b.String()
}
