package handlers

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"convoy/pty"
)

// cuts is a cluster with one other node, whose connections end after what is in answers, one after the other.
type cuts struct {
	alone
	answers [][]pty.Event
	froms   []string // that were asked for; read when the stream has ended
}

func (c *cuts) Do(_ string, r *http.Request) (*http.Response, error) {
	if len(c.answers) == len(c.froms) {
		return nil, errors.New("no more answers")
	}
	var body []byte
	for _, e := range c.answers[len(c.froms)] {
		body = appendFrame(body, e)
	}
	c.froms = append(c.froms, r.URL.Query().Get("from"))
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}, nil
}

// A connection between nodes that ends between the size and the screen has brought nothing: the screen is asked for
// again. Later ones go on at the byte.
func TestScreenThatIsCutComesAgain(t *testing.T) {
	t.Parallel()
	n := start(t)
	size := pty.Event{Kind: pty.Resize, Off: 500, Size: pty.Size{Rows: 24, Cols: 80}}
	screen := pty.Event{Kind: pty.Reset, Off: 500, Bytes: []byte("the screen")}
	hop := &cuts{answers: [][]pty.Event{
		{size},
		{size, screen, {Kind: pty.Output, Off: 500, Bytes: []byte("more")}},
		{{Kind: pty.Exited, Off: 504}},
	}}
	n.Cluster = hop
	c := n.client(t)
	stream, err := c.Stream(soon(t), url.Values{"want": {"none"}, "shell": {"convoy@far.test/9k2m4x7qpa@-2"}})
	must(t, err)
	defer stream.Close()
	var names []string
	for !slices.Contains(names, "exit") {
		e, err := stream.Next()
		must(t, err)
		names = append(names, e.Name)
	}
	if got := strings.Join(names, " "); got != "size lost size reset output lost exit" {
		t.Errorf("events %q", got)
	}
	if !slices.Equal(hop.froms, []string{"-2", "-2", "504"}) {
		t.Errorf("asked from %q, want twice the screen, then the byte that comes next", hop.froms)
	}
}
