package handlers

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"convoy/assets"
	"convoy/internal/testkit"
)

// HEAD gets the status and the type that GET gets, without a body, wherever there is GET; and another method learns
// which ones there are.
func TestRoutes_Head(t *testing.T) {
	t.Parallel()
	n := start(t)
	s, _ := n.open(t, n.client(t))
	methods := map[string][]string{}
	everyRoute(t, n.publicRoutes(), func(method, route string) {
		path := strings.NewReplacer("{node}", self, "{shell}", s.ID, "{page}", "shells", "/assets/*",
			assets.URL("css/base.css")).Replace(route)
		if methods[path] = append(methods[path], method); method == http.MethodGet {
			n.checkHead(t, path)
		}
	})
	for path, want := range methods {
		if strings.HasPrefix(path, "/share/") || slices.Contains(want, http.MethodPut) { // assets list theirs, tested there
			continue
		}
		if slices.Contains(want, http.MethodGet) {
			want = append(want, http.MethodHead)
		}
		slices.Sort(want)
		answer := n.request(t, http.MethodPut, path, "", bearer)
		got := answer.Header.Values("Allow")
		slices.Sort(got)
		if answer.StatusCode != http.StatusMethodNotAllowed || !slices.Equal(got, want) {
			t.Errorf("PUT %s: %d, Allow %q, want 405, %q", path, answer.StatusCode, got, want)
		}
	}
}

func (n *testNode) checkHead(t *testing.T, path string) {
	t.Helper()
	if path == "/stream" {
		path += "?viewer=head-and-get-1"
	}
	head, get := n.request(t, http.MethodHead, path, "", bearer), n.request(t, http.MethodGet, path, "", bearer)
	body, err := io.ReadAll(head.Body)
	testkit.Must(t, err)
	if kind := get.Header.Get("Content-Type"); head.StatusCode != get.StatusCode || len(body) > 0 ||
		head.Header.Get("Content-Type") != kind {
		t.Errorf("HEAD %s: %d %s, %q; GET: %d %s", path, head.StatusCode, head.Header.Get("Content-Type"), body,
			get.StatusCode, kind)
	}
}

// A link that Convoy prints creates a login for GET alone.
func TestHead_LogsNobodyIn(t *testing.T) {
	t.Parallel()
	n := start(t)
	answer := n.request(t, http.MethodHead, "/?token="+token, "", "Accept: text/html")
	if answer.StatusCode != http.StatusUnauthorized || len(answer.Cookies()) > 0 {
		t.Errorf("%d, cookies %v", answer.StatusCode, answer.Cookies())
	}
	if logins := n.Authority.Grants.All(); len(logins) > 0 {
		t.Errorf("it has %d logins", len(logins))
	}
}

// A HEAD of a shell's file downloads nothing, and the audit log has nothing of it.
func TestHead_IsNoDownload(t *testing.T) {
	t.Parallel()
	n := start(t)
	withAudit(t, n)
	s, dir := n.inDir(t)
	before := len(n.ownAudit(auditQuery{}))
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o600))
	path := s.Path() + "/files?path=file"
	head := n.request(t, http.MethodHead, path, "", bearer)
	if got := len(n.ownAudit(auditQuery{})) - before; head.ContentLength != 4 || got != 0 {
		t.Errorf("HEAD: %s, %d bytes, %d entries in the audit log", head.Status, head.ContentLength, got)
	}
	n.request(t, http.MethodGet, path, "", bearer)
	if got := len(n.ownAudit(auditQuery{})) - before; got != 1 {
		t.Errorf("GET has %d entries in the audit log", got)
	}
}
