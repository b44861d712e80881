package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"convoy/internal/bench/stats"
)

// Units of figures.
const (
	unitMicros  = "µs"
	unitMillis  = "ms"
	unitRate    = "MB/s"
	unitSeconds = "s"
	unitMiB     = "MiB"
	unitKiB     = "KiB"
	unitKB      = "kB"
	unitRatio   = "×"
	unitPercent = "% of a core"
)

// figure is one number of a report: what was measured, which way.
type figure struct {
	Part  string  `json:"part"`
	Way   string  `json:"way"`
	What  string  `json:"what"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
}

// report collects figures and prints them, next to the budgets.
type report struct {
	About   string            `json:"about"`
	Notes   []string          `json:"notes"`
	Titles  map[string]string `json:"parts"`
	Figures []figure          `json:"figures"`
	Budgets []budget          `json:"budgets"`
}

func (r *report) note(text string) { r.Notes = append(r.Notes, text) }

// add notes a figure. What could not be measured (NaN) is left out.
func (r *report) add(part, way, what, unit string, value float64) {
	if !math.IsNaN(value) && !math.IsInf(value, 0) {
		r.Figures = append(r.Figures, figure{part, way, what, unit, value})
	}
}

// find is the value of a figure.
func (r *report) find(part, way, what string) (float64, bool) {
	for _, f := range r.Figures {
		if f.Part == part && f.Way == way && f.What == what {
			return f.Value, true
		}
	}
	return 0, false
}

// finish compares the figures with the budgets.
func (r *report) finish() {
	r.Budgets = nil
	for _, b := range budgets() {
		value, ok := r.find(b.part, b.way, b.figure)
		r.Budgets = append(r.Budgets, b.judge(value, ok))
	}
}

func (r *report) print(w io.Writer, asJSON bool) error { return stats.Print(w, asJSON, r, r.text) }

func (r *report) text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "Convoy's benchmark: %s\n", r.About)
	for _, part := range partNames() {
		if table := r.table(part); table != nil {
			fmt.Fprintf(&text, "\n%s\n", r.Titles[part])
			stats.WriteTable(&text, table) //nolint:errcheck // a strings.Builder takes everything
		}
	}
	text.WriteString("\nbudgets of the design\n")
	table := [][]string{{"", "must", "reach", "got", ""}}
	for _, b := range r.Budgets {
		table = append(table, b.row())
	}
	stats.WriteTable(&text, table) //nolint:errcheck // a strings.Builder takes everything
	for _, note := range r.Notes {
		fmt.Fprintf(&text, "note: %s\n", note)
	}
	return text.String()
}

// table lays out the figures of a part: a row for each way, a column for each thing measured.
func (r *report) table(part string) [][]string {
	head, ways := []string{""}, []string{}
	cells := map[string]string{}
	for _, f := range r.Figures {
		if f.Part != part {
			continue
		}
		column := f.What
		if f.Unit != unitRatio && f.Unit != "" {
			column += ", " + f.Unit
		}
		if !slices.Contains(head, column) {
			head = append(head, column)
		}
		if !slices.Contains(ways, f.Way) {
			ways = append(ways, f.Way)
		}
		cells[f.Way+"\x00"+column] = number(f.Value, f.Unit)
	}
	if len(ways) == 0 {
		return nil
	}
	table := [][]string{head}
	for _, way := range ways {
		row := []string{way}
		for _, column := range head[1:] {
			row = append(row, cells[way+"\x00"+column])
		}
		table = append(table, row)
	}
	return table
}

// number formats a value with as many digits as its unit can mean.
func number(value float64, unit string) string {
	switch unit {
	case unitMicros, unitKiB, unitKB, "":
		return fmt.Sprintf("%.0f", value)
	case unitMillis, unitRate, unitMiB:
		if value < 10 {
			return fmt.Sprintf("%.2f", value)
		}
		return fmt.Sprintf("%.1f", value)
	default:
		return fmt.Sprintf("%.2f", value)
	}
}
