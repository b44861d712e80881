package handlers

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"convoy/internal/testkit"
	"convoy/templates"
)

// hostile is what a program may print to harm a page.
const hostile = `<script>alert(1)</script></pre><img src=x onerror=alert(2)>&amp;`

// printed opens a shell whose screen shows a text, and waits until it does.
func (n *testNode) printed(t *testing.T, text string) (path string) {
	t.Helper()
	c := n.client(t)
	s, term := n.open(t, c)
	testkit.Must(t, term.Type(testkit.Context(t), "printf '%s|' '"+text+"'; exec cat\r"))
	testkit.Must(t, term.WaitFor(testkit.Context(t), text+"|"))
	return s.Path()
}

func TestText(t *testing.T) {
	t.Parallel()
	n := start(t)
	path := n.printed(t, hostile)
	for _, query := range []string{"", "?screen=1"} {
		answer := n.request(t, "GET", path+"/text"+query, "", bearer)
		body, err := io.ReadAll(answer.Body)
		testkit.Must(t, err)
		if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/plain; charset=utf-8" ||
			answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%d, %v", answer.StatusCode, answer.Header)
		}
		if name := answer.Header.Get(
			"Content-Disposition",
		); !regexp.MustCompile(`^attachment; filename="[a-z0-9]{10}\.txt"$`).MatchString(name) {
			t.Errorf("Content-Disposition: %s", name)
		}
		if !strings.Contains(string(body), hostile) || !strings.HasSuffix(string(body), "\n") {
			t.Errorf("body %q", body)
		}
	}
	if answer := n.request(t, "GET", "/nodes/"+self+"/shells/nosuchone1/text", "", bearer); answer.StatusCode != 404 {
		t.Errorf("no such shell: %d", answer.StatusCode)
	}
	if answer := n.request(t, "GET", path+"/text", ""); answer.StatusCode != 401 {
		t.Errorf("without a login: %d", answer.StatusCode)
	}
}

func TestFirstScreenIsInThePage(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.printed(t, hostile)
	answer := n.request(t, "GET", "/", "", bearer, "Accept: text/html")
	doc, err := goquery.NewDocumentFromReader(answer.Body)
	testkit.Must(t, err)
	pre := doc.Find(".node .panes .first-screen pre")
	if pre.Length() != 1 || !strings.Contains(pre.Text(), hostile) || pre.Children().Length() != 0 {
		html, _ := pre.Html()
		t.Errorf("the page's screen is %q", html)
	}
	// before the prompt
	if text := pre.Text(); !strings.HasPrefix(text, "$ printf") && !strings.HasPrefix(text, "printf") {
		t.Errorf("the screen begins with %.40q, want its first row", pre.Text())
	}
	list := n.request(t, "GET", "/nodes", "", bearer, "HX-Request: true")
	if html, _ := io.ReadAll(list.Body); strings.Contains(string(html), "first-screen") {
		t.Error("the list that comes later carries a screen")
	}
}

func TestOpenInADirectory(t *testing.T) {
	t.Parallel()
	n := start(t)
	dir := t.TempDir()
	open := func(body string) (status int, s opened, text string) {
		t.Helper()
		answer := n.request(t, "POST", "/nodes/"+self+"/shells", body, bearer)
		raw, err := io.ReadAll(answer.Body)
		testkit.Must(t, err)
		json.Unmarshal(raw, &s) //nolint:errcheck // refusals are another JSON
		return answer.StatusCode, s, string(raw)
	}
	if status, s, _ := open(fmt.Sprintf(`{"dir": %q}`, dir)); status != 201 || s.Dir != dir || s.Hint != "" {
		t.Errorf("%d, in %q, hint %q; want it in %q", status, s.Dir, s.Hint, dir)
	}
	for _, gone := range []string{dir + "/gone", "/etc/passwd", `/a\u0000b`} {
		if status, s, text := open(
			`{"dir": "` + gone + `"}`,
		); status != 201 || !strings.Contains(s.Hint, "no directory") || s.Dir == "" || s.Dir == dir {
			t.Errorf("%q: %d %s, want a shell in the usual directory, and a hint", gone, status, text)
		}
	}
	for _, bad := range []string{"tmp", "../etc", "~"} {
		if status, _, text := open(fmt.Sprintf(`{"dir": %q}`, bad)); status != 400 || !strings.Contains(text, "absolute") {
			t.Errorf("%q: %d %s, want 400", bad, status, text)
		}
	}
	_, first, _ := open("")
	_, before, _ := open(fmt.Sprintf(`{"before": %q}`, first.ID))
	list := n.ownShells()
	if list[len(list)-2].ID != before.ID || list[len(list)-1].ID != first.ID {
		t.Errorf("the shell is not listed before the other")
	}
}

func TestShellsOfAllNodes(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.printed(t, "hello")
	answer := n.request(t, "GET", "/shells", "", bearer)
	var list []templates.Shell
	testkit.Must(t, json.NewDecoder(answer.Body).Decode(&list))
	if len(list) != 1 || list[0].Node != self || list[0].Busy != "" {
		t.Errorf("shells: %+v", list)
	}
	answer = n.request(t, "GET", "/shells", "", bearer, "HX-Request: true")
	doc, err := goquery.NewDocumentFromReader(answer.Body)
	testkit.Must(t, err)
	row := doc.Find("ul#shell-list > li[data-shell='" + list[0].ID + "'][data-running]")
	if row.Length() != 1 || row.Find("[data-action], [hx-target]").Length() != 5 ||
		!strings.Contains(row.Text(), "1 viewer") {
		html, _ := doc.Html()
		t.Errorf("the list: %s", html)
	}
	if answer := n.request(t, "GET", "/shells", ""); answer.StatusCode != 401 {
		t.Errorf("without a login: %d", answer.StatusCode)
	}
}
