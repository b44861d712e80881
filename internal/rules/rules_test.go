// Package rules keeps what go vet cannot know: which package may import which, and under which licences modules come.
package rules

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// imports maps each package of ours to all that its files import, tests left out. Names of ours are short: "pty".
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "convoy/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	list := map[string][]string{}
	in := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		for i := range p.Imports {
			p.Imports[i] = strings.TrimPrefix(p.Imports[i], "convoy/")
		}
		list[strings.TrimPrefix(p.ImportPath, "convoy/")] = p.Imports
	}
}

// TestArrows keeps the arrows between packages as docs/architecture.md draws them.
func TestArrows(t *testing.T) {
	t.Parallel()
	all := imports(t)
	for _, rule := range []struct {
		pkg    string
		may    []string // the packages of ours that it may import
		reason string
	}{
		{"access", nil, "who may do what is asked by those who serve, and knows nothing of them"},
		{"access/openid", []string{"access"}, "a provider gives a name and a role, whoever asks for them"},
		{"fleet", nil, "the list of nodes knows no provider, no cluster and no page"},
		{"pty/screen", nil, "a screen knows bytes, and nothing of processes"},
		{"pty/cast", nil, "recordings are files, whoever makes them"},
		{"pty", []string{"pty/screen", "pty/cast"}, "a shell knows no HTTP and no browser, so that it can be tested and used alone"},
		{"repl/wire", nil, "two processes speak, whatever of"},
		{"repl/lang", nil, "the language asks its node by a function, so that it can be tested and used alone"},
		{"repl/edit", nil, "a line is edited, whatever it means"},
		{"repl", []string{"repl/edit", "repl/lang", "repl/wire"}, "a Convoy shell asks its node by calls, and knows nothing of its parts"},
		{"confine", nil, "a program is kept from its parent, whoever that is"},
		{"files", nil, "a file is bytes in a directory, whoever asks for it"},
		{"audit", nil, "whoever acts is written down by whoever lets them; the log knows nobody, so that it can be verified alone"},
		{"logs", nil, "everything logs, so the log may depend on nothing"},
		{"templates", nil, "templates get values, made under a lock and rendered outside it"},
		{"assets", nil, "files and their hashes are nobody's concern"},
		{"guide", nil, "the guide is text"},
		{"metrics", nil, "figures come from functions, so that it can tell them of anything"},
		{"peer", []string{"fleet"}, "adapters meet in main alone; peer speaks of fleet's members"},
		{"local", []string{"fleet"}, "adapters meet in main alone; a provider speaks of fleet's nodes"},
		{"railway", []string{"fleet"}, "adapters meet in main alone; a provider speaks of fleet's nodes"},
		{"rpc", []string{"peer", "fleet", "pty", "logs", "audit", "access", "repl", "repl/wire"}, "what may be called gets the parts that it works with, and knows no page, no provider and no node"},
		{"handlers", []string{"access", "access/openid", "audit", "fleet", "pty", "pty/cast", "files", "logs", "templates", "assets", "guide"}, "the console reaches the cluster through an interface of its own, and providers through the fleet"},
	} {
		got, ok := all[rule.pkg]
		if !ok {
			t.Errorf("no package %s: strike it from this list", rule.pkg)
		}
		for _, imported := range got {
			if _, ours := all[imported]; ours && !slices.Contains(rule.may, imported) {
				t.Errorf("%s imports %s: %s", rule.pkg, imported, rule.reason)
			}
		}
	}
}

// TestOneImporter keeps every foreign library behind one package, or a few, where its traps are known.
func TestOneImporter(t *testing.T) {
	t.Parallel()
	owners := map[string]string{
		"github.com/go-chi/chi/v5":            "handlers",
		"github.com/r3labs/sse/v2":            "handlers",
		"github.com/hashicorp/memberlist":     "peer",
		"github.com/miekg/dns":                "local",
		"github.com/creack/pty":               "pty",
		"github.com/yuin/goldmark":            "guide",
		"github.com/chromedp/chromedp":        "internal/browser",
		"github.com/Khan/genqlient":           "railway",
		"github.com/coder/websocket":          "railway",
		"github.com/vektah/gqlparser/v2":      "internal/railwaytest",
		"github.com/prometheus/client_golang": "metrics",
		"github.com/landlock-lsm/go-landlock": "repl confine",
		"go.starlark.net":                     "repl/lang",
		"github.com/coreos/go-oidc/v3":        "access/openid",
		"golang.org/x/oauth2":                 "access/openid",
	}
	for pkg, imported := range imports(t) {
		for library, owner := range owners {
			for _, one := range imported {
				if (one == library || strings.HasPrefix(one, library+"/")) && !slices.Contains(strings.Fields(owner), pkg) && !strings.HasPrefix(pkg, "internal/") {
					t.Errorf("%s imports %s, which belongs to %s", pkg, one, owner)
				}
			}
		}
	}
}

// TestOnlyCLI keeps flags, environment and exits in cli, so that nodes can run side by side in one process.
func TestOnlyCLI(t *testing.T) {
	t.Parallel()
	for pkg, imported := range imports(t) {
		if pkg == "cli" || strings.HasPrefix(pkg, "internal/") {
			continue
		}
		if slices.Contains(imported, "flag") {
			t.Errorf("%s imports flag: only cli reads flags", pkg)
		}
	}
	grep := exec.Command("grep", "-rnE", `os\.(Getenv|LookupEnv|Environ|Exit)\(`, "--include=*.go", "fleet", "pty", "files", "audit", "logs", "templates", "assets", "guide", "metrics", "peer", "local", "railway", "repl", "handlers", "rpc")
	grep.Dir = "../.."
	out, err := grep.Output()
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "_test.go:") {
			t.Errorf("only cli reads the environment, and only main exits: %s", strings.TrimSpace(line))
		}
	}
	if err != nil && len(out) > 0 {
		t.Fatal(err)
	}
}
