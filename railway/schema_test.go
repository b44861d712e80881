package railway

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"convoy/internal/railwaytest"
)

func schemaAt(t *testing.T, path string) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := gqlparser.LoadSchema(&ast.Source{Name: path, Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fullSchema(t *testing.T) *ast.Schema {
	t.Helper()
	root, err := railwaytest.Root()
	if err != nil {
		t.Fatal(err)
	}
	path := railwaytest.FullSchema(root)
	if path == "" {
		t.Skip("Railway's full schema is not at hand: there is no shared/railway/schema.graphql beside the repository")
	}
	return schemaAt(t, path)
}

// TestSchema_IsPartOfRailways compares the project's schema with Railway's, type by type and field by field.
func TestSchema_IsPartOfRailways(t *testing.T) {
	full, own := fullSchema(t), schemaAt(t, "schema.graphql")
	for name, typ := range own.Types {
		if typ.BuiltIn {
			continue
		}
		theirs := full.Types[name]
		if theirs == nil || theirs.Kind != typ.Kind {
			t.Errorf("type %s is not Railway's", name)
			continue
		}
		if typ.Kind == ast.Enum {
			compareEnums(t, typ, theirs)
		}
		for _, field := range typ.Fields {
			if !strings.HasPrefix(field.Name, "__") {
				compareFields(t, name, field, theirs.Fields.ForName(field.Name))
			}
		}
		if typ.Kind == ast.InputObject {
			for _, field := range theirs.Fields {
				if field.Type.NonNull && field.DefaultValue == nil && typ.Fields.ForName(field.Name) == nil {
					t.Errorf("%s.%s must be given, and the project's schema lacks it", name, field.Name)
				}
			}
		}
	}
}

func compareEnums(t *testing.T, own, theirs *ast.Definition) {
	for _, value := range own.EnumValues {
		if theirs.EnumValues.ForName(value.Name) == nil {
			t.Errorf("%s has no value %s", own.Name, value.Name)
		}
	}
	for _, value := range theirs.EnumValues {
		if own.EnumValues.ForName(value.Name) == nil {
			t.Errorf("%s lacks the value %s", own.Name, value.Name)
		}
	}
}

func compareFields(t *testing.T, typ string, own, theirs *ast.FieldDefinition) {
	if theirs == nil {
		t.Errorf("%s.%s is not Railway's", typ, own.Name)
		return
	}
	if own.Type.String() != theirs.Type.String() {
		t.Errorf("%s.%s is %s, Railway's is %s", typ, own.Name, own.Type, theirs.Type)
	}
	if theirs.Directives.ForName("deprecated") != nil {
		t.Errorf("%s.%s is deprecated", typ, own.Name)
	}
	for _, arg := range own.Arguments {
		other := theirs.Arguments.ForName(arg.Name)
		if other == nil || other.Type.String() != arg.Type.String() {
			t.Errorf("%s.%s has no argument %s: %s", typ, own.Name, arg.Name, arg.Type)
		}
	}
	for _, arg := range theirs.Arguments {
		if arg.Type.NonNull && arg.DefaultValue == nil && own.Arguments.ForName(arg.Name) == nil {
			t.Errorf("%s.%s needs the argument %s", typ, own.Name, arg.Name)
		}
	}
}

// TestSchema_OperationsFit validates every operation against both schemas.
func TestSchema_OperationsFit(t *testing.T) {
	text, err := os.ReadFile("operations.graphql")
	if err != nil {
		t.Fatal(err)
	}
	if _, list := gqlparser.LoadQuery(schemaAt(t, "schema.graphql"), string(text)); len(list) > 0 {
		t.Errorf("the project's schema: %v", list)
	}
	if _, list := gqlparser.LoadQuery(fullSchema(t), string(text)); len(list) > 0 {
		t.Errorf("Railway's schema: %v", list)
	}
}

// TestSchema_HasNoMoreThanIsUsed: every field of the project's schema is used by an operation.
func TestSchema_HasNoMoreThanIsUsed(t *testing.T) {
	own := schemaAt(t, "schema.graphql")
	text, err := os.ReadFile("operations.graphql")
	if err != nil {
		t.Fatal(err)
	}
	doc, list := gqlparser.LoadQuery(own, string(text))
	if len(list) > 0 {
		t.Fatal(list)
	}
	used := map[string]bool{}
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, one := range set {
			if f, ok := one.(*ast.Field); ok {
				used[f.ObjectDefinition.Name+"."+f.Name] = true
				walk(f.SelectionSet)
			}
		}
	}
	for _, op := range doc.Operations {
		walk(op.SelectionSet)
	}
	for _, fragment := range doc.Fragments {
		walk(fragment.SelectionSet)
	}
	for name, typ := range own.Types {
		if typ.BuiltIn || typ.Kind != ast.Object {
			continue
		}
		for _, field := range typ.Fields {
			if !strings.HasPrefix(field.Name, "__") && !used[name+"."+field.Name] {
				t.Errorf("%s.%s is used by no operation", name, field.Name)
			}
		}
	}
}

// TestInputs_OmitWhatIsEmpty: a null would unset.
func TestInputs_OmitWhatIsEmpty(t *testing.T) {
	for _, test := range []struct {
		input any
		want  string
	}{
		{serviceCreateInput{}, `{"projectId":""}`},
		{serviceInstanceUpdateInput{}, `{}`},
		{serviceSourceInput{}, `{}`},
		{__inventoryInput{}, `{"environment":"","first":0}`},
		{__updateInstanceInput{}, `{"service":"","input":{}}`},
		{__deleteServiceInput{}, `{"service":""}`},
	} {
		if got, err := json.Marshal(test.input); err != nil || string(got) != test.want {
			t.Errorf("%T is %s, %v, want %s", test.input, got, err, test.want)
		}
	}
	no, zero := false, 0
	got, err := json.Marshal(serviceInstanceUpdateInput{SleepApplication: &no, OverlapSeconds: &zero})
	if want := `{"overlapSeconds":0,"sleepApplication":false}`; err != nil || string(got) != want {
		t.Errorf("zeros that mean something are %s, %v, want %s", got, err, want)
	}
}
