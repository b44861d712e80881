package live

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"convoy/internal/testkit"
	"convoy/templates"
)

// newSet are the templates, with bare paths of assets.
func newSet(t testing.TB) *templates.Set {
	t.Helper()
	set, err := templates.New("", func(name string) string { return "/" + name })
	testkit.Must(t, err)
	return set
}

// nodeNumbered is a node with so many shells.
func nodeNumbered(i, shells int) templates.Node {
	name := fmt.Sprintf("convoy@convoy-%d.convoy.internal", i)
	n := templates.Node{
		ID: templates.ElementID(name), Name: name, Short: fmt.Sprintf("convoy-%d", i), Status: "alive", Version: "0.2.0",
		Started: time.Unix(int64(i), 0).UTC(), Provider: "local", Kinds: []string{"system", "convoy"},
	}
	for s := range shells {
		n.Shells = append(n.Shells, templates.Shell{ID: fmt.Sprintf("shell%d", s), Title: "bash", Running: true, Number: 1})
	}
	return n
}

// A tab that applies the changes has, after each of them, what a new tab gets.
func TestFleetPage_ChangesMakeTheNextPage(t *testing.T) {
	t.Parallel()
	set := newSet(t)
	random := rand.New(rand.NewPCG(1, 2))
	list := func() templates.NodeList {
		l := templates.NodeList{Provider: "local", Max: 20, Count: 5}
		for i := range 12 {
			if i == 0 || random.IntN(3) > 0 {
				l.Nodes = append(l.Nodes, nodeNumbered(i, random.IntN(2)))
			}
		}
		return l
	}
	last, err := newFleetPage(set, list(), nil)
	testkit.Must(t, err)
	shown := wholeOf(t, last)
	for i := range 200 {
		next, err := newFleetPage(set, list(), last)
		testkit.Must(t, err)
		partials, ok := next.since(last)
		if !ok {
			t.Fatal("nodes that came and went need the whole list")
		}
		apply(t, shown, string(partials))
		if got, want := outline(t, shown), outline(t, wholeOf(t, next)); got != want {
			t.Fatalf("step %d: the page shows\n%s\nwant\n%s", i, got, want)
		}
		last = next
	}
}

// A change of one node of a hundred sends that node, and renders no other.
func TestFleetPage_OnlyTheChangedNode(t *testing.T) {
	t.Parallel()
	set := newSet(t)
	list := hundred()
	before, err := newFleetPage(set, list, nil)
	testkit.Must(t, err)
	list.Nodes = slices.Clone(list.Nodes)
	list.Nodes[70] = nodeNumbered(70, 2)
	after, err := newFleetPage(set, list, before)
	testkit.Must(t, err)
	partials, ok := after.since(before)
	if got := strings.Count(string(partials), "<hx-partial"); !ok || got != 2 {
		t.Errorf("%d partials, want its card and its row:\n%.300s", got, partials)
	}
	if &before.pieces[list.Nodes[3].ID].card[0] != &after.pieces[list.Nodes[3].ID].card[0] {
		t.Error("a node that has not changed was rendered")
	}
	list.Provider = "railway"
	if moved, _ := newFleetPage(set, list, after); moved != nil {
		if _, ok := moved.since(after); ok {
			t.Error("another provider needs the whole list")
		}
	}
}

// A node whose view differs in any field is another; values behind other pointers are the same.
func TestSame(t *testing.T) {
	t.Parallel()
	now := func() *time.Time { at := time.Unix(1, 0); return &at }
	made := func() templates.Node {
		n := nodeNumbered(1, 1)
		n.Status, n.Shells[0].State.Since = "left", now()
		return n
	}
	before, again := made(), made()
	if !same(&before, &again) {
		t.Error("a node is not what it was")
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[templates.Node]()) {
		changed := made()
		value := reflect.ValueOf(&changed).Elem().FieldByIndex(field.Index)
		switch v := value.Addr().Interface().(type) {
		case *string:
			*v += "x"
		case *bool:
			*v = !*v
		case *time.Time:
			*v = v.Add(time.Second)
		case *templates.Sparks:
			v.Title += "x"
		default:
			value.Set(reflect.MakeSlice(field.Type, 1, 1))
		}
		if same(&before, &changed) {
			t.Errorf("another %s is no difference", field.Name)
		}
	}
	before.Status, again.Status, again.Seen = "alive", "alive", time.Unix(2, 0)
	if !same(&before, &again) {
		t.Error("a heartbeat is a difference")
	}
}

func hundred() templates.NodeList {
	list := templates.NodeList{Provider: "local", Max: 100, Count: 99}
	for i := range 100 {
		list.Nodes = append(list.Nodes, nodeNumbered(i, 3))
	}
	return list
}

func wholeOf(t *testing.T, p *fleetPage) *goquery.Document {
	t.Helper()
	whole, err := p.whole()
	testkit.Must(t, err)
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(whole)))
	testkit.Must(t, err)
	return doc
}

// apply does with partials what htmx does.
func apply(t *testing.T, doc *goquery.Document, partials string) {
	t.Helper()
	for part := range strings.SplitSeq(partials, "</hx-partial>\n") {
		if part == "" {
			continue
		}
		tag, content, _ := strings.Cut(part, ">")
		var id, swap string
		_, err := fmt.Sscanf(tag, "<hx-partial hx-target=%q hx-swap=%q", &id, &swap)
		testkit.Must(t, err)
		target := doc.Find(id)
		if target.Length() != 1 {
			t.Fatalf("%d elements %s", target.Length(), id)
		}
		switch swap {
		case "delete":
			target.Remove()
		case "outerMorph":
			target.ReplaceWithHtml(content)
		case "afterend":
			target.AfterHtml(content)
		case "afterbegin":
			target.PrependHtml(content)
		default:
			t.Fatalf("swap %q", swap)
		}
	}
}

// outline is the page's elements of nodes, without the space between them.
func outline(t *testing.T, doc *goquery.Document) string {
	t.Helper()
	var b strings.Builder
	doc.Find("#fleet, #cards > *, #rows > *").Each(func(_ int, s *goquery.Selection) {
		html, err := goquery.OuterHtml(s)
		testkit.Must(t, err)
		b.WriteString(html + "\n")
	})
	return b.String()
}

// BenchmarkFleetPage_Hundred is what a change of one node of a hundred costs, and what is sent.
func BenchmarkFleetPage_Hundred(b *testing.B) {
	set := newSet(b)
	list := hundred()
	last, err := newFleetPage(set, list, nil)
	testkit.Must(b, err)
	sent := 0
	for i := 0; b.Loop(); i++ {
		list.Nodes[50] = nodeNumbered(50, 1+i%3)
		next, err := newFleetPage(set, list, last)
		testkit.Must(b, err)
		partials, _ := next.since(last)
		sent, last = len(partials), next
	}
	b.ReportMetric(float64(sent), "bytes/change")
}
