// Package templates turns values into the console's HTML.
//
// Every page and every partial is one template with one Go struct, its view. A
// view holds values only: the handlers make it, under whatever lock they need,
// and it is rendered afterwards. One partial serves the page, the answer to
// htmx and the stream's event, so that all three always agree.
//
// Pages are "console", "share", "details", "login", "entered", "opening", "guide", "runbooks", "runbook", "error",
// "recordings", "player", "audit" and "logins"; partials are
// "node_list", "node", "log_lines", "shell_list" and "notice".
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"reflect"
	"strconv"
)

//go:embed *.html
var files embed.FS

// partials are the templates that may be rendered alone and used by pages.
var partials = []string{
	"node_list",
	"node",
	"steps",
	"log_lines",
	"log_view",
	"notice",
	"confirm",
	"shell_list",
	"code_tools",
}

// views has the view of each name that Render knows, as a zero value.
var views = map[string]any{
	"console":    Console{},
	"share":      Share{},
	"login":      Login{},
	"entered":    Entered{},
	"opening":    Opening{},
	"guide":      Guide{},
	"runbooks":   Runbooks{},
	"runbook":    Runbook{},
	"details":    Details{},
	"error":      Error{},
	"recordings": Recordings{},
	"logins":     Logins{},
	"audit":      Audit{},
	"player":     Player{},
	"node_list":  NodeList{},
	"node":       Node{},
	"log_lines":  LogLines{},
	"notice":     Notice{},
	"shell_list": ShellList{},
}

// pages are the names that are whole documents.
var pages = []string{
	"console",
	"share",
	"details",
	"login",
	"entered",
	"opening",
	"guide",
	"runbooks",
	"runbook",
	"error",
	"recordings",
	"player",
	"audit",
	"logins",
}

// Set holds all templates, parsed. It may be used by several goroutines at once.
type Set struct {
	byName map[string]*template.Template
}

// New parses all templates. assetURL gives the address of an asset, such as
// "js/console.js", and modules the assets that this one imports, for the page
// to preload; they are called while rendering.
func New(assetURL func(string) string, modules func(string) []string) (*Set, error) {
	shared := template.New("").Funcs(funcs(assetURL, modules))
	for _, name := range partials {
		if _, err := shared.ParseFS(files, name+".html"); err != nil {
			return nil, fmt.Errorf("parse template %q: %w", name, err)
		}
	}
	s := &Set{byName: make(map[string]*template.Template)}
	for name := range views {
		s.byName[name] = shared.Lookup(name + ".html")
	}
	for _, name := range pages {
		t, err := template.Must(shared.Clone()).ParseFS(files, "base.html", name+".html")
		if err != nil {
			return nil, fmt.Errorf("parse template %q: %w", name, err)
		}
		s.byName[name] = t.Lookup("base.html")
	}
	return s, nil
}

// Execute renders the view under a name, for the stream and for tests. The view
// must be of the type that belongs to the name.
func (s *Set) Execute(name string, view any) ([]byte, error) {
	t := s.byName[name]
	if t == nil {
		return nil, fmt.Errorf("render %q: no such template", name)
	}
	if got, want := reflect.TypeOf(view), reflect.TypeOf(views[name]); got != want {
		return nil, fmt.Errorf("render %q: view is a %v, want %v", name, got, want)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, view); err != nil {
		return nil, fmt.Errorf("render %q: %w", name, err)
	}
	return b.Bytes(), nil
}

// Render executes the template into a buffer, and only then writes headers and
// body: a failed template writes nothing, so that the caller can still answer
// with an error. The error of the write itself is returned too.
func (s *Set) Render(w http.ResponseWriter, status int, name string, view any) error {
	body, err := s.Execute(name, view)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}
