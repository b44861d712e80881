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

	"convoy/handlers/live"
	"convoy/internal/testkit"
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
		body = live.AppendFrame(body, e)
	}
	c.froms = append(c.froms, r.URL.Query().Get("from"))
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}, nil
}

// If a connection between nodes ends between the size and the screen, the screen is requested again. After the screen,
// the next connection resumes at the byte.
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
	n.reach(hop)
	c := n.client(t)
	stream, err := c.Stream(testkit.Context(t), url.Values{"want": {"none"}, "shell": {"convoy@far.test/9k2m4x7qpa@-2"}})
	testkit.Must(t, err)
	defer stream.Close()
	var names []string
	for !slices.Contains(names, "exit") {
		e, err := stream.Next()
		testkit.Must(t, err)
		names = append(names, e.Name)
	}
	if got := strings.Join(names, " "); got != "size lost size reset output lost exit" {
		t.Errorf("events %q", got)
	}
	if !slices.Equal(hop.froms, []string{"-2", "-2", "504"}) {
		t.Errorf("asked from %q, want twice the screen, then the byte that comes next", hop.froms)
	}
}
