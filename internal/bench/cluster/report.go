package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"convoy/internal/bench/stats"
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

func (r *report) note(text string) { r.Notes = append(r.Notes, text) }

func (r *report) print(w io.Writer, asJSON bool) error { return stats.Print(w, asJSON, r, r.text) }

func (r *report) text() string {
	var text strings.Builder
	fmt.Fprintf(
		&text, "Convoy's cluster benchmark: %s, load %.1f at the beginning, %.1f at the end\n", r.About, r.Load.Begin,
		r.Load.End,
	)
	if len(r.Sizes) > 0 {
		text.WriteString("\nnodes, each a process\n")
		stats.WriteTable(&text, r.sizeTable()) //nolint:errcheck // a strings.Builder takes everything
	}
	if len(r.Pair) > 0 {
		text.WriteString("\nbetween two nodes\n")
		stats.WriteTable(&text, r.pairTable()) //nolint:errcheck // as above
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
		{
			"a new node: all know all after it listens, ms",
			func(f sizeFigures) string { return known(0, stats.Median(f.Listed)) },
		},
		{"  worst, ms", func(f sizeFigures) string { return known(0, stats.Percentile(f.Listed, 100)) }},
		{
			"kill -9, all have noticed: gossip only, s",
			func(f sizeFigures) string { return known(2, stats.Median(f.Gossip)) },
		},
		{"  worst, s", func(f sizeFigures) string { return known(2, stats.Percentile(f.Gossip, 100)) }},
		{"  with a call connection open, ms", func(f sizeFigures) string { return known(0, stats.Median(f.Call)) }},
		{"  worst, ms", func(f sizeFigures) string { return known(0, stats.Percentile(f.Call, 100)) }},
		{"kills of each kind", func(f sizeFigures) string { return fmt.Sprintf("%d, %d", len(f.Gossip), len(f.Call)) }},
		{"at rest, a node: CPU, % of a core", func(f sizeFigures) string { return known(2, f.CPU) }},
		{"  RSS, MiB", func(f sizeFigures) string { return known(1, f.RSS) }},
		{"  of it anonymous, MiB", func(f sizeFigures) string { return known(1, f.Own) }},
		{"  packets sent per s", func(f sizeFigures) string { return known(1, f.Packets) }},
		{"  of them UDP", func(f sizeFigures) string { return known(1, f.UDP) }},
		{"  bytes sent per s", func(f sizeFigures) string { return known(0, f.Bytes) }},
		{"taken for dead by mistake, times", func(f sizeFigures) string { return fmt.Sprint(f.Mistaken) }},
		{
			"load average, before and after",
			func(f sizeFigures) string { return fmt.Sprintf("%.1f, %.1f", f.Load, f.LoadEnd) },
		},
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

// known leaves out what was not measured: 0, or NaN.
func known(n int, value float64) string {
	if value == 0 || math.IsNaN(value) {
		return ""
	}
	return fmt.Sprintf("%.*f", n, value)
}
