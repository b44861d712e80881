package handlers

import (
	"io"
	"strings"
	"testing"

	"convoy/internal/testkit"
	"convoy/templates"
)

// Matches at the beginning come first, and each word must match.
func TestFind_BestFirst(t *testing.T) {
	t.Parallel()
	items := []templates.FoundItem{
		{Label: "orb", Detail: "web"}, {Label: "a-web"}, {Label: "web-2", Detail: "alive"}, {Label: "cobweb"}, {Label: "db"},
	}
	for query, want := range map[string]string{
		"we": "web-2 a-web cobweb orb", "web ali": "web-2", "zz": "", "db": "db",
	} {
		var got []string
		for _, one := range best(items, strings.Fields(query)) {
			got = append(got, one.Label)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
}

// What the menu finds is bounded, and a query that is too long is refused.
func TestFind_Bounds(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	_, err := n.client(t).Open(t.Context(), self)
	testkit.Must(t, err)
	if got := best(make([]templates.FoundItem, 3*foundOfKind), nil); len(got) != foundOfKind {
		t.Errorf("%d matches, want %d", len(got), foundOfKind)
	}
	answer := n.request(t, "GET", "/find?q=cat", "", bearer, "HX-Request: true")
	body, err := io.ReadAll(answer.Body)
	testkit.Must(t, err)
	if got := strings.Count(string(body), "menu-item"); got != 1 {
		t.Errorf("found %d shells, want 1:\n%s", got, body)
	}
	if answer := n.request(t, "GET", "/find?q="+strings.Repeat("x", maxQuery+1), "", bearer); answer.StatusCode != 400 {
		t.Errorf("a long query: %s", answer.Status)
	}
}
