// Package guide holds Convoy's own manual: a few Markdown pages, rendered once
// at start. They contain no HTML of their own: what looks like it stays text.
package guide

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

//go:embed *.md
var files embed.FS

// names are the pages in reading order; the first is the guide's front page.
var names = []string{"index", "shells", "share", "recordings", "cluster", "keys"}

// errNoTitle says that a page does not begin with a heading.
var errNoTitle = errors.New("no heading on the first line")

// Guide holds the rendered pages. It does not change after New.
type Guide struct {
	pages map[string]page
}

type page struct {
	title string
	body  template.HTML
}

// New renders all pages.
func New() (*Guide, error) {
	g := &Guide{pages: make(map[string]page)}
	for _, name := range names {
		source, err := files.ReadFile(name + ".md")
		if err != nil {
			return nil, fmt.Errorf("read guide page %q: %w", name, err)
		}
		p, err := render(source)
		if err != nil {
			return nil, fmt.Errorf("render guide page %q: %w", name, err)
		}
		g.pages[name] = p
	}
	return g, nil
}

// Page returns a page by its name, its first heading as the title.
func (g *Guide) Page(name string) (title string, body template.HTML, ok bool) {
	p, ok := g.pages[name]
	return p.title, p.body, ok
}

// Entry is one line of the guide's table of contents.
type Entry struct{ Name, Title string }

// Pages lists all pages in reading order.
func (g *Guide) Pages() []Entry {
	entries := make([]Entry, 0, len(names))
	for _, name := range names {
		entries = append(entries, Entry{Name: name, Title: g.pages[name].title})
	}
	return entries
}

// render turns Markdown into HTML. goldmark leaves raw HTML and dangerous links
// out unless it is told to be unsafe, which is what makes the result safe.
func render(source []byte) (page, error) {
	md := goldmark.New(
		goldmark.WithExtensions(extension.Table),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
	)
	doc := md.Parser().Parse(text.NewReader(source))
	heading, ok := doc.FirstChild().(*ast.Heading)
	if !ok || heading.Level != 1 {
		return page{}, errNoTitle
	}
	var b bytes.Buffer
	if err := md.Renderer().Render(&b, source, doc); err != nil {
		return page{}, err
	}
	return page{title: string(heading.Lines().Value(source)), body: template.HTML(b.String())}, nil
}
