package rules

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	maxColumns  = 120
	maxFile     = 450 // lines
	maxFunction = 60  // lines
)

// Lines have at most 120 columns. Texts in backquotes that take more than one line, and words that cannot be divided,
// are as long as they are.
func TestLineLength(t *testing.T) {
	forEachFile(t, func(path string, source []byte) {
		texts := rawTexts(source)
		for i, line := range strings.Split(string(source), "\n") {
			if n := utf8.RuneCountInString(line); n > maxColumns && !texts[i+1] && len(strings.Fields(line)) > 4 {
				t.Errorf("%s:%d has %d columns, at most %d are allowed", path, i+1, n, maxColumns)
			}
		}
	})
}

// rawTexts are the numbers of the lines that a text in backquotes of several lines reaches.
func rawTexts(source []byte) map[int]bool {
	files, lines := token.NewFileSet(), map[int]bool{}
	file := files.AddFile("", files.Base(), len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)
	for {
		at, kind, text := s.Scan()
		if kind == token.EOF {
			return lines
		}
		if n := strings.Count(text, "\n"); kind == token.STRING && n > 0 {
			for i := range n + 1 {
				lines[file.Line(at)+i] = true
			}
		}
	}
}

// Files and functions can be read in one go.
func TestSizes(t *testing.T) {
	forEachFile(t, func(path string, source []byte) {
		if n := bytes.Count(source, []byte("\n")); n > maxFile {
			t.Errorf("%s has %d lines, at most %d are allowed", path, n, maxFile)
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := files.Position(fn.End()).Line - files.Position(fn.Pos()).Line + 1
			name := fmt.Sprintf("%s.%s", file.Name.Name, fn.Name.Name)
			if n > maxFunction {
				t.Errorf("%s: %s has %d lines, at most %d are allowed", path, name, n, maxFunction)
			}
		}
	})
}

// forEachFile calls fn with every Go file that is not generated.
func forEachFile(t *testing.T, fn func(path string, source []byte)) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "testdata", "node_modules"}, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go" || entry.Name() == "generated.go":
			return nil
		}
		source, err := os.ReadFile(path)
		if err == nil {
			fn(strings.TrimPrefix(filepath.ToSlash(path), "../../"), source)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
