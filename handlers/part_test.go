package handlers

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

const (
	form      = "Content-Type: application/x-www-form-urlencoded"
	asPage    = "Accept: text/html"
	byHTMX    = "HX-Request: true"
	scriptTag = `<script>alert(1)</script>`
)

// text is a whole answer, which must have that status.
func (n *testNode) text(t *testing.T, status int, method, path, body string, headers ...string) (string, http.Header) {
	t.Helper()
	answer := n.request(t, method, path, body, append(headers, bearer)...)
	all, err := io.ReadAll(answer.Body)
	testkit.Must(t, err)
	if answer.StatusCode != status {
		t.Errorf("%s %s: %s, want %d\n%s", method, path, answer.Status, status, all)
	}
	return string(all), answer.Header
}

// htmx gets HTML that this node makes of another's JSON, whatever the other calls its answer, and a notice of its
// refusal.
func TestParts_OfOtherNodes(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	n.besides(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"error": "no such link: `+scriptTag+`"}`)
			return
		}
		io.WriteString(w, `[{"id": "x", "label": "`+scriptTag+`", "right": "type", "viewers": 1}]`)
	})
	const links = "/nodes/" + other + "/shells/abc/links"
	page, _ := n.text(t, 200, "GET", links, "", byHTMX, asPage)
	if !strings.Contains(page, "&lt;script&gt;") || strings.Contains(page, "<script") ||
		!strings.Contains(page, `hx-post="`+links+`"`) || !strings.Contains(page, "view and type") {
		t.Errorf("the dialog: %s", page)
	}
	if _, head := n.text(t, 200, "GET", links, ""); head.Get("Content-Type") != "application/json" {
		t.Errorf("scripts get %s", head.Get("Content-Type"))
	}
	page, head := n.text(t, 200, "DELETE", links+"/x", "", byHTMX, asPage)
	if head.Get("HX-Retarget") != "#notices" || !strings.Contains(page, "No such link: &lt;script") {
		t.Errorf("the refusal: %v %s", head, page)
	}
}

// Before a shell ends that someone else views, a page asks; scripts are not asked, nor is a page whose user is sure.
func TestQuestion_BeforeAShellEnds(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	s, _ := n.open(t, n.client(t)) // with a viewer
	const mine = "viewer=another-viewer-of-it"
	page, head := n.text(t, 200, "DELETE", s.Path()+"?"+mine, "", byHTMX, asPage)
	if head.Get("HX-Retarget") != "#asked" || !strings.Contains(page, " is viewing it too.") ||
		!strings.Contains(page, `hx-action="`+s.Path()+`?sure=1"`) {
		t.Errorf("the question: %v %s", head, page)
	}
	n.text(t, 200, "POST", s.Path()+"/restart", mine, form, byHTMX, asPage)
	_, head = n.text(t, 204, "POST", s.Path()+"/restart?sure=1", mine, form, byHTMX, asPage)
	node, shell, _ := strings.Cut(head.Get("X-Convoy-Shell"), "/")
	if node != n.Self || shell == "" || shell == s.ID {
		t.Fatalf("the shell after a restart: %v", head)
	}
	n.text(t, 404, "GET", s.Path(), "")
	n.text(t, 201, "POST", "/nodes/"+n.Self+"/shells/"+shell+"/restart", "")
	n.text(t, 404, "DELETE", "/nodes/"+n.Self+"/shells/"+shell, "")
}

// Forms also work without scripts: they get pages.
func TestForms_WithoutScripts(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	page, _ := n.text(t, 201, "POST", "/tokens", "name=ci&role=operator&days=7", form, asPage)
	if !strings.Contains(page, "<html") || !strings.Contains(page, `value="convoy_`) {
		t.Errorf("the page with the new token: %s", page)
	}
	page, _ = n.text(t, 400, "POST", "/tokens", "name=x&days=many", form, asPage)
	if !strings.Contains(page, "whole number") {
		t.Errorf("the page with the error: %s", page)
	}
	part, _ := n.text(t, 201, "POST", "/tokens", "name=other&days=7", form, asPage, byHTMX)
	if strings.Contains(part, "<html") || strings.Count(part, "/tokens/token-") != 2 {
		t.Errorf("the part for htmx: %s", part)
	}
	n.text(t, 201, "POST", "/tokens", `{"name": "json"}`, form) // as curl -d sends it
	if page, _ = n.text(t, 502, "POST", "/peers", "target=nobody", form, asPage); !strings.Contains(page, "No route") {
		t.Errorf("the page after a connection that failed: %s", page)
	}
	_, head := n.text(t, 204, "DELETE", "/logins", "", byHTMX, asPage)
	if head.Get("HX-Redirect") != "/login" {
		t.Errorf("after the end of all logins: %v", head)
	}
}
