package templates

import (
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/jba/templatecheck"
)

func newSet(t *testing.T) *Set {
	t.Helper()
	s, err := New("", func(name string) string { return "/assets/h/" + name })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// find renders a view and parses it.
func find(t *testing.T, name string, view any) *goquery.Selection {
	t.Helper()
	body, err := newSet(t).Execute(name, view)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Selection
}

func text(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

var (
	at   = time.Date(2026, 11, 22, 20, 7, 25, 0, time.UTC)
	page = Page{Title: "Console", Nonce: "R4nd0m", Node: "convoy@a.convoy.internal", Build: "abc", User: "admin"}
)

func node() Node {
	return Node{
		ID:         "convoy__convoy-k3fz_convoy_internal",
		Name:       "convoy@convoy-k3fz.convoy.internal",
		Host:       "convoy-k3fz.convoy.internal",
		Short:      "convoy-k3fz",
		Status:     "alive",
		Retirable:  true,
		Started:    at,
		Seen:       at,
		Address:    "[::1]:4444",
		Provider:   "local",
		ProviderID: "pid 4242",
		Steps:      []Step{{Name: "starting process", At: at, Ended: at.Add(40 * time.Millisecond)}},
		Shells: []Shell{
			{ID: "9k2m4x7qpa", Kind: "convoy", Title: "convoy", Running: true},
			{ID: "aaaaaaaaaa", Kind: "system", Title: "vim", Exit: &Exit{Code: 1}},
		},
		Kinds: []string{"convoy", "system"},
	}
}

func share() Share { return Share{Page: page, Shell: "9k2m4x7qpa", Expires: at} }

func TestEveryTemplateFitsItsView(t *testing.T) {
	t.Parallel()
	s := newSet(t)
	for name, view := range views {
		one, err := s.byName[name]()
		if err == nil {
			err = templatecheck.CheckHTML(one, view)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryFileIsParsed(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(files, "*.html")
	if err != nil {
		t.Fatal(err)
	}
	known := slices.Concat([]string{"base"}, slices.Collect(maps.Keys(views)), partials)
	for _, name := range names {
		if !slices.Contains(known, strings.TrimSuffix(path.Base(name), ".html")) {
			t.Errorf("%s is embedded and never parsed", name)
		}
	}
}

func TestRenderWritesNothingOnError(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		view any
	}{{"no_such", Notice{}}, {"notice", Login{}}, {"notice", nil}} {
		w := httptest.NewRecorder()
		if err := newSet(t).Render(w, 200, test.name, test.view); err == nil {
			t.Errorf("Render(%q, %T) = nil, want an error", test.name, test.view)
		}
		if w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("Render(%q, %T) wrote %q", test.name, test.view, w.Body)
		}
	}
}

func TestRenderWritesStatusAndType(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	if err := newSet(t).Render(w, 409, "notice", Notice{Level: "error", Text: "full"}); err != nil {
		t.Fatal(err)
	}
	if w.Code != 409 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("status %d, type %q", w.Code, w.Header().Get("Content-Type"))
	}
}

// The pages' policy allows scripts and styles with a nonce, but neither inline handlers nor style attributes.
func TestPagesKeepThePolicy(t *testing.T) {
	t.Parallel()
	grant := Grant{
		ID:      "x",
		Name:    "ci",
		User:    "ann",
		Role:    "admin",
		Addr:    "[::1]:5",
		Agent:   "Firefox on Linux",
		Made:    at,
		Seen:    at,
		Expires: at,
		Current: true,
	}
	for name, view := range map[string]any{
		"console": Console{Page: page, NodeList: NodeList{Nodes: []Node{node()}, Max: 5, Provider: "local"}},
		"share":   share(),
		"login":   Login{page, "wrong token", true, "ann", "Example", "it is down", "because"},
		"entered": Entered{page, "/?claim=x"},
		"opening": Opening{page, "x"},
		"guide":   Guide{Page: page, Pages: []GuideLink{{"shells", "Shells", true}}, Body: "<p>x</p>"},
		"error":   Error{page, 404, "no such page", "go back"},

		"recordings": Recordings{page, []Recording{recording}, []Silent{{"b", "it is away"}}},
		"audit": Audit{page, true, time.Time{}, []AuditRow{{at, "a", "ann", "admin", "[::1]:5", "shell.open",
			"convoy@a.test", "ok", "bash"}}, []Silent{{"b", "it is away"}}, "ann", "ok", []string{"ok"}},
		"player": Player{page, recording},
		"logins": Logins{page, LoginList{true, []Grant{grant}, true, []Grant{grant}, "convoy_x"}},
	} {
		doc := find(t, name, view)
		doc.Find("script, style, link[rel=stylesheet], link[rel=modulepreload]").Each(func(_ int, e *goquery.Selection) {
			if e.AttrOr("nonce", "") != page.Nonce {
				html, _ := goquery.OuterHtml(e)
				t.Errorf("%s: without nonce: %s", name, html)
			}
		})
		doc.Find("script:not([src])").
			Each(func(_ int, e *goquery.Selection) { t.Errorf("%s: inline script %q", name, e.Text()) })
		doc.Find("*").Each(func(_ int, e *goquery.Selection) {
			for _, a := range e.Nodes[0].Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") {
					t.Errorf("%s: <%s %s=%q>", name, e.Nodes[0].Data, a.Key, a.Val)
				}
			}
		})
		if got := doc.Find("html").AttrOr("lang", ""); got != "en" {
			t.Errorf("%s: lang = %q", name, got)
		}
		for _, want := range []string{"title", "link[rel=icon]", "meta[name=color-scheme]", "a.skip[href='#main']",
			"main#main", "h1, article"} {
			if doc.Find(want).Length() == 0 {
				t.Errorf("%s: no %s", name, want)
			}
		}
	}
}

// TestPagesLoadBundles checks that a page has one style sheet and one module, which internal/tools/bundle makes.
func TestPagesLoadBundles(t *testing.T) {
	t.Parallel()
	for name := range views {
		if slices.Contains(partials, name) {
			continue
		}
		view := reflect.New(reflect.TypeOf(views[name])).Elem()
		view.FieldByName("Key").SetString("key")
		var got []string
		find(t, name, view.Interface()).Find("link[rel=stylesheet], script[type=module]").
			Each(func(_ int, e *goquery.Selection) {
				file := strings.TrimPrefix(e.AttrOr("href", e.AttrOr("src", "")), "/assets/h/")
				if _, err := os.Stat("../assets/" + file); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				got = append(got, path.Dir(file)+path.Ext(file))
			})
		if want := []string{"dist.css", "dist.js"}; !slices.Equal(got, want) {
			t.Errorf("%s loads %q, want %q", name, got, want)
		}
	}
}

func TestIDsAreUnique(t *testing.T) {
	t.Parallel()
	other := node()
	other.Name, other.Short = "convoy@b.convoy.internal", "b"
	other.ID = ElementID(other.Name)
	doc := find(
		t, "console", Console{Page: page, NodeList: NodeList{Nodes: []Node{node(), other}, Max: 5, Provider: "local"}},
	)
	seen := make(map[string]bool)
	doc.Find("[id]").Each(func(_ int, e *goquery.Selection) {
		id := e.AttrOr("id", "")
		if seen[id] {
			t.Errorf("two elements with id %q", id)
		}
		seen[id] = true
	})
}

func TestEveryControlHasAName(t *testing.T) {
	t.Parallel()
	for view, doc := range map[string]*goquery.Selection{
		"console": find(
			t, "console", Console{Page: page, NodeList: NodeList{Nodes: []Node{node()}, Max: 5, Provider: "local"}},
		),
		"share": find(t, "share", share()),
	} {
		doc.Find("button, a, input:not([type=hidden]), select").Each(func(_ int, e *goquery.Selection) {
			name := text(e) + e.AttrOr("aria-label", "") + e.AttrOr("value", "") + text(
				doc.Find("label[for='"+e.AttrOr("id", "-")+"']"),
			)
			if name == "" && e.Closest("label").Length() == 0 && e.AttrOr("aria-hidden", "") != "true" {
				html, _ := goquery.OuterHtml(e)
				if !strings.Contains(html, `value="yes"`) {
					t.Errorf("%s: no name: %s", view, html)
				}
			}
		})
	}
}

func TestShareSaysWhatMayBeDone(t *testing.T) {
	t.Parallel()
	watch, types := share(), share()
	types.Types = true
	for _, test := range []struct {
		view Share
		says string
		data string
	}{{watch, "View only", "watch"}, {types, "You can type", "type"}} {
		doc := find(t, "share", test.view)
		body := doc.Find("body")
		if got := text(doc.Find(".share-right")); got != test.says || body.AttrOr("data-right", "") != test.data {
			t.Errorf("it says %q, %q, want %q", got, body.AttrOr("data-right", ""), test.says)
		}
		if doc.Find("a[href='/'], form[action='/logout'], meta[name=robots][content*=noindex]").Length() != 1 {
			t.Error("a stranger is shown the way into the console, or robots are not turned away")
		}
		if doc.Find("[data-join], #broadcast, #broadcast-toggle").Length() > 0 {
			t.Error("a link's page offers to type into several shells")
		}
	}
}

// A link that only this machine can open says so.
func TestShareLinks_Local(t *testing.T) {
	t.Parallel()
	for address, local := range map[string]int{
		"http://localhost:4000/share/x": 1, "http://127.0.0.1:4000/share/x": 1, "http://[::1]:4000/share/x": 1,
		"https://localhost.example.com/share/x": 0, "http://[fd00::1]:4000/share/x": 0, "": 0,
	} {
		if doc := find(t, "share_links", ShareLinks{Made: address}); doc.Find(".share-local").Length() != local {
			t.Errorf("%q: it says %d times that only this machine can open it", address, 1-local)
		}
	}
}

func TestElementID(t *testing.T) {
	t.Parallel()
	if got, want := ElementID("convoy@convoy-k3fz.convoy.internal"), "convoy__convoy-k3fz_convoy_internal"; got != want {
		t.Errorf("ElementID = %q, want %q", got, want)
	}
}

func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>' autofocus onfocus=alert(1) x='`
	n := node()
	bad := Grant{ID: evil, Name: evil, User: evil, Role: evil, Addr: evil, Agent: evil, Made: at, Seen: at, Expires: at}
	n.Name, n.Host, n.Short, n.Message = evil, evil, evil, evil
	n.Address, n.Instance, n.Version, n.Provider, n.ProviderID = evil, evil, evil, evil, evil
	n.Steps = []Step{{Name: evil, At: at, Error: evil}}
	n.Shells = []Shell{{ID: evil, Title: evil, Exit: &Exit{Signal: evil}}}
	hostile := Recording{
		ID:     evil,
		Node:   evil,
		Shell:  evil,
		Title:  evil,
		By:     evil,
		State:  evil,
		Reason: evil,
	}
	line := LogLine{Off: 1, Time: at, Level: evil, Message: evil, Attrs: []Attr{{evil, evil}}}
	for name, view := range map[string]any{
		"console": Console{
			Page:     Page{Title: evil, Nonce: "R", Node: evil, Build: evil, User: evil},
			NodeList: NodeList{Nodes: []Node{n}, Provider: evil, SpawnHint: evil},
			Pass:     evil, Warning: Notice{Text: evil, Level: evil, Hint: evil},
			View: evil, Run: RunState{Name: evil, Run: evil, Text: evil, State: evil},
		},
		"node":      n,
		"log_lines": LogLines{Node: evil, Boot: evil, Lines: []LogLine{line}},
		"notice":    Notice{Level: evil, Text: evil, Hint: evil},
		"share":     Share{Page: Page{Title: evil, Node: evil}, Shell: evil},
		"login":     Login{Page{}, evil, true, evil, evil, evil, evil},
		"entered":   Entered{Page{User: evil}, "/?claim=" + evil},
		"opening":   Opening{Page{Key: evil}, evil},
		"error":     Error{Page{}, 500, evil, evil},
		"guide":     Guide{Pages: []GuideLink{{evil, evil, true}}},

		"recordings": Recordings{Page{}, []Recording{hostile}, []Silent{{evil, evil}}},
		"audit": Audit{Page{}, false, at, []AuditRow{{at, evil, evil, evil, evil, evil, evil, evil, evil}},
			[]Silent{{evil, evil}}, evil, evil, []string{evil}},
		"player": Player{Page{}, hostile},
		"logins": Logins{Page{}, LoginList{true, []Grant{bad}, true, []Grant{bad}, evil}},
	} {
		doc := find(t, name, view)
		if n := doc.Find("img, script:not([src]), [onerror], [onfocus]").Length(); n > 0 {
			t.Errorf("%s: %d elements made of text", name, n)
		}
	}
}
