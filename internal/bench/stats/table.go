package stats

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// Print writes a report, as JSON or as text.
func Print(w io.Writer, asJSON bool, report any, text func() string) error {
	if asJSON {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	_, err := io.WriteString(w, text())
	return err
}

// WriteTable writes rows in columns: the first to the left, the others to the right.
func WriteTable(w io.Writer, rows [][]string) error {
	first := 0
	for _, row := range rows {
		first = max(first, utf8.RuneCountInString(row[0]))
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		padded := row[0] + strings.Repeat(" ", first-utf8.RuneCountInString(row[0]))
		fmt.Fprintf(out, "  %s\t%s\t\n", padded, strings.Join(row[1:], "\t"))
	}
	return out.Flush()
}
