// Package guide renders Markdown: Convoy's own guide, once, and the user's runbooks, on each request.
package guide

import (
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"
)

//go:embed *.md
var files embed.FS

// names lists the pages in reading order; the first is the front page.
var names = []string{"index", "shells", "convoy", "share", "recordings", "runbooks", "cluster", "keys"}

// trustedTime limits the rendering of a page of ours: only a busy machine takes long.
const trustedTime = 10 * time.Minute

// errNoTitle reports a page that does not begin with a heading.
var errNoTitle = errors.New("no heading on the first line")

// Guide holds the rendered pages. It is immutable after New.
type Guide struct {
	pages map[string]Document
}

// New renders all pages. base is the prefix of links to the console, such as /convoy, or "".
func New(base string) (*Guide, error) {
	g := &Guide{pages: make(map[string]Document)}
	for _, name := range names {
		source, err := files.ReadFile(name + ".md")
		if err != nil {
			return nil, fmt.Errorf("read guide page %q: %w", name, err)
		}
		doc, err := render(source, base, "", trustedTime)
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

// Page returns a page by its name. Its title is its first heading.
func (g *Guide) Page(name string) (Document, bool) {
	doc, ok := g.pages[name]
	return doc, ok
}

// Entry is an entry of the table of contents.
type Entry struct{ Name, Title string }

// Pages lists all pages in reading order.
func (g *Guide) Pages() []Entry {
	entries := make([]Entry, 0, len(names))
	for _, name := range names {
		entries = append(entries, Entry{Name: name, Title: g.pages[name].Title})
	}
	return entries
}
