package guide

import (
	"slices"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

const body = "# Heading\n\nText.\n\n```sh\necho 1\n```\n"

// fronts are texts before a runbook, with the title and the tags that it then has.
var fronts = map[string]struct {
	text, title, tags string
	shown             bool // it is part of the text
}{
	"bom":     {"\uFEFF", "Heading", "", false},
	"runme":   {"---\nrunme:\n  id: 01HXF\n  version: v3\n---\n\n", "Heading", "", false},
	"title":   {"---\ntitle: Deploy it # now\ntags: [prod, \"two words\"]\n---\n", "Deploy it", "prod|two words", false},
	"windows": {"\uFEFF---\r\ntitle: 'A: b'\r\ntags:\r\n  - x\r\n  - y\r\nother: z\r\n---\r\n", "A: b", "x|y", false},
	"escaped": {"---\ntitle: \"A \\\"b\\\"\"\ntags: ['it''s', \"b, c\"]\n---\n", `A "b"`, "it's|b, c", false},
	"block":   {"---\ntitle: >-\n  Deploy: the\n  thing\ntags: [x]\n---\n", "Deploy: the thing", "x", false},
	"list":    {"---\ntags: a, b\nlist:\n- no\n...\n", "Heading", "a|b", false},
	"rule":    {"---\nSome words, and more.\n\n---\n", "Some words, and more.", "", true},
	"points":  {"---\n- a point\n\n---\n", "a", "", true},
	"open":    {"---\ntitle: no end\n", "title: no end", "", true},
	"nested":  {"---\nsite:\n  title: no\n  tags: [no]\n---\n", "Heading", "", false},
}

// A byte order mark and front matter are not part of the text.
func TestRunbooks_FrontMatter(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for name, front := range fronts {
		files[name+".md"] = front.text + body
	}
	files["bare.md"] = "---\ntitle: Only there\n---\ntext"
	b, _ := shelf(t, files)
	list, _, err := b.List()
	testkit.Must(t, err)
	for _, one := range list {
		full, err := b.Get(one.Name)
		testkit.Must(t, err)
		front, known := fronts[one.Name]
		if !known {
			if one.Title != "Only there" || !full.Untitled || full.Title != one.Title {
				t.Errorf("without a heading: %+v, %+v", one, full)
			}
			continue
		}
		html := string(full.Body)
		if front.shown {
			continue
		}
		if one.Title != front.title || full.Title != front.title || full.Untitled || one.Summary != "Text." ||
			strings.Join(one.Tags, "|") != front.tags || !slices.Equal(full.Tags, one.Tags) || len(full.Blocks) != 1 ||
			!strings.HasPrefix(html, `<h1 id="at-heading">Heading`) {
			t.Errorf("%s: %q, %q, tags %q, %q: %s", one.Name, one.Title, one.Summary, one.Tags, full.Title, html)
		}
	}
	for name, front := range fronts {
		if full, err := b.Get(name); front.shown && (err != nil || len(full.Tags) > 0 ||
			!strings.Contains(string(full.Body), strings.Fields(front.title)[0])) {
			t.Errorf("%s is not shown: %+v, %v", name, full, err)
		}
	}
}

func FuzzSplitFront(f *testing.F) {
	for _, front := range fronts {
		f.Add(front.text + body)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if a, rest := splitFront([]byte(text)); !strings.HasSuffix(text, string(rest)) || len(a.tags) > maxTags {
			t.Errorf("%q leaves %q and %+v", text, rest, a)
		}
	})
}
