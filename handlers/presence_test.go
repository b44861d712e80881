package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/pty"
)

// attendance reads a stream until a presence event is ok.
func attendance(t *testing.T, s *client.Stream, what string, ok func(pty.Presence) bool) {
	t.Helper()
	var p struct{ pty.Presence }
	for {
		e, err := s.Next()
		if err != nil {
			t.Fatalf("%s: %v; the last was %+v", what, err, p.Presence)
		}
		if e.Name != "presence" {
			continue
		}
		p.Presence = pty.Presence{}
		if err := json.Unmarshal(e.Data, &p); err != nil {
			t.Fatal(err)
		}
		if ok(p.Presence) {
			return
		}
	}
}

func look(ctx context.Context, t *testing.T, c *client.Client, s client.Shell, more url.Values) *client.Stream {
	t.Helper()
	query := url.Values{"want": {"none"}, "shell": {s.Key() + "@-2"}}
	for name, values := range more {
		query[name] = values
	}
	stream, err := c.Stream(ctx, query)
	testkit.Must(t, err)
	t.Cleanup(stream.Close)
	return stream
}

func TestPresence_NamesAndRightsTravel(t *testing.T) {
	t.Parallel()
	n := start(t)
	ada, grace := n.client(t), n.client(t)
	ctx := testkit.Context(t)
	s, err := ada.Open(ctx, self)
	testkit.Must(t, err)
	first := look(ctx, t, ada, s, url.Values{"name": {" Ada "}})
	second := look(ctx, t, grace, s, url.Values{"name": {"Grace <i>"}, "watch": {"1"}})
	both := func(p pty.Presence) bool {
		return p.Count == 2 && p.Viewers[0].Name == "Ada" && p.Viewers[0].Types && p.Viewers[1].Name == "Grace <i>" &&
			!p.Viewers[1].Types
	}
	attendance(t, first, "both", both)
	attendance(t, second, "both", both)

	size := func(c *client.Client, rows int, claim string) error {
		return c.Do(
			ctx, "POST", fmt.Sprintf("%s/size?viewer=%s&rows=%d&cols=80&claim=%s", s.Path(), c.Viewer, rows, claim), nil, nil,
		)
	}
	testkit.Must(t, size(ada, 33, "pin"))
	attendance(t, second, "the pin", func(p pty.Presence) bool {
		return p.Owner == p.Viewers[0].Number && p.Pinned && p.You == p.Viewers[1].Number
	})
	for what, err := range map[string]error{
		"403 a watcher types":          grace.Input(ctx, s, 0, -1, []byte("x")),
		"403 a watcher takes the size": size(grace, 10, "take"),
		"409 a script passes the pin":  ada.Do(ctx, "POST", s.Path()+"/size?rows=10&cols=80", nil, nil),
		"400 an unknown claim":         size(ada, 33, "grab"),
		"400 a claim without a viewer": ada.Do(ctx, "POST", s.Path()+"/size?rows=10&cols=80&claim=take", nil, nil),
		"400 a name that is no name":   ada.Do(ctx, "GET", "/stream?viewer="+ada.Viewer+"&name=a%0ab", nil, nil),
		"400 a name without an end": ada.Do(ctx, "GET", "/stream?viewer="+ada.Viewer+"&name="+strings.Repeat("a",
			41), nil, nil),
		"400 a name that is not a text": ada.Do(ctx, "GET", "/stream?viewer="+ada.Viewer+"&name=%ff", nil, nil),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), what[:3]) {
			t.Errorf("%s: %v", what, err)
		}
	}
	second.Close()
	attendance(t, first, "that Grace has gone", func(p pty.Presence) bool { return p.Count == 1 })
}
