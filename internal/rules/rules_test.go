// Package rules keeps what go vet cannot know: which package may import which, and under which licences modules come.
package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// listed is a package of ours as go list tells of it.
type listed struct {
	ImportPath, Dir         string
	GoFiles, IgnoredGoFiles []string // tests left out; the ignored are for other systems
	Imports                 []string
}

// name is the package's path below the module's: "pty"; of the main package it is "main".
func (p listed) name() string { return short(p.ImportPath) }

// short is an import path of ours without the module; any other stays.
func short(path string) string {
	if path == "convoy" {
		return "main"
	}
	return strings.TrimPrefix(path, "convoy/")
}

// list asks go list once for all packages of ours.
var list = sync.OnceValues(func() (all []listed, err error) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,IgnoredGoFiles,Imports", "convoy/...").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	in := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

// packages are all packages of ours.
func packages(t *testing.T) []listed {
	t.Helper()
	all, err := list()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// row says which packages of ours one may import. One that ends in / is all below it; * is every package.
type row struct {
	pkg    string
	may    string
	reason string
}

// rows are the arrows as docs/architecture.md draws them.
var rows = []row{
	{"main", "cli", "it calls cli, and nothing else, so that tests can run the whole program by cli.Run"},
	{"cli", "cli/answer cli/launch node access access/openid audit confine confine/sandbox files fleet " +
		"handlers/session handlers/web local notify peer railway repl supervisor",
		"it reads flags and environment into node.Config, and each package checks its own settings"},
	{"cli/answer", "version", "it initializes before packages that import more"},
	{"cli/launch", "confine supervisor", "it initializes before packages that import more"},
	{"node", "access access/openid audit confine confine/sandbox files fleet handlers handlers/live handlers/web local " +
		"logs metrics notify peer pty pty/cast push railway repl repl/wire rpc stats supervisor version",
		"it connects the parts of one running Convoy; how that was started does not matter here"},
	{"rpc", "access audit fleet logs peer pty repl repl/wire stats",
		"functions get the parts that they need, and know no page, no provider and no node"},
	{"handlers", "access access/openid assets audit files fleet guide handlers/alerts handlers/chart handlers/hop " +
		"handlers/live handlers/outcome handlers/session handlers/share handlers/web logs " +
		"notify pty pty/cast push stats templates",
		"the console reaches cluster and rpc through interfaces of its own, and providers through the fleet"},
	{"handlers/hop", "fleet handlers/web pty pty/cast",
		"how a request reaches another node does not depend on what it asks"},
	{"handlers/chart", "stats templates", "drawing numbers takes no node and no request"},
	{"handlers/live", "access assets fleet handlers/chart handlers/hop handlers/session handlers/web logs pty stats " +
		"templates",
		"streams show what others serve, to logins and to guests alike"},
	{"handlers/outcome", "templates", "comparing outputs takes no node and no request"},
	{"handlers/share", "access handlers/hop handlers/live handlers/session handlers/web pty templates",
		"a guest reaches one shell, through live and session"},
	{"handlers/alerts", "access handlers/session handlers/web notify pty push templates",
		"a user is told of a shell with the rights that they have then"},
	{"handlers/session", "access access/openid audit fleet handlers/web pty templates",
		"the user of a request is known before its route"},
	{"handlers/web", "templates", "errors, decoding and deadlines know no login and no shell"},
	{"peer", "fleet", "adapters meet in node alone; peer speaks of fleet's members"},
	{"local", "fleet", "adapters meet in node alone; a provider speaks of fleet's nodes"},
	{"railway", "fleet", "adapters meet in node alone; a provider speaks of fleet's nodes"},
	{"access", "", "rights do not depend on the packages that ask for them"},
	{"access/openid", "access", "a provider of logins gives a name and a role"},
	{"assets", "", "files and their hashes need nothing"},
	{"audit", "", "callers describe the actions; the log can be verified alone"},
	{"confine", "", "confinement does not depend on what is confined, and initializes before most packages"},
	{"confine/sandbox", "confine", "a sandbox does not depend on what is confined"},
	{"files", "", "a file is bytes in a directory"},
	{"fleet", "", "the list of nodes knows no provider, no cluster and no page"},
	{"guide", "", "the guide is text"},
	{"logs", "", "everything logs, so the log may depend on nothing"},
	{"notify", "", "it posts messages, and does not know why"},
	{"metrics", "", "values come from functions, so metrics know no other package"},
	{"pty", "pty/cast pty/journal pty/screen",
		"a shell knows no HTTP and no browser, so that it can be tested and used alone"},
	{"push", "access notify", "a browser gets messages for a login, and a push service is tried as any other"},
	{"pty/cast", "", "recordings are files"},
	{"pty/journal", "", "shared memory knows bytes and numbers, and nothing of processes and screens"},
	{"pty/screen", "", "a screen knows bytes, and nothing of processes"},
	{"repl", "repl/edit repl/lang repl/wire", "a Convoy shell asks its node by calls, and knows nothing of its parts"},
	{"repl/edit", "", "editing does not depend on what a line means"},
	{"repl/lang", "", "the language asks its node by a function, so that it can be tested and used alone"},
	{"repl/wire", "", "it carries calls, and does not know what they mean"},
	{"stats", "", "what is sampled does not depend on who asks"},
	{"version", "", "it initializes before most packages"},
	{"supervisor", "", "it must stay small, and cannot crash for what others do"},
	{"templates", "", "templates get values, made under a lock and rendered outside it"},
	{"e2e", "*", "it tests whole programs"},
	{"internal/", "*", "kits and tools are no part of the program"},
}

// matches reports whether a package is in a list with spaces.
func matches(list, pkg string) bool {
	return slices.ContainsFunc(strings.Fields(list), func(one string) bool {
		return one == pkg || one == "*" || strings.HasSuffix(one, "/") && strings.HasPrefix(pkg, one)
	})
}

// outside reports whether a package is no part of the program: a test, a kit or a tool.
func outside(pkg string) bool { return pkg == "e2e" || strings.HasPrefix(pkg, "internal/") }

// TestArrows keeps the arrows between packages. A package without a row fails, and so does a row without a package.
func TestArrows(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, p := range packages(t) {
		i := slices.IndexFunc(rows, func(one row) bool { return matches(one.pkg, p.name()) })
		if i < 0 {
			t.Errorf("%s has no row: say what it may import, and why no more", p.name())
			continue
		}
		used[rows[i].pkg] = true
		for _, path := range p.Imports {
			if ours := strings.HasPrefix(path, "convoy/"); ours && !matches(rows[i].may, short(path)) {
				t.Errorf("%s imports %s: %s", p.name(), short(path), rows[i].reason)
			}
			if outside(short(path)) && !outside(p.name()) {
				t.Errorf("%s imports %s, which is no part of the program", p.name(), short(path))
			}
		}
	}
	for _, one := range rows {
		if !used[one.pkg] {
			t.Errorf("there is no package %s: strike its row", one.pkg)
		}
	}
}

// owners are the packages that may import a library. Most have one: the traps of a library are known in one place, and
// another can take its place there. golang.org/x/sys is the system's own interface, for whoever needs it.
var owners = map[string]string{
	"github.com/Khan/genqlient":             "railway",
	"github.com/SherClockHolmes/webpush-go": "push",
	"github.com/alecthomas/chroma/v2":       "guide",
	"github.com/coder/websocket":            "railway",
	"github.com/coreos/go-oidc/v3":          "access/openid",
	"github.com/creack/pty":                 "pty",
	"github.com/go-chi/chi/v5":              "handlers handlers/",
	"github.com/hashicorp/memberlist":       "peer",
	"github.com/landlock-lsm/go-landlock":   "confine repl", // each locks down processes of its own, by other rules
	"github.com/miekg/dns":                  "local",
	"github.com/prometheus/client_golang":   "metrics",
	"github.com/prometheus/procfs":          "stats",
	"github.com/r3labs/sse/v2":              "handlers/live",
	"github.com/rivo/uniseg":                "repl/edit repl/lang", // how wide text is, on a line and in a table
	"github.com/yuin/goldmark":              "guide",
	"go.etcd.io/bbolt":                      "access",
	"go.starlark.net":                       "repl/lang",
	"golang.org/x/crypto":                   "access",
	"golang.org/x/oauth2":                   "access/openid",
	"golang.org/x/sys":                      "*",
	"golang.org/x/term":                     "cli",
}

// TestOneImporter keeps every foreign library behind one package. A library without owners fails, and so does one that
// nobody imports.
func TestOneImporter(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, p := range packages(t) {
		if outside(p.name()) {
			continue
		}
		for _, path := range p.Imports {
			if host, _, _ := strings.Cut(path, "/"); !strings.Contains(host, ".") {
				continue
			}
			library := libraryOf(path)
			used[library] = true
			if library == "" {
				t.Errorf("%s imports %s, which has no owner", p.name(), path)
			} else if !matches(owners[library], p.name()) {
				t.Errorf("%s imports %s, which belongs to %s", p.name(), path, owners[library])
			}
		}
	}
	for library := range owners {
		if !used[library] {
			t.Errorf("nobody imports %s: strike it", library)
		}
	}
}

// libraryOf is the library that an import path belongs to, "" if it has no owner.
func libraryOf(path string) string {
	for library := range owners {
		if path == library || strings.HasPrefix(path, library+"/") {
			return library
		}
	}
	return ""
}

// reads are the functions and variables of os by which a program learns how it was started, or changes that.
var reads = []string{
	"Args", "Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv", "UserHomeDir",
}

// TestOnlyCLI keeps flags and environment in cli, and exits in main, so that nodes can run side by side in one process.
// cli/launch is a program of its own, in the process of a system shell, and cli/answer comes before all of cli. The
// supervisor is a process, and has variables of its own. Files for other systems are looked at, too.
func TestOnlyCLI(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if outside(p.name()) || slices.Contains([]string{"cli/launch", "cli/answer", "supervisor"}, p.name()) {
			continue
		}
		if slices.Contains(p.Imports, "flag") && p.name() != "cli" {
			t.Errorf("%s imports flag: only cli reads flags", p.name())
		}
		for _, file := range slices.Concat(p.GoFiles, p.IgnoredGoFiles) {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, name := range usesOfOS(t, filepath.Join(p.Dir, file)) {
				if slices.Contains(reads, name) && p.name() != "cli" {
					t.Errorf("%s/%s has os.%s: only cli reads flags and environment", p.name(), file, name)
				}
				if name == "Exit" && p.name() != "main" {
					t.Errorf("%s/%s has os.Exit: only main exits", p.name(), file)
				}
			}
		}
	}
}

// usesOfOS are the names that a file takes from the package os.
func usesOfOS(t *testing.T, file string) (names []string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := selector.X.(*ast.Ident); ok && of.Name == "os" {
				names = append(names, selector.Sel.Name)
			}
		}
		return true
	})
	return names
}
