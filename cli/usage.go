package cli

import (
	"cmp"
	"embed"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	usageColumns = 80
	flagColumn   = 23 // where the texts of flags begin
)

// pages are the usage texts, with {flags} in place of the flags. A line "    convoy WORDS  TEXT" is a way to call a
// command, which shells complete.
//
//go:embed usage
var pages embed.FS

// page is the command's usage text without its flags, "" if it has none.
func (cmd command) page() string {
	text, _ := pages.ReadFile("usage/" + cmp.Or(cmd.name, "convoy") + ".txt") //nolint:errcheck // then it is empty
	return string(text)
}

// usage is the command's usage text.
func (cmd command) usage() string {
	var out strings.Builder
	before, after, _ := strings.Cut(cmd.page(), "{flags}\n")
	out.WriteString(before)
	for _, group := range cmd.groups {
		fmt.Fprintf(&out, "%s:\n", group.title)
		newFlagSet("", group).VisitAll(func(f *flag.Flag) {
			if f.Usage != "" {
				cmd.writeFlag(&out, f)
			}
		})
		out.WriteString("\n")
	}
	out.WriteString(after)
	return out.String()
}

// describe returns the placeholder of a flag's value, "" if it takes none, and its text with its default.
func describe(f *flag.Flag) (placeholder, text string) {
	if text = f.Usage; !isBool(f) {
		placeholder, text, _ = strings.Cut(f.Usage, " ")
	}
	if !slices.Contains([]string{"", "0", "0s", "false"}, f.DefValue) {
		text += "; default " + f.DefValue
	}
	return placeholder, text
}

// writeFlag writes a flag and its text, wrapped.
func (cmd command) writeFlag(out io.Writer, f *flag.Flag) {
	placeholder, text := describe(f)
	if cmd.variables {
		text += " (" + variable(f.Name) + ")"
	}
	line := strings.TrimRight("    -"+f.Name+" "+placeholder, " ")
	if len(line) >= flagColumn {
		fmt.Fprintln(out, line)
		line = ""
	}
	line = fmt.Sprintf("%-*s", flagColumn-1, line)
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > usageColumns {
			fmt.Fprintln(out, line)
			line = strings.Repeat(" ", flagColumn-1)
		}
		line += " " + word
	}
	fmt.Fprintln(out, line)
}
