package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"
)

// report is all that a run has measured.
type report struct {
	About string        `json:"about"`
	Load  loads         `json:"load"`
	Sizes []sizeFigures `json:"sizes"`
	Pair  []pairFigures `json:"pair"`
	Notes []string      `json:"notes"`
}

// loads are the machine's load averages of one minute.
type loads struct {
	Begin float64 `json:"begin"`
	End   float64 `json:"end"`
}

func newReport() report {
	return report{
		About: time.Now().UTC().Format("2006-01-02 15:04 UTC") + ", " + platform(),
		Load:  loads{Begin: load()},
	}
}

func (r *report) note(text string) { r.Notes = append(r.Notes, text) }

func (r *report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(r)
	}
	_, err := io.WriteString(w, r.text())
	return err
}

func (r *report) text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "Convoy's cluster benchmark: %s, load %.1f at the beginning, %.1f at the end\n", r.About, r.Load.Begin, r.Load.End)
	if len(r.Sizes) > 0 {
		text.WriteString("\nnodes, each a process\n")
		writeTable(&text, r.sizeTable())
	}
	if len(r.Pair) > 0 {
		text.WriteString("\nbetween two nodes\n")
		writeTable(&text, r.pairTable())
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&text, "note: %s\n", note)
	}
	return text.String()
}

// sizeTable has a row for each figure and a column for each size.
func (r *report) sizeTable() [][]string {
	rows := []struct {
		title string
		value func(sizeFigures) string
	}{
		{"", func(f sizeFigures) string { return fmt.Sprint(f.Nodes) }},
		{"all know all, after the last start, s", func(f sizeFigures) string { return known(2, f.Whole) }},
		{"  the last node listens, s", func(f sizeFigures) string { return known(2, f.AllListen) }},
		{"a new node: all know all after it listens, ms", func(f sizeFigures) string { return known(0, median(f.Listed)) }},
		{"  worst, ms", func(f sizeFigures) string { return known(0, worst(f.Listed)) }},
		{"kill -9, all have noticed: gossip only, s", func(f sizeFigures) string { return known(2, median(f.Gossip)) }},
		{"  worst, s", func(f sizeFigures) string { return known(2, worst(f.Gossip)) }},
		{"  with a call connection open, ms", func(f sizeFigures) string { return known(0, median(f.Call)) }},
		{"  worst, ms", func(f sizeFigures) string { return known(0, worst(f.Call)) }},
		{"kills of each kind", func(f sizeFigures) string { return fmt.Sprintf("%d, %d", len(f.Gossip), len(f.Call)) }},
		{"at rest, a node: CPU, % of a core", func(f sizeFigures) string { return known(2, f.CPU) }},
		{"  RSS, MiB", func(f sizeFigures) string { return known(1, f.RSS) }},
		{"  of it anonymous, MiB", func(f sizeFigures) string { return known(1, f.Own) }},
		{"  packets sent per s", func(f sizeFigures) string { return known(1, f.Packets) }},
		{"  of them UDP", func(f sizeFigures) string { return known(1, f.UDP) }},
		{"  bytes sent per s", func(f sizeFigures) string { return known(0, f.Bytes) }},
		{"taken for dead by mistake, times", func(f sizeFigures) string { return fmt.Sprint(f.Mistaken) }},
		{"load average, before and after", func(f sizeFigures) string { return fmt.Sprintf("%.1f, %.1f", f.Load, f.LoadEnd) }},
	}
	var table [][]string
	for _, row := range rows {
		line := []string{row.title}
		for _, f := range r.Sizes {
			line = append(line, row.value(f))
		}
		table = append(table, line)
	}
	return table
}

// pairTable has a row for each kind of work and way.
func (r *report) pairTable() [][]string {
	table := [][]string{{"", "calls/s", "p50, µs", "p99, µs", "MB/s", "× bare HTTP/2", "× bare TLS"}}
	for _, f := range r.Pair {
		table = append(table, []string{
			f.What + ": " + f.Way, known(0, f.PerSecond), known(0, f.P50), known(0, f.P99),
			known(0, f.Rate), known(2, f.OfHTTP2), known(2, f.OfTLS),
		})
	}
	return table
}

func digits(n int, value float64) string { return fmt.Sprintf("%.*f", n, value) }

// known leaves out what was not measured.
func known(n int, value float64) string {
	if value == 0 {
		return ""
	}
	return digits(n, value)
}

// writeTable writes rows in columns: the first to the left, the others to the right.
func writeTable(w io.Writer, table [][]string) {
	first := 0
	for _, row := range table {
		first = max(first, utf8.RuneCountInString(row[0]))
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range table {
		padded := row[0] + strings.Repeat(" ", first-utf8.RuneCountInString(row[0]))
		fmt.Fprintf(out, "  %s\t%s\t\n", padded, strings.Join(row[1:], "\t"))
	}
	out.Flush() //nolint:errcheck // a strings.Builder takes everything
}
