package guide

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
)

func TestPages(t *testing.T) {
	t.Parallel()
	g, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"index": "Overview", "shells": "Shells", "recordings": "Recordings",
		"convoy": "The Convoy shell", "runbooks": "Runbooks", "cluster": "Cluster", "keys": "Keys"} {
		doc, ok := g.Page(name)
		if !ok || doc.Title != want || !strings.Contains(string(doc.Body), ">"+want+"</h1>") {
			t.Errorf("Page(%q) = %q, %v", name, doc.Title, ok)
		}
	}
	if first := g.Pages()[0]; first.Name != "index" || first.Title != "Overview" {
		t.Errorf("the guide begins with %v", first)
	}
	if _, ok := g.Page("no-such"); ok {
		t.Error("a page that does not exist was found")
	}
}

func TestEveryFileIsAPage(t *testing.T) {
	t.Parallel()
	found, err := fs.Glob(files, "*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		if !slices.Contains(names, strings.TrimSuffix(name, ".md")) {
			t.Errorf("%s is no page", name)
		}
	}
}
