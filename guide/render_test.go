package guide

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// base is where the console is.
const base = "/convoy"

// rendered renders a text and parses the result.
func rendered(t *testing.T, source string) (Document, *goquery.Document) {
	t.Helper()
	doc, err := render([]byte(source), base, headingIDs, renderTime)
	if err != nil {
		t.Fatalf("render(%.60q): %v", source, err)
	}
	page, err := goquery.NewDocumentFromReader(strings.NewReader(string(doc.Body)))
	if err != nil {
		t.Fatal(err)
	}
	return doc, page
}

var (
	hostileTexts = []string{
		"<script>alert(1)</script>", "a <b onclick=alert(1)>b</b>", "<img src=x onerror=alert(1)>", "<!-- " +
			"<script>alert(1)</script> -->",
		"<style>body{display:none}</style>", "<iframe src=javascript:alert(1)></iframe>", "<svg/onload=alert(1)>",
		"<details open ontoggle=alert(1)>",
		"[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](java&#10;script:alert(1))",
		"[x](&#106;avascript:alert(1))", "[x](<java\tscript:alert(1)>)", "[x](\x01javascript:alert(1))",
		"[x](javascript&colon;alert(1))", "[x](javascript\\:alert(1))", "[x](javascript&#x3a;alert(1))",
		"<javascript&colon;alert(1)>", "[x](vbscript:x)", "[x](data:text/html,<script>alert(1)</script>)",
		"[x](data:image/svg+xml;base64,PHN2Zz4=)", "[x](file:///etc/passwd)", "[x](blob:x)", "[x](view-source:x)",
		"<javascript:alert(1)>", "<data:text/html,x>", "[x][y]\n\n[y]: " +
			"javascript:alert(1)", "![x](javascript:alert(1))", "![x](http://evil.test/x.png)",
		"![x](data:image/png;base64,AAAA)",
		"[x](http://a.test \"\\\" onmouseover=alert(1) \\\"\")", "[x](http://a.test/\" onmouseover=alert(1))", "![\" " +
			"onerror=alert(1) x=\"](http://a.test)",
		"# <img src=x onerror=alert(1)>", "```\"><script>alert(1)</script>\nx\n```", "```sh\n<script>alert(1)</script>\n```",
		"```convoy error\"><script>\n\"</code><script>\"\n```",
		"|a|\n|:-:|\n|<script>alert(1)</script>|", "\xff\xfe<script>\x00alert(1)</script>\xc3", "# x {#y " +
			"onclick=alert(1)}", "[x](#y){onclick=alert(1)}", "&lt;script&gt;alert(1)&lt;/script&gt;",
	}
	safeElements   = strings.Fields("a p h1 em strong code pre figure span table thead tbody tr th td")
	safeAttributes = strings.Fields("href rel title id class tabindex align data-kind data-step")
)

// No hostile text has any effect, or loads anything from elsewhere.
func TestHostileTextDoesNothing(t *testing.T) {
	t.Parallel()
	for _, source := range hostileTexts {
		_, page := rendered(t, source)
		page.Find("body *").Each(func(_ int, e *goquery.Selection) {
			if !slices.Contains(safeElements, goquery.NodeName(e)) {
				t.Errorf("%q makes a <%s>", source, goquery.NodeName(e))
			}
			for _, a := range e.Nodes[0].Attr {
				if !slices.Contains(safeAttributes, a.Key) {
					t.Errorf("%q makes %s=%q", source, a.Key, a.Val)
				}
				if a.Key == "href" && !strings.HasPrefix(a.Val, "http://") && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("%q links to %q", source, a.Val)
				}
				if a.Key == "id" && !strings.HasPrefix(a.Val, "at-") && !strings.HasPrefix(a.Val, "step-") {
					t.Errorf("%q makes the id %q", source, a.Val)
				}
			}
		})
	}
}

// Text stays readable as text.
func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"ssh <host> now":                              "ssh <host> now",
		"<div>\nblock\n</div>":                        "<div>\nblock\n</div>",
		"<!-- note -->":                               "<!-- note -->",
		"a [link](javascript:alert(1)) and b":         "a link and b",
		"![a *map*](https://a.test/map.png)":          "a map",
		"![a plan](plan.png)":                         "a plan",
		"```sh\nif a < b && c; then 'x'\n```":         "if a < b && c; then 'x'",
		"```convoy\nx = '''a\nb''' # <i>\n```":        "x = '''a\nb''' # <i>",
		"```sh\n\"unclosed $( `\n```":                 "\"unclosed $( `",
		"```sh\n\xff\xfe $x\n```":                     "\uFFFD $x",
		"    indented\n":                              "indented",
		"```other <b>\nany\n```":                      "any",
		"- one\n\n  ```sh\n  in a list\n  ```\n":      "one\nin a list",
		"> ```sh\n> quoted\n> ```\n":                  "quoted",
		"```sh\n" + strings.Repeat("x", maxColored*2): strings.Repeat("x", maxColored*2),
	} {
		_, page := rendered(t, source)
		if got := strings.TrimSpace(page.Find("body").Text()); got != want {
			t.Errorf("%.60q reads %.60q, want %.60q", source, got, want)
		}
	}
}

func TestLinksLead(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"[x](https://a.test/?a=1&b=2)": "https://a.test/?a=1&b=2", "<https://a.test>": "https://a.test",
		"<ada@a.test>":  "mailto:ada@a.test",
		"[x](other.md)": "other.md", "[x](#some-part)": "#at-some-part", "[x](other.md#some-part)": "other.md#at-some-part",
		"[x](/guide/keys#k)":             "/convoy/guide/keys#k",
		"![map](https://a.test/map.png)": "https://a.test/map.png", "![map](//a.test/map.png)": "//a.test/map.png",
	} {
		_, page := rendered(t, source)
		if a := page.Find("a"); a.AttrOr("href", "") != want || a.AttrOr("rel", "") != "noreferrer" {
			t.Errorf("%s leads to %q, rel %q; want %q", source, a.AttrOr("href", ""), a.AttrOr("rel", ""), want)
		}
	}
	if _, page := rendered(t, "# Some *part*\n\n# Some part\n"); page.Find("#at-some-part").Length() != 1 ||
		page.Find("#at-some-part-1").Length() != 1 {
		t.Error("headings cannot be linked to")
	}
}

func TestBlocksAreSteps(t *testing.T) {
	t.Parallel()
	doc, page := rendered(
		t,
		"# T\n\n```sh\necho one # two\n```\n\n```\nshown\n```\n\n1. in a list\n   ```convoy error\n   node.self()\n   "+
			"```\n\n```shell\nshown\n```\n",
	)
	want := []Block{{System, "", "echo one # two\n"}, {Convoy, "error", "node.self()\n"}}
	if doc.Title != "T" || !slices.Equal(doc.Blocks, want) {
		t.Errorf("%q, blocks %+v", doc.Title, doc.Blocks)
	}
	if page.Find("figure.code").Length() != 4 || page.Find("figure#step-1[data-kind=sh][data-step='1']").Length() != 1 ||
		page.Find("li figure#step-2[data-kind=convoy]").Length() != 1 {
		t.Errorf("figures: %s", doc.Body)
	}
	for class, want := range map[string]string{".c-call": "echo", ".c-note": "# two"} {
		if got := page.Find("#step-1 " + class).Text(); got != want {
			t.Errorf("%s is %q, want %q", class, got, want)
		}
	}
}

// Some texts would keep goldmark busy for minutes: rendering stops in time, and leaves nothing running.
func TestIntricateTextIsBounded(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	const n = maxRunbook
	for name, source := range map[string]string{
		"quotes": strings.Repeat(">", n), "lists": strings.Repeat("1. ", n/3),
		"links":    strings.Repeat("[a](", 100<<10/4) + "\n\n" + strings.Repeat("[a](", 100<<10/4),
		"brackets": strings.Repeat("[", n/2) + strings.Repeat("]", n/2), "definitions": strings.Repeat("[a]: b\n", n/7),
		"indented lists": nested(1000),
		"stars":          strings.Repeat("*_", n/2),
		"code":           strings.Repeat("```sh\necho \"$HOME\" && ls | grep x\n```\n", n/40),
		"headings":       strings.Repeat("# a\n", n/4),
	} {
		began := time.Now()
		_, err := render([]byte(source), base, headingIDs, 300*time.Millisecond)
		if err != nil && !errors.Is(err, ErrTooSlow) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > 2*time.Minute { // however slow the machine is
			t.Errorf("%s took %v", name, took)
		}
	}
}

// nested is a list in a list, n deep.
func nested(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%*s- a\n", 2*i, "")
	}
	return b.String()
}

func FuzzRender(f *testing.F) {
	for _, source := range []string{"# a\n\n```sh\nls \"$x\n```\n", "[a](b)", "<a href=x>", "|a|\n|-|\n",
		"> 1. - ```convoy\n"} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		doc, err := render([]byte(source), base, headingIDs, time.Second)
		if err != nil {
			return
		}
		page, err := goquery.NewDocumentFromReader(strings.NewReader(string(doc.Body)))
		if err != nil {
			t.Fatal(err)
		}
		if bad := page.Find(
			"script, img, iframe, style, object, svg, form, [onclick], [onerror], [style], a[href^='javascript:']",
		); bad.Length() > 0 {
			t.Errorf("%q makes %s", source, doc.Body)
		}
	})
}
