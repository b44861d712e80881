package guide

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

func TestPages(t *testing.T) {
	t.Parallel()
	g, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"index": "What is what", "shells": "Shells", "recordings": "Recordings", "cluster": "Cluster", "keys": "Keys"} {
		title, body, ok := g.Page(name)
		if !ok || title != want || !strings.Contains(string(body), ">"+want+"</h1>") {
			t.Errorf("Page(%q) = %q, %v", name, title, ok)
		}
	}
	if first := g.Pages()[0]; first.Name != "index" || first.Title != "What is what" {
		t.Errorf("the guide begins with %v", first)
	}
	if _, _, ok := g.Page("no-such"); ok {
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

func TestLinksBetweenPagesExist(t *testing.T) {
	t.Parallel()
	g, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		_, body, _ := g.Page(name)
		for _, link := range strings.Split(string(body), `href="/guide/`)[1:] {
			to, _, _ := strings.Cut(link, `"`)
			if _, _, ok := g.Page(to); !ok {
				t.Errorf("%s links to %q, which is no page", name, to)
			}
		}
	}
}

func TestRenderKeepsNoHTML(t *testing.T) {
	t.Parallel()
	p, err := render([]byte("# T\n\n<script>alert(1)</script>\n\na <b onclick=x>b</b> [c](javascript:alert(1))\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "<b", "javascript:"} {
		if strings.Contains(string(p.body), bad) {
			t.Errorf("%q in %q", bad, p.body)
		}
	}
}

func TestRenderWantsATitle(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"", "text", "## second"} {
		if _, err := render([]byte(source)); !errors.Is(err, errNoTitle) {
			t.Errorf("render(%q) = %v, want errNoTitle", source, err)
		}
	}
}
