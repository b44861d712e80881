package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// unread is the page with the list.
var unread = []string{"docs/style.md"}

// text is a piece of what people read, without its code.
type text struct {
	file string
	line int
	text string
}

// extractors are the functions that find the texts of a file other than Go, by its extension.
var extractors = map[string]func(file, source string) []text{
	".md": markdown, ".html": markup, ".js": script, ".txt": markdown,
}

// prose is all that people read: pages, templates, the page's scripts, usage texts and errors.
func prose(t *testing.T) []text {
	t.Helper()
	var all []text
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		name := filepath.ToSlash(strings.TrimPrefix(path, "../../"))
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if name == "cli/testdata" {
				return nil // usage texts
			}
			if slices.Contains([]string{".git", "testdata", "node_modules", "dist", "vendor", "internal", "e2e"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		case slices.Contains(unread, name) || strings.HasSuffix(name, "_test.go"):
			return nil
		case strings.HasSuffix(name, ".go"):
			all = append(all, goTexts(t, path)...)
			return nil
		}
		extract := extractors[filepath.Ext(name)]
		if extract == nil {
			return nil
		}
		source, err := os.ReadFile(path)
		all = append(all, extract(name, string(source))...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var (
	fence    = regexp.MustCompile("^\\s*(````*)")
	codeSpan = regexp.MustCompile("``[^`]+``|`[^`]+`")
	target   = regexp.MustCompile(`\]\([^)]*\)`)
)

// markdown are the lines of a page outside blocks of code, without code and the addresses of links.
func markdown(file, source string) []text {
	var all []text
	open := "" // the fence of the block that the line is in
	for i, line := range strings.Split(source, "\n") {
		if match := fence.FindStringSubmatch(line); match != nil {
			switch {
			case open == "":
				open = match[1]
			case len(match[1]) >= len(open):
				open = ""
			}
			continue
		}
		if open == "" {
			all = append(all, text{file, i + 1, target.ReplaceAllString(codeSpan.ReplaceAllString(line, "`"), "]")})
		}
	}
	return all
}

var (
	action    = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	codeTag   = regexp.MustCompile(`(?s)<code>.*?</code>`)
	tag       = regexp.MustCompile(`(?s)<[a-zA-Z/!][^>]*>`)
	attribute = regexp.MustCompile(
		`(?s)\b(?:title|aria-label|placeholder|alt|data-ask-\w+|hx-confirm)="([^"]*)"`,
	)
)

// markup are a template's texts and the attributes that are read, without its actions and its code. Each is on a line.
func markup(file, source string) []text {
	blank := func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) + " " }
	source = codeTag.ReplaceAllStringFunc(action.ReplaceAllStringFunc(source, blank), blank)
	var all []text
	for _, at := range attribute.FindAllStringSubmatchIndex(source, -1) {
		all = append(all, text{file, 1 + strings.Count(source[:at[0]], "\n"), source[at[2]:at[3]]})
	}
	for i, line := range strings.Split(tag.ReplaceAllStringFunc(source, blank), "\n") {
		all = append(all, text{file, i + 1, line})
	}
	return all
}

var (
	remark  = regexp.MustCompile(`(^|\s)(//|\*|/\*).*`)
	literal = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
)

// script are the strings of a script that have a blank, and so may be read by people.
func script(file, source string) []text {
	var all []text
	for i, line := range strings.Split(source, "\n") {
		for _, found := range literal.FindAllString(remark.ReplaceAllString(line, ""), -1) {
			all = append(all, text{file, i + 1, found})
		}
	}
	return all
}

// speaking are the functions that take a text for people.
var speaking = []string{"New", "Errorf", "Hintf", "hint", "BadRequest", "refuse", "stray"}

// goTexts are the strings of a Go file that people see: of errors, of problems' texts and hints, and of usage texts.
func goTexts(t *testing.T, path string) []text {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []text
	take := func(in ast.Expr) {
		for _, one := range literals(in) {
			value, err := strconv.Unquote(one.Value)
			if err != nil {
				t.Fatal(err)
			}
			begin := files.Position(one.Pos())
			for i, line := range strings.Split(value, "\n") {
				all = append(all, text{strings.TrimPrefix(begin.Filename, "../../"), begin.Line + i, line})
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if slices.Contains(speaking, called(n)) {
				for _, arg := range n.Args {
					take(arg)
				}
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Text" || key.Name == "Hint") {
				take(n.Value)
			}
		case *ast.ValueSpec:
			if strings.HasSuffix(strings.ToLower(n.Names[0].Name), "usage") && len(n.Values) > 0 {
				take(n.Values[0])
			}
		}
		return true
	})
	return all
}

// literals are the strings that an expression is, adds up, or formats.
func literals(in ast.Expr) []*ast.BasicLit {
	switch in := in.(type) {
	case *ast.BasicLit:
		if in.Kind == token.STRING {
			return []*ast.BasicLit{in}
		}
	case *ast.BinaryExpr:
		return append(literals(in.X), literals(in.Y)...)
	case *ast.CallExpr:
		if called(in) == "Sprintf" {
			return literals(in.Args[0])
		}
	}
	return nil
}

// called is the name of the function that a call calls, without its package.
func called(call *ast.CallExpr) string {
	switch fn := call.Fun.(type) {
	case *ast.Ident:
		return fn.Name
	case *ast.SelectorExpr:
		return fn.Sel.Name
	}
	return ""
}
