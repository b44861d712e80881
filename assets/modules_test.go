package assets

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestModules follows imports through a cycle, a diamond, and another directory, but not import().
func TestModules(t *testing.T) {
	t.Parallel()
	tr, err := read(fstest.MapFS{
		"js/page.js":     {Data: []byte("import { a } from \"./a.js\";\nimport './b.js';\nawait import(\"./late.js\");\n")},
		"js/a.js":        {Data: []byte("import { b } from \"./b.js\";\nexport { x } from \"../vendor/x/x.mjs\";\n")},
		"js/b.js":        {Data: []byte("import { a } from \"./a.js\";\n// import \"./late.js\";\n")},
		"js/late.js":     {Data: []byte("import { a } from \"./a.js\";\n")},
		"vendor/x/x.mjs": {Data: []byte("export {}")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for entry, want := range map[string][]string{
		"js/page.js": {"js/a.js", "js/b.js", "vendor/x/x.mjs"},
		"js/late.js": {"js/a.js", "js/b.js", "vendor/x/x.mjs"},
		"js/b.js":    {"js/a.js", "vendor/x/x.mjs"},
	} {
		for range 2 { // the second result is cached
			if got := tr.modules(entry); !slices.Equal(got, want) {
				t.Errorf("%s imports %q, want %q", entry, got, want)
			}
		}
	}
}

// TestImports_AreOneLineEach keeps imports in the form that Modules parses, and their paths valid.
func TestImports_AreOneLineEach(t *testing.T) {
	t.Parallel()
	tr := whole()
	statement := regexp.MustCompile(`^\s*import\b[^(.]|^[^/]*\bfrom\s*["']`)
	read := 0
	for name, file := range tr.files {
		if !strings.HasPrefix(name, "js/") {
			continue
		}
		lines := map[string]bool{}
		for line := range bytes.Lines(file.body) {
			if statement.Match(line) {
				lines[string(line)] = true
			}
		}
		imports := tr.imports(name)
		read += len(imports)
		if len(imports) != len(lines) {
			t.Errorf("%s imports %q, but has these lines, of which each must be a whole import: %v", name, imports, lines)
		}
		for _, imported := range imports {
			if _, ok := tr.files[imported]; !ok || path.Ext(imported) == "" {
				t.Errorf("%s imports %s, which does not exist", name, imported)
			}
		}
	}
	if read < 100 {
		t.Errorf("only %d imports were found", read)
	}
	console := Modules("js/console.js")
	for _, want := range []string{"js/key.js", "js/shell.js", "vendor/xterm/xterm.mjs",
		"vendor/xterm-addon-fit/addon-fit.mjs"} {
		if !slices.Contains(console, want) {
			t.Errorf("js/console.js imports %q, without %s", console, want)
		}
	}
	if slices.Contains(console, "vendor/xterm-addon-webgl/addon-webgl.mjs") {
		t.Error("a module that is loaded when it is needed is preloaded")
	}
}
