package handlers

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// untilCarried reads a carrier until each stream with one of these tags has had the event, and returns the last one's
// data.
func untilCarried(t *testing.T, carrier *client.Stream, event string, tags ...string) string {
	t.Helper()
	for {
		e, err := carrier.Next()
		if err != nil {
			t.Fatalf("waiting for %s of the streams %q: %v", event, tags, err)
		}
		words := strings.SplitN(string(e.Data), " ", 3)
		if e.Name != "carried" || words[1] != event {
			continue
		}
		tags = slices.DeleteFunc(tags, func(tag string) bool { return tag == words[0] })
		if len(tags) == 0 {
			return words[2]
		}
	}
}

// Two streams on one carrier are two viewers. One ends without the other.
func TestCarrier_Streams(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	c := n.client(t)
	ctx := testkit.Context(t)
	s, err := c.Open(ctx, self)
	testkit.Must(t, err)
	carrier, err := c.Carrier(ctx)
	testkit.Must(t, err)
	defer carrier.Close()
	path := func(tag string) string {
		return "/stream?want=none&viewer=viewer-on-a-carrier-" + tag + "&shell=" + s.Key() + "&as=" + tag
	}
	ask := func(method, path string, want int) {
		t.Helper()
		if answer := n.request(t, method, path, "", bearer, "Convoy-Carrier: "+carrier.ID); answer.StatusCode != want {
			t.Errorf("%s %s: %s, want %d", method, path, answer.Status, want)
		}
	}
	for _, tag := range []string{"a", "b"} {
		ask("POST", path(tag), http.StatusNoContent)
		untilCarried(t, carrier, "hello", tag)
	}
	if open := n.Streams(); open != 2 {
		t.Errorf("%d streams are open, want 2", open)
	}
	ask("POST", path("a"), http.StatusConflict)
	ask("POST", path("a+b"), http.StatusBadRequest)
	testkit.Must(t, c.Input(ctx, s, 0, -1, []byte("both\r")))
	out, err := client.ParseOutput(client.Event{Data: []byte(untilCarried(t, carrier, "output", "a", "b"))})
	if err != nil || out.Shell != s.Key() || !bytes.HasPrefix(out.Bytes, []byte("both")) {
		t.Errorf("output %+v, %v", out, err)
	}
	ask("DELETE", path("a"), http.StatusNoContent)
	untilCarried(t, carrier, "end", "a")
	ask("DELETE", path("a"), http.StatusNoContent) // repeated
	testkit.Must(t, c.Input(ctx, s, 1, -1, []byte("one\r")))
	untilCarried(t, carrier, "output", "b")

	carrier.Close()
	testkit.Eventually(t, "all streams end with their carrier", func() bool { return n.Streams() == 0 })
	ask("POST", path("c"), http.StatusNotFound)
}

// A carrier gives no rights: each stream needs its own, and nobody adds a stream without the carrier's name.
func TestCarrier_GivesNoRights(t *testing.T) {
	t.Parallel()
	hops(t, func(t *testing.T, s *shared) {
		n, ctx := s.console, testkit.Context(t)
		token, _ := s.link(t, "watch")
		byLogin, err := n.client(t).Carrier(ctx)
		testkit.Must(t, err)
		defer byLogin.Close()
		byLink, err := s.holder(t, token).Carrier(ctx)
		testkit.Must(t, err)
		defer byLink.Close()
		viewer := n.loggedIn(access.Viewer, time.Hour)
		own, other := "&shell="+s.shell.Key(), "&shell="+s.other.Key()
		for _, test := range []struct {
			about, path string
			headers     []string
			want        int
		}{
			{"a login on a link's carrier", "/stream?" + holder + own,
				append(viewer, "Convoy-Carrier: "+byLink.ID), 204},
			{"a link on a login's carrier", "/share/" + token + "/stream?" + holder,
				[]string{"Convoy-Carrier: " + byLogin.ID}, 204},
			{"nobody on a login's carrier", "/stream?" + holder + own, []string{"Convoy-Carrier: " + byLogin.ID}, 401},
			{"a link to another shell", "/share/" + token + "/stream?" + holder + other,
				[]string{"Convoy-Carrier: " + byLogin.ID}, 403},
			{"without a carrier", "/stream?" + holder + own, viewer, 404},
			{"of a guessed name", "/stream?" + holder + own,
				append(viewer, "Convoy-Carrier: "+strings.Repeat("A", 26)), 404},
			{"from another site", "/stream?" + holder + own,
				append(viewer, "Convoy-Carrier: "+byLogin.ID, "Sec-Fetch-Site: cross-site"), 403},
		} {
			if answer := n.request(t, "POST", test.path+"&as=x", "", test.headers...); answer.StatusCode != test.want {
				t.Errorf("%s: %s, want %d", test.about, answer.Status, test.want)
			}
		}
		untilCarried(t, byLink, "hello", "x")
		if sees := untilCarried(t, byLogin, "presence", "x"); !strings.Contains(sees, `"types":false`) {
			t.Errorf("a link that only watches is there as %s", sees)
		}
	})
}
