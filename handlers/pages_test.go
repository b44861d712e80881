package handlers

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// What everyone should know about a node is a notice on the page.
func TestConsole_Warning(t *testing.T) {
	t.Parallel()
	n := start(t)
	for _, text := range []string{"", "The certificate <expires>."} {
		n.Warning = func() (string, string) { return text, "Renew it." }
		answer := n.request(t, http.MethodGet, "/", "", bearer, "Accept: text/html")
		page, err := io.ReadAll(answer.Body)
		testkit.Must(t, err)
		const shown = `aria-label="Notices"><div class="notice" data-level="warn">`
		if want := text != ""; strings.Contains(string(page), shown) != want ||
			strings.Contains(string(page), "The certificate &lt;expires&gt;.") != want {
			t.Errorf("with %q: %d, %s", text, answer.StatusCode, page)
		}
	}
}
