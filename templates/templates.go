// Package templates renders the console's HTML.
//
// Every page and partial is a template with a Go struct, its view. A view holds only values: handlers fill it, under
// the locks that they need, and render it afterwards. One partial serves the page, the htmx response, and the stream's
// event, so that all three agree. views lists the names.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"sync"
)

//go:embed *.html
var files embed.FS

// partials can be rendered alone and used by pages.
var partials = []string{
	"node_list", "fleet_head", "node", "node_row",
	"steps", "log_lines", "log_view", "notice", "confirm", "shell_list", "shell_state",
	"answers", "alert", "push", "code_tools", "login_list",
	"share_links", "run_mark", "run_nodes", "run_state", "step_results", "run_update", "node_choices", "question",
	"shell_pane", "link", "sparks", "chart", "found",
}

// views maps the names that Render accepts to their views.
var views = map[string]any{
	"console":      Console{},
	"share":        Share{},
	"login":        Login{},
	"entered":      Entered{},
	"opening":      Opening{},
	"guide":        Guide{},
	"runbooks":     Runbooks{},
	"runbook":      Runbook{},
	"details":      Details{},
	"error":        Error{},
	"recordings":   Recordings{},
	"logins":       Logins{},
	"login_list":   LoginList{},
	"share_links":  ShareLinks{},
	"step_results": StepResults{},
	"run_nodes":    RunNodes{},
	"node_choices": []RunNode{},
	"run_update":   RunUpdate{},
	"audit":        Audit{},
	"player":       Player{},
	"node_list":    NodeList{},
	"fleet_head":   FleetHead{},
	"node":         Node{},
	"node_row":     Row{},
	"log_lines":    LogLines{},
	"question":     Question{},
	"notice":       Notice{},
	"shell_list":   ShellList{},
	"shell_state":  Doings{},
	"alert":        AlertForm{},
	"push":         Push{},
	"offline":      Offline{},
	"answers":      Shell{},
	"stats":        Stats{},
	"sparks":       Sparks{},
	"found":        Found{},
}

// Set holds all templates. It is safe for concurrent use.
type Set struct {
	byName map[string]func() (*template.Template, error)
}

// New parses the partials. A page is parsed when it is first rendered: most nodes never render one, and each takes a
// copy of the partials. base is the prefix of all paths, such as /convoy, or "". assetPath returns the path of an
// asset, such as "dist/console.js"; it is called during rendering.
func New(base string, assetPath func(string) string) (*Set, error) {
	shared := template.New("").Funcs(funcs(base, assetPath))
	for _, name := range partials {
		if _, err := shared.ParseFS(files, name+".html"); err != nil {
			return nil, fmt.Errorf("parse template %q: %w", name, err)
		}
	}
	s := &Set{byName: make(map[string]func() (*template.Template, error))}
	alone := sync.OnceValues(shared.Clone) // a template that has been rendered cannot be cloned
	for name := range views {
		if slices.Contains(partials, name) {
			s.byName[name] = func() (*template.Template, error) {
				t, err := alone()
				if err != nil {
					return nil, err
				}
				return t.Lookup(name + ".html"), nil
			}
			continue
		}
		s.byName[name] = sync.OnceValues(func() (*template.Template, error) { return parsePage(shared, name) })
	}
	return s, nil
}

// parsePage parses a page, which uses shared partials.
func parsePage(shared *template.Template, name string) (*template.Template, error) {
	t, err := shared.Clone()
	if err != nil {
		return nil, err
	}
	if t, err = t.ParseFS(files, "base.html", name+".html"); err != nil {
		return nil, err
	}
	return t.Lookup("base.html"), nil
}

// Execute renders a view, for the stream and for tests. Its type must match the name.
func (s *Set) Execute(name string, view any) ([]byte, error) {
	lookup := s.byName[name]
	if lookup == nil {
		return nil, fmt.Errorf("render %q: no such template", name)
	}
	if got, want := reflect.TypeOf(view), reflect.TypeOf(views[name]); got != want {
		return nil, fmt.Errorf("render %q: view is a %v, want %v", name, got, want)
	}
	t, err := lookup()
	if err != nil {
		return nil, fmt.Errorf("parse template %q: %w", name, err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, view); err != nil {
		return nil, fmt.Errorf("render %q: %w", name, err)
	}
	return b.Bytes(), nil
}

// Render executes the template into a buffer before it writes headers and body: a failed template writes nothing, so
// that the caller can still respond with an error. It also returns write errors.
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
