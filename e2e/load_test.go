package e2e

import (
	"strings"
	"testing"
)

// TestBrowser_ColdLoad bounds what a browser loads until a shell's prompt is drawn, with nothing in its cache.
func TestBrowser_ColdLoad(t *testing.T) {
	t.Parallel()
	const maxRequests, maxBytes = 20, 200_000
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	got := p.ColdLoad(hasPrompt(key))
	list := strings.Join(got.Requests, "\n")
	t.Logf("%d requests, %d bytes:\n%s", len(got.Requests), got.Bytes, list)
	if len(got.Requests) > maxRequests || got.Bytes > maxBytes {
		t.Errorf("%d requests of %d, %d bytes of %d:\n%s", len(got.Requests), maxRequests, got.Bytes, maxBytes, list)
	}
	if strings.Contains(list, ".map") {
		t.Errorf("a source map is loaded without developer tools:\n%s", list)
	}
	p.Clean()
}
