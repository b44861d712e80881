package lang

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Candidate is a possible completion.
type Candidate struct {
	Text string `json:"text"` // the whole word
	Doc  string `json:"doc"`  // one line, may be empty
}

var (
	lastWord = regexp.MustCompile(`[A-Za-z_][\w.]*$`)
	openText = regexp.MustCompile(`["']([^"']*)$`)
)

// Complete lists completions for the end of line, and how many bytes of the line they replace: names, attributes, and
// inside quotes the names of nodes and functions.
func (s *Session) Complete(ctx context.Context, line string) (list []Candidate, replaces int) {
	if m := openText.FindStringSubmatch(line); m != nil && strings.Count(line, `"`)%2+strings.Count(line, `'`)%2 == 1 {
		return s.completeText(ctx, m[1]), len(m[1])
	}
	word := lastWord.FindString(line)
	base, prefix, dotted := cutLast(word)
	names := slices.Concat(s.globals.Keys(), starlark.Universe.Keys(), keywords)
	if dotted {
		names = s.attributes(base)
	}
	for _, name := range names {
		if strings.HasPrefix(name, prefix) && !slices.ContainsFunc(list, func(c Candidate) bool { return c.Text == name }) {
			list = append(list, Candidate{name, s.docOf(base, name)})
		}
	}
	slices.SortFunc(list, func(a, b Candidate) int { return strings.Compare(a.Text, b.Text) })
	return list, len(prefix)
}

var keywords = strings.Fields("and break continue def elif else for if in lambda not or pass return while")

// cutLast splits a.b.c into a.b and c.
func cutLast(word string) (base, last string, dotted bool) {
	if i := strings.LastIndexByte(word, '.'); i >= 0 {
		return word[:i], word[i+1:], true
	}
	return "", word, false
}

// attributes lists the attributes of a dotted path of names. It calls nothing.
func (s *Session) attributes(path string) []string {
	parts := strings.Split(path, ".")
	value := s.globals[parts[0]]
	for _, part := range parts[1:] {
		with, ok := value.(starlark.HasAttrs)
		if !ok {
			return nil
		}
		value, _ = with.Attr(part)
	}
	if with, ok := value.(starlark.HasAttrs); ok {
		return with.AttrNames()
	}
	return nil
}

// docOf returns the first sentence of a built-in function's help.
func (s *Session) docOf(base, name string) string {
	if base != "" {
		name = strings.Replace(base, "Node", "node", 1) + "." + name
	}
	for _, e := range entries() {
		if e.name == name {
			first, _, _ := strings.Cut(e.doc, ". ")
			return strings.TrimSuffix(first, ".")
		}
	}
	return ""
}

// completeText lists nodes and functions of the node.
func (s *Session) completeText(ctx context.Context, prefix string) (list []Candidate) {
	for _, fn := range []string{"fleet.names", "rpc.functions"} {
		raw, err := s.cfg.Node.Call(ctx, fn, nil)
		var names []string
		if err != nil || json.Unmarshal(raw, &names) != nil {
			continue
		}
		for _, name := range names {
			if strings.HasPrefix(name, prefix) {
				list = append(list, Candidate{Text: name})
			}
		}
	}
	return list
}

// recordDefs keeps the source of the functions that a file defines, for Definitions.
func (s *Session) recordDefs(file *syntax.File) {
	lines := strings.Split(s.sources[file.Path], "\n")
	for _, stmt := range file.Stmts {
		def, ok := stmt.(*syntax.DefStmt)
		if !ok {
			continue
		}
		start, end := def.Span()
		if int(end.Line) > len(lines) {
			continue
		}
		s.defs[def.Name.Name] = strings.Join(lines[start.Line-1:end.Line], "\n")
	}
}

// Definitions returns source that restores the session's functions and plain data, at most limit bytes. Running it
// calls nothing.
func (s *Session) Definitions(limit int) string {
	var b strings.Builder
	for _, name := range s.globals.Keys() {
		value := s.globals[name]
		if s.library[name] == value {
			continue
		}
		text := ""
		if _, ok := value.(*starlark.Function); ok && s.defs[name] != "" {
			text = s.defs[name] + "\n"
		} else if plain(value, 0) {
			text = name + " = " + value.String() + "\n"
		}
		if b.Len()+len(text) <= limit {
			b.WriteString(text)
		}
	}
	return b.String()
}

// plain reports whether a value's text evaluates to the same value.
func plain(v starlark.Value, depth int) bool {
	switch v := v.(type) {
	case starlark.NoneType, starlark.Bool, starlark.Int, starlark.Float, starlark.String, starlark.Bytes:
		return true
	case *starlark.List, starlark.Tuple:
		return depth < maxDepth && allPlain(v.(starlark.Iterable), depth)
	case *starlark.Dict:
		return depth < maxDepth &&
			!slices.ContainsFunc(v.Items(), func(item starlark.Tuple) bool { return !plain(item, depth+1) })
	}
	return false
}

func allPlain(list starlark.Iterable, depth int) bool {
	for e := range starlark.Elements(list) {
		if !plain(e, depth+1) {
			return false
		}
	}
	return true
}
