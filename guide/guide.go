// Package guide turns Markdown into pages: Convoy's own manual, rendered once at
// start, and the user's runbooks, which are read whenever somebody looks.
package guide

import (
	"embed"
	"errors"
	"fmt"
	"strings"
)

//go:embed *.md
var files embed.FS

// names are the pages in reading order; the first is the guide's front page.
var names = []string{"index", "shells", "convoy", "share", "recordings", "runbooks", "cluster", "keys"}

// errNoTitle says that a page does not begin with a heading.
var errNoTitle = errors.New("no heading on the first line")

// Guide holds the rendered pages. It does not change after New.
type Guide struct {
	pages map[string]Document
}

// New renders all pages.
func New() (*Guide, error) {
	g := &Guide{pages: make(map[string]Document)}
	for _, name := range names {
		source, err := files.ReadFile(name + ".md")
		if err != nil {
			return nil, fmt.Errorf("read guide page %q: %w", name, err)
		}
		doc, err := render(source, "", renderTime)
		if err == nil && !strings.HasPrefix(string(doc.Body), "<h1") {
			err = errNoTitle
		}
		if err != nil {
			return nil, fmt.Errorf("render guide page %q: %w", name, err)
		}
		g.pages[name] = doc
	}
	return g, nil
}

// Page returns a page by its name, its first heading as the title.
func (g *Guide) Page(name string) (Document, bool) {
	doc, ok := g.pages[name]
	return doc, ok
}

// Entry is one line of the guide's table of contents.
type Entry struct{ Name, Title string }

// Pages lists all pages in reading order.
func (g *Guide) Pages() []Entry {
	entries := make([]Entry, 0, len(names))
	for _, name := range names {
		entries = append(entries, Entry{Name: name, Title: g.pages[name].Title})
	}
	return entries
}
