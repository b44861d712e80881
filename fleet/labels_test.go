package fleet

import (
	"strings"
	"testing"
)

func TestParseLabels(t *testing.T) {
	many := "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8"
	for text, want := range map[string]Labels{
		"":                        "",
		" ":                       "",
		"env=prod":                "env=prod",
		" team=Core-1 , env=prod": "env=prod,team=Core-1",
		"a.b_c-d=x.y_Z-0":         "a.b_c-d=x.y_Z-0",
		many:                      Labels(many),
		"k=" + strings.Repeat("v", MaxLabelBytes-2): Labels("k=" + strings.Repeat("v", MaxLabelBytes-2)),
	} {
		got, err := ParseLabels(text)
		if err != nil || got != want || !got.Valid() {
			t.Errorf("ParseLabels(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		"env", "env=", "=prod", "env=prod,", ",", "Env=prod", "1env=prod", "-env=prod", "env=a b", "env=a=b", "env=ü",
		"env=<b>", `env="`, "env=a,env=b", "env=\x00", many + ",i=9", "k=" + strings.Repeat("v", MaxLabelBytes-1),
	} {
		if got, err := ParseLabels(text); err == nil {
			t.Errorf("ParseLabels(%q) = %q, want an error", text, got)
		}
	}
	for _, l := range []Labels{"b=1,a=1", " a=1", "a=1, b=1", " "} {
		if l.Valid() {
			t.Errorf("%q is valid, and ParseLabels would return it in another form", l)
		}
	}
}
