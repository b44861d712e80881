package rules

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// address is an attribute that a browser or htmx requests.
	address = regexp.MustCompile(`(?:[\s-](?:href|src|action|hx-get|hx-post|hx-put|hx-delete)|[\s;]url)="?([^" >]*)`)
	// below are how such an attribute may begin.
	below = regexp.MustCompile(`^(\{\{base\}\}[/{]|\{\{asset$|#|[a-z-]*$)`)
	// absolute is a path in a script that begins at the top of the site.
	absolute = regexp.MustCompile("[\"'`]/[A-Za-z$?]|\\b(go|call|fetch|assign|replace|URL)\\(\"/\"")
)

// bypassing returns the addresses of a template or a script that ignore the path of the console.
func bypassing(name, source string) (found []string) {
	if filepath.Ext(name) == ".js" {
		for line := range strings.Lines(source) {
			if code := strings.TrimSpace(line); absolute.MatchString(code) {
				found = append(found, code)
			}
		}
		return found
	}
	for _, match := range address.FindAllStringSubmatch(source, -1) {
		if !below.MatchString(match[1]) {
			found = append(found, strings.TrimSpace(match[0]))
		}
	}
	return found
}

// TestPathsAreBelowTheConsole: with -base-path, templates begin each address with {{base}}, and scripts with root of
// key.js.
func TestPathsAreBelowTheConsole(t *testing.T) {
	t.Parallel()
	for source, name := range map[string]string{
		`<a href="/guide">`: "x.html", `<form method="post" action="{{.Path}}">`: "x.html", `<i hx-get="nodes/x">`: "x.html",
		`<meta content="0; url={{.Next}}">`: "x.html", `<i data-src="/x">`: "x.html", `<a href=/x>`: "x.html",
		"call(\"/nodes\")": "x.js", "go('/x')": "x.js", "open(`/nodes/${a}`)": "x.js", `go("/")`: "x.js",
	} {
		if len(bypassing(name, source)) != 1 {
			t.Errorf("%s passes", source)
		}
	}
	read := 0
	for _, pattern := range []string{"../../templates/*.html", "../../assets/js/*.js"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			read++
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range bypassing(name, string(source)) {
				t.Errorf("%s: %s ignores -base-path", name, one)
			}
		}
	}
	if read < 80 {
		t.Errorf("only %d files were read", read)
	}
}
