package templates

import (
	"html/template"
	"strings"
)

// Found is what the menu finds on the server.
type Found struct{ Groups []FoundGroup }

// FoundGroup are the matches of one kind, the best first.
type FoundGroup struct {
	Title string      `json:"title"`
	Items []FoundItem `json:"items"`
}

// FoundItem is something that the menu leads to.
type FoundItem struct {
	Icon   string `json:"-"`
	Label  string `json:"label"`
	Detail string `json:"detail"`
	Path   string `json:"path"` // of a page, or # and an address within the console
	Node   string `json:"-"`    // the full name, if it is a node
}

// Add adds a kind, if anything of it matches.
func (f *Found) Add(title string, items []FoundItem) {
	if len(items) > 0 {
		f.Groups = append(f.Groups, FoundGroup{title, items})
	}
}

// Place is the place in the console that it leads to; "" if that is another page.
func (i FoundItem) Place() template.URL {
	place, _ := strings.CutPrefix(i.Path, "#")
	if place == i.Path {
		return ""
	}
	return template.URL(place)
}
