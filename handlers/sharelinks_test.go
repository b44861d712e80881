package handlers

import (
	"encoding/json"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/handlers/share"
	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/templates"
)

// What the console lets through counts for nothing: the owner looks at its own list.
func TestShare_OwnerTrustsNoConsole(t *testing.T) {
	t.Parallel()
	n := start(t)
	s := newShared(t, n, n)
	_, watch := s.link(t, "watch")
	_, types := s.link(t, "type")
	_, revoked := s.link(t, "type")
	s.revoke(t, revoked)
	peer := n.Peer()
	for _, test := range []struct {
		method, shell, link, rest string
		want                      int
	}{
		{"GET", s.shell.ID, watch, "", 200},
		{"POST", s.shell.ID, watch, "/ack?off=0&" + holder, 204},
		{"POST", s.shell.ID, types, "/input?n=0&" + holder, 204},
		{"POST", s.shell.ID, watch, "/input?n=0&right=type&" + holder, 403},
		{"POST", s.shell.ID, watch, "/size?rows=1&cols=1&claim=pin&" + holder, 403},
		{"POST", s.shell.ID, revoked, "/input?n=0&" + holder, 410},
		{"POST", s.other.ID, types, "/input?n=0&" + holder, 410},
		{"GET", s.other.ID, types, "/output?from=0&" + holder, 410},
		{"GET", "nosuchone1", types, "/output?from=0&" + holder, 410},
		{"GET", s.shell.ID, types, "/output?from=0", 400},
		{"GET", s.shell.ID, types, "/links", 404},
		{"POST", s.shell.ID, types, "/links", 404},
		{"DELETE", s.shell.ID, types, "", 405},
	} {
		w := httptest.NewRecorder()
		path := "/nodes/" + url.PathEscape(self) + "/shells/" + test.shell + "/shared/" + test.link + test.rest
		peer.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), test.method, path, strings.NewReader("x")))
		if w.Code != test.want {
			t.Errorf("%s %s: %d %s, want %d", test.method, test.rest, w.Code, w.Body, test.want)
		}
	}
}

// endsWith reads a stream to its end, which must come right after gone, with that text.
func endsWith(t *testing.T, s *client.Stream, text string) {
	t.Helper()
	if data := until(t, s, "gone"); !strings.Contains(data, text) {
		t.Errorf("gone %s, want %q", data, text)
	}
	for {
		e, err := s.Next()
		if err != nil {
			return
		}
		if e.Name == "output" {
			t.Fatalf("%s %s after the end", e.Name, e.Data)
		}
	}
}

func TestShare_RevokingEndsStreams(t *testing.T) {
	t.Parallel()
	hops(t, func(t *testing.T, s *shared) {
		ctx := testkit.Context(t)
		token, id := s.link(t, "type")
		kept, _ := s.link(t, "watch")
		c := s.holder(t, token)
		stream, other := watch(ctx, t, c, nil), watch(ctx, t, s.holder(t, kept), nil)
		until(t, stream, "reset")
		until(t, other, "reset")
		s.revoke(t, id)
		endsWith(t, stream, "this link was revoked")
		if err := c.Do(ctx, "POST", "/input?n=0&viewer="+c.Viewer, []byte("echo late\r"), nil); err == nil ||
			!strings.HasPrefix(err.Error(), "410: this link was revoked") {
			t.Errorf("input after it was revoked: %v", err)
		}
		testkit.Must(t, s.console.client(t).Input(ctx, s.shell, 0, -1, []byte("echo go-$((1+1))\r")))
		untilOutput(t, other, "go-2") // the other link goes on
		if err := s.console.client(t).Do(ctx, "DELETE", s.shell.Path()+"/links/"+id, nil, nil); err == nil ||
			!strings.HasPrefix(err.Error(), "404") {
			t.Errorf("revoked twice: %v", err)
		}
	})
}

func TestShare_EndsAtItsTime(t *testing.T) {
	t.Parallel()
	hops(t, func(t *testing.T, s *shared) {
		token, ends := s.expiring(t)
		stream := watch(testkit.Context(t), t, s.holder(t, token), nil)
		until(t, stream, "reset")
		endsWith(t, stream, "this link has expired")
		if time.Now().Before(ends) {
			t.Error("it ended before its time")
		}
		answer := s.console.request(t, "GET", "/share/"+token, "")
		if got := refusal(t, answer); answer.StatusCode != 410 || got != "this link has expired" {
			t.Errorf("%s, %q", answer.Status, got)
		}
		if n := s.owner.links.Count(s.shell.ID); n != 0 {
			t.Errorf("%d links are left", n)
		}
	})
}

// A program that reads nothing holds input back: what was not written when the link was revoked never is.
func TestShare_RevokingEndsInputUnderWay(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/sh", "-c", "stty raw -echo; echo ready; sleep 60")
	s := newShared(t, n, n)
	ctx := testkit.Context(t)
	term, err := n.client(t).Attach(ctx, s.shell, -1)
	testkit.Must(t, err)

	testkit.Must(t, term.WaitFor(ctx, "ready")) // before, the terminal would drop what nobody reads
	term.Close()
	token, id := s.link(t, "type")
	c := s.holder(t, token)
	stream := watch(ctx, t, c, nil)
	until(t, stream, "reset")
	done := make(chan error, 1)
	go func() {
		done <- c.Do(ctx, "POST", "/input?n=0&viewer="+c.Viewer, []byte(strings.Repeat("x", maxInput)), nil)
	}()
	shell, err := n.Shells.Get(s.shell.ID)
	testkit.Must(t, err)
	testkit.Eventually(t, "it types", func() bool { return !shell.Typed().IsZero() })
	s.revoke(t, id)
	// that it took too long is another
	if err := <-done; err == nil || !strings.HasPrefix(err.Error(), "410: this link was revoked") {
		t.Errorf("input under way ends with %v", err)
	}
}

func TestShare_LinksDieWithTheShell(t *testing.T) {
	t.Parallel()
	hops(t, func(t *testing.T, s *shared) {
		ctx := testkit.Context(t)
		token, _ := s.link(t, "watch")
		kept, _ := s.linkTo(t, s.other, "")
		stream := watch(ctx, t, s.holder(t, token), nil)
		until(t, stream, "reset")
		testkit.Must(t, s.console.client(t).Do(ctx, "DELETE", s.shell.Path(), nil, nil))
		until(t, stream, "exit")
		answer := s.console.request(t, "GET", "/share/"+token, "", "Accept: text/html")
		body, err := io.ReadAll(answer.Body)
		testkit.Must(t, err)
		if answer.StatusCode != 410 || !strings.Contains(string(body), "The shell of this link was closed") ||
			strings.Contains(string(body), token) {
			t.Errorf("%s:\n%s", answer.Status, body)
		}
		if answer := s.console.request(t, "GET", s.shell.Path()+"/links", "", bearer); answer.StatusCode != 404 {
			t.Errorf("the links of a shell that is gone: %s", answer.Status)
		}
		if answer := s.console.request(t, "GET", "/share/"+kept, ""); answer.StatusCode != 200 {
			t.Errorf("another shell's link: %s", answer.Status)
		}
		s.linkTo(t, s.other, "") // drops what is over
		if n := s.owner.links.Count(s.shell.ID); n != 0 {
			t.Errorf("%d links outlive their shell", n)
		}
	})
}

func TestShare_ListOfLinks(t *testing.T) {
	t.Parallel()
	hops(t, func(t *testing.T, s *shared) {
		ctx := testkit.Context(t)
		c := s.console.client(t)
		token, id := s.link(t, "type")
		unused, _ := s.linkTo(t, s.shell, `{"expires":"15m","label":" Grace "}`)
		s.console.request(t, "GET", "/share/"+unused, "") // as what previews addresses does
		stream := watch(ctx, t, s.holder(t, token), nil)
		until(t, stream, "reset")
		answer := s.console.request(t, "GET", s.shell.Path()+"/links", "", bearer)
		text, err := io.ReadAll(answer.Body)
		testkit.Must(t, err)
		var list []templates.ShareLink
		testkit.Must(t, json.Unmarshal(text, &list))
		if len(list) != 2 || list[0].ID != id || list[0].Right != "type" || list[0].Label != "for Ada" ||
			list[0].By != access.ConsoleToken || list[0].Viewers != 1 || list[0].Used == nil || list[0].URL != "" ||
			list[1].Right != "watch" || list[1].Label != "Grace" || list[1].Viewers != 0 || list[1].Used != nil {
			t.Errorf("links %s", text)
		}
		if strings.Contains(string(text), token) {
			t.Error("the list has a token")
		}
		if left := time.Until(list[1].Expires); left < 14*time.Minute || left > 15*time.Minute {
			t.Errorf("it ends in %v, want 15 minutes", left)
		}
		var shell struct{ Links int }
		testkit.Must(t, c.Do(ctx, "GET", s.shell.Path(), nil, &shell))
		if shell.Links != 2 {
			t.Errorf("the shell has %d links, want 2", shell.Links)
		}
		for body, want := range map[string]string{
			`{"right":"own"}`:                             "400: right must",
			`{"expires":"59s"}`:                           "400: expires must",
			`{"expires":"721h"}`:                          "400: expires must",
			`{"expires":"soon"}`:                          "400: expires must",
			`{"expires":"-1h"}`:                           "400: expires must",
			`{"label":"` + strings.Repeat("a", 41) + `"}`: "400: label must",
			`{"label":"a\nb"}`:                            "400: label must",
			`{`:                                           "400: the body",
			strings.Repeat(" ", 5000):                     "413",
		} {
			err := c.Do(ctx, "POST", s.shell.Path()+"/links", []byte(body), nil)
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%.30s: %v, want %s", body, err, want)
			}
		}
		for range share.MaxLinks - 2 {
			s.link(t, "watch")
		}
		if err := c.Do(ctx, "POST", s.shell.Path()+"/links", nil, nil); err == nil || !strings.HasPrefix(err.Error(), "429") {
			t.Errorf("one link too many: %v", err)
		}
	})
}

func TestShare_LinksOutliveTheProcess(t *testing.T) {
	t.Parallel()
	hops(t, func(t *testing.T, s *shared) {
		_, before := s.link(t, "type")
		var kept []byte // saved under the list's lock, like its changes
		testkit.Must(t, s.owner.KeepLinks(nil, func(data []byte) { kept = data }))
		_, revoked := s.link(t, "watch")
		_, gone := s.linkTo(t, s.other, "")
		s.revoke(t, revoked)
		testkit.Eventually(t, "the revoked link is dropped", func() bool { return s.owner.links.Count(s.shell.ID) == 1 })
		testkit.Must(t, s.console.client(t).Do(testkit.Context(t), "DELETE", s.other.Path(), nil, nil))

		next := share.NewLinks(t.Context(), s.owner.Shells, s.owner.Authority)
		testkit.Must(t, next.Restore(kept))
		if l, err := next.Find(t.Context(), s.shell.ID, before); err != nil || !l.Types {
			t.Errorf("a link does not outlive the process: %v", err)
		}
		for name, id := range map[string]string{"revoked": revoked, "of a closed shell": gone} {
			if _, err := next.Find(t.Context(), s.shell.ID, id); err == nil {
				t.Errorf("the link %s came back", name)
			}
		}
		if next.Restore([]byte("[")) == nil {
			t.Error("a damaged list is no error")
		}
	})
}
