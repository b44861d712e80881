package e2e

import (
	"net/http"
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// A local fleet that starts again with its data and its token knows its logins.
func TestBrowser_RestartKeepsLogins(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	env := map[string]string{"CONVOY_TOKEN": testToken, "XDG_STATE_HOME": t.TempDir()}
	start := func(addr string) *running {
		n := launch(t, env, "-addr", addr)
		link := strings.Fields(n.out.line(testkit.Context(t), t, "log in at http"))[3]
		n.Client = client.New(strings.TrimSuffix(link, "/"), testToken)
		t.Cleanup(n.Client.Close)
		return n
	}
	n := start("127.0.0.4:0") // where no other test takes its port while none listens
	p := browse(t, n, n.host())
	if status := n.ended(); status != 0 {
		t.Fatalf("exit status %d", status)
	}
	n = start(n.host())
	p.Reload()
	p.Wait(`document.querySelector(".node[data-self]")`)
	testkit.Must(t, n.Do(testkit.Context(t), http.MethodGet, "/nodes", nil, nil))
}
