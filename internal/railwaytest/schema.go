package railwaytest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
)

// schema is one schema that operations must fit.
type schema struct {
	name string
	*ast.Schema
}

var load = sync.OnceValues(func() ([]schema, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	own, err := loadFile("the project's schema", filepath.Join(root, "railway", "schema.graphql"))
	if err != nil {
		return nil, err
	}
	list := []schema{own}
	if path := FullSchema(root); path != "" {
		full, err := loadFile("Railway's schema", path)
		if err != nil {
			return nil, err
		}
		list = append(list, full)
	}
	return list, nil
})

// schemas returns the project's own schema, and after it the full one if that is at hand.
func schemas(t testing.TB) []schema {
	t.Helper()
	list, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func loadFile(name, path string) (schema, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return schema{}, err
	}
	s, err := gqlparser.LoadSchema(&ast.Source{Name: path, Input: string(text)})
	if err != nil {
		return schema{}, err
	}
	return schema{name, s}, nil
}

// Root finds the directory of go.mod, upwards from the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod above %s", dir)
		}
	}
}

// FullSchema finds shared/railway/schema.graphql in a directory above the repository; empty: it is not there.
func FullSchema(root string) string {
	for dir := filepath.Dir(root); ; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "shared", "railway", "schema.graphql")
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// request is one GraphQL request.
type request struct {
	Query     string         `json:"query"`
	Variables map[string]any `json:"variables"`
	Name      string         `json:"operationName"`
}

// documents are those that were validated before, by schema and text: they are few, and validating takes long.
var documents sync.Map

type document struct{ schema, text string }

// document parses and validates an operation.
func (s schema) document(text string) (*ast.QueryDocument, error) {
	key := document{s.name, text}
	if doc, ok := documents.Load(key); ok {
		return doc.(*ast.QueryDocument), nil
	}
	doc, list := gqlparser.LoadQuery(s.Schema, text)
	if len(list) > 0 {
		return nil, list
	}
	documents.Store(key, doc)
	return doc, nil
}

// check parses and validates a request against all schemas, and returns its operation in the project's own.
func (s *Server) check(text []byte) (req request, op *ast.OperationDefinition, err error) {
	if err := json.Unmarshal(text, &req); err != nil {
		return req, nil, fmt.Errorf("request is no JSON: %w", err)
	}
	if path := nullIn(req.Variables, ""); path != "" {
		return req, nil, fmt.Errorf("operation %s: variable %s is an explicit null, which unsets", req.Name, path)
	}
	for i, one := range s.schemas {
		doc, err := one.document(req.Query)
		if err != nil {
			return req, nil, fmt.Errorf("operation %s does not fit %s: %w", req.Name, one.name, err)
		}
		found := doc.Operations.ForName(req.Name)
		if found == nil {
			return req, nil, fmt.Errorf("no operation %q in its own document", req.Name)
		}
		values, err := validator.VariableValues(one.Schema, found, req.Variables)
		if err != nil {
			return req, nil, fmt.Errorf("variables of %s do not fit %s: %w", req.Name, one.name, err)
		}
		if i == 0 {
			op, req.Variables = found, values
		}
	}
	return req, op, nil
}

// nullIn finds an explicit null.
func nullIn(value any, path string) string {
	switch v := value.(type) {
	case nil:
		if path == "" {
			return "" // no variables at all
		}
		return path
	case map[string]any:
		for key, inner := range v {
			if found := nullIn(inner, path+"."+key); found != "" {
				return found
			}
		}
		return ""
	default:
		return ""
	}
}

// object is a value of some type, with all its fields.
type object = map[string]any

// cutter makes a page of a list that a field has.
type cutter func(field *ast.Field, value any) any

// project takes from a value what the selection asks for. It panics with an error when the value lacks a field: the
// fake is wrong then.
func project(cut cutter, selection ast.SelectionSet, typ *ast.Type, value any) any {
	if value == nil {
		if typ.NonNull {
			panic(fmt.Errorf("the fake has null for %s", typ))
		}
		return nil
	}
	if typ.Elem != nil {
		list := []any{}
		for _, one := range value.([]object) {
			list = append(list, project(cut, selection, typ.Elem, one))
		}
		return list
	}
	whole, ok := value.(object)
	if !ok || len(selection) == 0 {
		return value
	}
	out := object{}
	collect(cut, selection, whole, out)
	return out
}

func collect(cut cutter, selection ast.SelectionSet, whole, out object) {
	for _, one := range selection {
		switch f := one.(type) {
		case *ast.Field:
			value, ok := whole[f.Name]
			if !ok {
				panic(fmt.Errorf("the fake has no field %s.%s", f.ObjectDefinition.Name, f.Name))
			}
			out[f.Alias] = project(cut, f.SelectionSet, f.Definition.Type, cut(f, value))
		case *ast.FragmentSpread:
			collect(cut, f.Definition.SelectionSet, whole, out)
		case *ast.InlineFragment:
			collect(cut, f.SelectionSet, whole, out)
		}
	}
}
