package handlers

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/handlers/share"
	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/pty"
)

const holder = "viewer=holder-of-a-link-1"

// Every route of a link's holder, for every kind of token.
func TestShare_RoutesAndTokens(t *testing.T) {
	t.Parallel()
	hops(t, func(t *testing.T, s *shared) {
		good, _ := s.link(t, "watch")
		types, _ := s.link(t, "type")
		revoked, id := s.link(t, "type")
		s.revoke(t, id)
		known := share.Share{
			ID:      "0123456789abcdef",
			Node:    s.owner.Self,
			Shell:   s.shell.ID,
			Types:   true,
			Expires: time.Now().Add(time.Hour).Truncate(time.Second),
		}
		past := known
		past.Expires = time.Now().Add(-time.Second).Truncate(time.Second)
		keys := s.console.shares.Keys
		old, ok := keys.Verify(types)
		if !ok {
			t.Fatal("the link's token is not one")
		}
		follow := "/streams/nosuch/shells/" + s.owner.Self + "/" + s.shell.ID
		routes := []string{"GET ", "GET /stream?" + holder, "POST /input?n=0&" + holder,
			"POST /size?rows=20&cols=70&claim=take&" + holder, "POST /ack?off=0&" + holder, "POST " + follow}
		for _, test := range []struct {
			name, token string
			want        [6]int
		}{
			{"watch", good, [6]int{200, 200, 403, 403, 204, 404}},
			{"type", types, [6]int{200, 200, 204, 204, 204, 404}},
			{"by the key before", keys[1:].Token(old), [6]int{200, 200, 204, 204, 204, 404}},
			{"revoked", revoked, [6]int{410, 410, 410, 410, 410, 404}},
			{"expired", keys.Token(past), [6]int{410, 410, 410, 410, 410, 410}},
			{"on no list", keys.Token(known), [6]int{410, 410, 410, 410, 410, 404}},
			{"forged", types[:len(types)-2] + "AA", [6]int{404, 404, 404, 404, 404, 404}},
			{"of another cluster", share.Keys{keyOf('x')}.Token(old), [6]int{404, 404, 404, 404, 404, 404}},
			{"cut", types[:40], [6]int{404, 404, 404, 404, 404, 404}},
			{"a right raised", strings.Replace(good, good[:10], base64.RawURLEncoding.EncodeToString([]byte("1 type "))[:10], 1),
				[6]int{404, 404, 404, 404, 404, 404}},
		} {
			for i, route := range routes {
				method, path, _ := strings.Cut(route, " ")
				answer := s.console.request(t, method, "/share/"+test.token+path, "")
				if answer.StatusCode != test.want[i] {
					t.Errorf("%s: %s: %s, want %d", test.name, route, answer.Status, test.want[i])
				}
				if answer.StatusCode == 404 && i < 5 {
					if got := refusal(t, answer); got != "there is nothing here" {
						t.Errorf("%s: %s: %q tells what is wrong with the token", test.name, route, got)
					}
				}
			}
		}
	})
}

// A token opens nothing but what lies below its address.
func TestShare_OpensNothingElse(t *testing.T) {
	t.Parallel()
	hops(t, func(t *testing.T, s *shared) {
		token, id := s.link(t, "type")
		for _, path := range []string{"/nodes", "/stream?" + holder, "/guide", "/metrics", s.shell.Path(),
			s.shell.Path() + "/links", s.other.Path(), "/nodes/" + s.owner.Self + "/log"} {
			for _, header := range []string{"Authorization: Bearer " + token,
				"Cookie: " + s.console.sessions.Cookies.Name + "=" + token,
				"Convoy-User: admin", "X-Share: " + id} {
				if answer := s.console.request(t, "GET", path, "", header); answer.StatusCode != 401 &&
					(answer.StatusCode != 429 || !strings.HasPrefix(header, "Authorization")) {
					t.Errorf("GET %s with %q: %s, want 401, or 429 for one bearer token too many", path, header[:12], answer.Status)
				}
			}
		}
		for _, test := range []struct {
			method, path string
			want         int
		}{
			{"GET", "/nodes", 404},
			{"GET", "/links", 404},
			{"GET", "/output", 404},
			{"GET", "/stream?" + holder + "&shell=" + s.other.Key(), 403},
			{"GET", "/stream?" + holder + "&shell=" + s.shell.Key() + "&shell=" + s.other.Key(), 403},
			{"POST", "/input?" + holder, 400},
			{"POST", "/input?n=0", 400},
			{"POST", "/input", 400},
			{"POST", "/size?rows=10&cols=10", 400},
			{"DELETE", "", 405},
		} {
			if answer := s.console.request(t, test.method, "/share/"+token+test.path, ""); answer.StatusCode != test.want {
				t.Errorf("%s %s: %s, want %d", test.method, test.path, answer.Status, test.want)
			}
		}
	})
}

// Those who hold a link see the shell and nothing else, under names of their own.
func TestShare_HoldersAreViewers(t *testing.T) {
	t.Parallel()
	hops(t, func(t *testing.T, s *shared) {
		ctx := testkit.Context(t)
		admin := s.console.client(t)
		first := look(ctx, t, admin, s.shell, url.Values{"name": {"Grace"}})
		// viewers are listed in the order of arrival
		attendance(t, first, "the first", func(p pty.Presence) bool { return p.Count == 1 })
		watchers, _ := s.link(t, "watch")
		typists, _ := s.link(t, "type")
		ada := s.holder(t, typists)
		ada.Viewer = admin.Viewer // as if it had guessed it
		stream := watch(ctx, t, ada, url.Values{"name": {"Ada"}, "want": {"nodes,log"}, "log": {self + "@boot:0"}})
		for range 2 {
			watch(ctx, t, s.holder(t, watchers), nil)
		}
		attendance(t, first, "all four", func(p pty.Presence) bool {
			var names []string
			for _, v := range p.Viewers {
				names = append(names, fmt.Sprint(v.Name, v.Types))
			}
			return fmt.Sprint(names) == "[Gracetrue Ada (link)true for Ada (link)false for Ada (link)false]"
		})
		// The same viewer's number 0 by two people: both are typed.
		testkit.Must(t, admin.Input(ctx, s.shell, 0, -1, []byte("echo from-$((40+1))\r")))
		testkit.Must(t, ada.Do(ctx, "POST", "/input?viewer="+ada.Viewer+"&n=0", []byte("echo from-$((40+2))\r"), nil))
		untilOutput(t, first, "from-42")
		for seen := ""; !strings.Contains(seen, "from-42"); {
			e, err := stream.Next()
			testkit.Must(t, err)
			switch e.Name {
			case "output":
				out, err := client.ParseOutput(e)
				testkit.Must(t, err)
				seen += string(out.Bytes)
			case "reset", "size", "presence", "hb":
			default:
				t.Fatalf("a holder got %s %s", e.Name, e.Data)
			}
		}
		var shared struct{ End int64 }
		testkit.Must(t, ada.Do(ctx, "GET", "", nil, &shared))
		if shared.End == 0 {
			t.Error("a holder does not learn where the output ends")
		}
		s.console.Notify("info", "for those who are logged in", "")
		until(t, first, "notice")
		testkit.Must(t, ada.Do(ctx, "POST", "/input?viewer="+ada.Viewer+"&n=1", []byte("echo after-$((40+3))\r"), nil))
		for seen := ""; !strings.Contains(seen, "after-43"); {
			e, err := stream.Next()
			testkit.Must(t, err)
			if e.Name == "notice" {
				t.Fatal("a holder got a notice")
			}
			if out, err := client.ParseOutput(e); e.Name == "output" && err == nil {
				seen += string(out.Bytes)
			}
		}
	})
}

// A stream belongs to the link that opened it.
func TestShare_StreamsAreOnesOwn(t *testing.T) {
	t.Parallel()
	hops(t, func(t *testing.T, s *shared) {
		ctx := testkit.Context(t)
		one, _ := s.link(t, "watch")
		two, _ := s.link(t, "watch")
		mine, theirs, admin := s.holder(t, one), s.holder(t, two), s.console.client(t)
		stream := watch(ctx, t, mine, nil)
		fleet := look(ctx, t, admin, s.shell, nil)
		path := func(stream *client.Stream, shell client.Shell) string {
			return "/streams/" + stream.ID + "/shells/" + s.owner.Self + "/" + shell.ID
		}
		for what, err := range map[string]error{
			"204":                       mine.Do(ctx, "POST", path(stream, s.shell)+"?from=0", nil, nil),
			"403 another shell":         mine.Do(ctx, "POST", path(stream, s.other), nil, nil),
			"403 another link's stream": theirs.Do(ctx, "POST", path(stream, s.shell), nil, nil),
			"403 a login's stream":      mine.Do(ctx, "POST", path(fleet, s.shell), nil, nil),
			"403 a link's stream":       admin.Do(ctx, "POST", path(stream, s.other), nil, nil),
			"405 dropped":               mine.Do(ctx, "DELETE", path(stream, s.shell), nil, nil),
		} {
			if got := fmt.Sprint(err); what != "204" && !strings.HasPrefix(got, what[:3]) || what == "204" && err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// Nobody can take all streams of a node with one link.
func TestShare_HoldersAreBounded(t *testing.T) {
	t.Parallel()
	n := start(t)
	s := newShared(t, n, n)
	token, _ := s.link(t, "watch")
	for range share.MaxGuests {
		watch(testkit.Context(t), t, s.holder(t, token), nil)
	}
	if answer := n.request(t, "GET", "/share/"+token+"/stream?"+holder, ""); answer.StatusCode != 429 {
		t.Errorf("one more: %s, want 429", answer.Status)
	}
	another, _ := s.link(t, "watch")
	watch(testkit.Context(t), t, s.holder(t, another), nil)
}

// While the owner is away, a guest learns that, but none of the cluster's addresses.
func TestShare_OwnerIsAway(t *testing.T) {
	t.Parallel()
	n := startNamed(t, self, wire{}, 0)
	token := n.shares.Keys.Token(share.Share{
		ID:      "0123456789abcdef",
		Node:    owner,
		Shell:   "9k2m4x7qpa",
		Types:   true,
		Expires: time.Now().Add(time.Hour),
	})
	for _, route := range []string{"GET ", "POST /input?n=0&" + holder} {
		method, path, _ := strings.Cut(route, " ")
		answer := n.request(t, method, "/share/"+token+path, "")
		if got := refusal(t, answer); answer.StatusCode != 502 || strings.Contains(got, "fd12") {
			t.Errorf("%s: %s %q", route, answer.Status, got)
		}
	}
	c := client.New(n.url+"/share/"+token, "")
	t.Cleanup(c.Close)
	if data := until(t, watch(testkit.Context(t), t, c, nil), "lost"); strings.Contains(data, "fd12") {
		t.Errorf("lost %s", data)
	}
}

func TestShare_HeadersAndLog(t *testing.T) {
	t.Parallel()
	hops(t, func(t *testing.T, s *shared) {
		token, id := s.link(t, "type")
		page := s.console.request(t, "GET", "/share/"+token, "", "Accept: text/html")
		body, err := io.ReadAll(page.Body)
		testkit.Must(t, err)
		if page.StatusCode != 200 || !strings.Contains(string(body), `data-shell="`+s.shell.ID+`"`) ||
			!strings.Contains(string(body), `<meta name="referrer" content="no-referrer">`) ||
			strings.Contains(string(body), token) {
			t.Errorf("%s:\n%s", page.Status, body)
		}
		for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow",
			"Cache-Control": "no-store", "X-Frame-Options": "DENY"} {
			if got := page.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if !strings.Contains(page.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
			len(page.Cookies()) > 0 {
			t.Error("the page may be framed, or sets a cookie")
		}
		for _, header := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"} {
			for _, route := range []string{"GET /stream?" + holder, "POST /input?n=0&" + holder} {
				method, path, _ := strings.Cut(route, " ")
				if answer := s.console.request(t, method, "/share/"+token+path, "", header); answer.StatusCode != 403 {
					t.Errorf("%s with %s: %s, want 403", route, header, answer.Status)
				}
			}
		}
		broken := s.console.site.Handle(func(http.ResponseWriter, *http.Request) error { panic("a mistake") })
		mistaken := chi.NewRouter()
		mistaken.Use(s.console.site.Recover)
		for _, path := range []string{"", "/input"} {
			mistaken.Get("/share/{token}"+path, broken)
			mistaken.ServeHTTP(
				httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/share/"+token+path, nil),
			)
		}
		watch(testkit.Context(t), t, s.holder(t, token), nil)
		s.revoke(t, id)
		seen := ""
		for _, n := range []*testNode{s.console, s.owner} {
			for _, line := range n.Logs.Tail(200) {
				seen += fmt.Sprintln(line.Message, line.Attrs)
			}
		}
		for _, want := range []string{"link made", "link revoked", "shell opened by a link", "/share/{token}/input"} {
			if !strings.Contains(seen, want) {
				t.Errorf("the log has no %q", want)
			}
		}
		if _, sum, _ := strings.Cut(token, "."); strings.Contains(seen, sum) {
			t.Error("the log has the token")
		}
	})
}
