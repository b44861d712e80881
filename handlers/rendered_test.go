package handlers

import (
	"fmt"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// Pages that share a list still see every change: a shell that opens is in the list of each.
func TestRendered_PagesSeeChanges(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	c := n.client(t)
	var pages []*pageStream
	for i := range 20 {
		pages = append(pages, n.page(t, fmt.Sprintf("page-of-many-%05d", i)))
	}
	for range 3 {
		s, err := c.Open(testkit.Context(t), self)
		testkit.Must(t, err)
		for _, p := range pages {
			p.until(t, s.ID)
		}
	}
	n.log.Info("a line for everybody")
	for _, p := range pages {
		p.until(t, "a line for everybody")
	}
}

// TestConsoleIsCompressed checks that the console's page arrives compressed, but only where the client can read that.
func TestConsoleIsCompressed(t *testing.T) {
	t.Parallel()
	n := start(t)
	for accepted, want := range map[string]string{"gzip, deflate, br": "gzip", "identity": ""} {
		answer := n.request(t, "GET", "/", "", bearer, "Accept: text/html", "Accept-Encoding: "+accepted)
		if got := answer.Header.Get("Content-Encoding"); answer.StatusCode != 200 || got != want {
			t.Errorf("Accept-Encoding %q: status %d, encoding %q, want %q", accepted, answer.StatusCode, got, want)
		}
	}
}

// pageStream is a stream as a page gets it.
type pageStream struct {
	read func([]byte) (int, error)
	seen strings.Builder
}

func (n *testNode) page(t *testing.T, viewer string) *pageStream {
	t.Helper()
	answer := n.request(t, "GET", "/stream?viewer="+viewer, "", bearer, "Accept: text/event-stream")
	return &pageStream{read: answer.Body.Read}
}

// until reads until a text has come.
func (p *pageStream) until(t *testing.T, text string) {
	t.Helper()
	buf := make([]byte, 32<<10)
	for !strings.Contains(p.seen.String(), text) {
		k, err := p.read(buf)
		p.seen.Write(buf[:k])
		if err != nil {
			t.Fatalf("waiting for %q: %v", text, err)
		}
	}
}
