package handlers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

// badRequest is a request, with its status and a part of its answer.
type badRequest struct {
	name, method, path, body string
	want                     int
	says                     string
}

func badInput(shell string) []badRequest {
	const viewer = "viewer=bad-input-viewer-1"
	return []badRequest{
		{"no such page", "GET", "/nowhere", "", 404, "nothing here"},
		{"wrong method", "PUT", "/nodes", "", 405, "not allowed"},
		{"unknown node", "GET", "/nodes/convoy-zzzz", "", 404, "no such node"},
		{"unknown node's shells", "GET", "/nodes/convoy-zzzz/shells", "", 404, "no such node"},
		{"unknown node, encoded", "GET", "/nodes/%2e%2e%2fetc", "", 404, "no such node"},
		{"unknown shell", "GET", "/nodes/" + self + "/shells/nosuchone1", "", 404, "no such shell"},
		{"close unknown shell", "DELETE", "/nodes/" + self + "/shells/nosuchone1", "", 404, "no such shell"},
		{"input for unknown shell", "POST", "/nodes/" + self + "/shells/nosuchone1/input", "x", 404, "no such shell"},
		{"spawn without provider", "POST", "/nodes", "", 503, "no provider"},
		{"retire without provider", "DELETE", "/nodes/" + self, "", 503, "no provider"},
		{"size of zero", "POST", shell + "/size?rows=0&cols=80", "", 400, "rows"},
		{"size too large", "POST", shell + "/size?rows=24&cols=100000", "", 400, "size"},
		{"size of nothing", "POST", shell + "/size", "", 400, "rows"},
		{"shell of bad size", "POST", "/nodes/" + self + "/shells", `{"rows":-1,"cols":3}`, 400, "rows"},
		{"shell of broken JSON", "POST", "/nodes/" + self + "/shells", `{"rows":`, 400, "JSON"},
		{"shell with a field that is not known", "POST", "/nodes/" + self + "/shells", `{"row":24}`, 400, `field \"row\"`},
		{"token with a field that is not known", "POST", "/tokens", `{"name":"x","expires":"24h"}`, 400, "expires"},
		{"source with a field that is not known", "POST", "/nodes/" + self + "/eval", `{"src":"1"}`, 400, "src"},
		{"shell of two values", "POST", "/nodes/" + self + "/shells", `{}{}`, 400, "more than one"},
		{"source without a body", "POST", "/nodes/" + self + "/eval", "", 400, "EOF"},
		{"shell with a huge body", "POST", "/nodes/" + self + "/shells",
			`{"rows":24,"x":"` + strings.Repeat("x", 5000) + `"}`, 413, "4096"},
		{"input too large", "POST", shell + "/input", strings.Repeat("x", maxInput+1), 413, "65536"},
		{"input of a bad viewer", "POST", shell + "/input?viewer=x&n=0", "x", 400, "viewer"},
		{"input without number", "POST", shell + "/input?" + viewer, "x", 400, "n must"},
		{"input of a negative number", "POST", shell + "/input?n=-1&" + viewer, "x", 400, "n must"},
		{"input with an odd ack", "POST", shell + "/input?n=0&ack=many&" + viewer, "x", 400, "ack"},
		{"ack without offset", "POST", shell + "/ack?" + viewer, "", 400, "off"},
		{"ack of what never was", "POST", shell + "/ack?off=99999999&" + viewer, "", 400, "offset"},
		{"log from nowhere", "GET", "/nodes/" + self + "/log?from=x", "", 400, "from"},
		{"stream without viewer", "GET", "/stream", "", 400, "viewer"},
		{"stream of an odd shell", "GET", "/stream?shell=x&" + viewer, "", 400, "NODE/SHELL"},
		{"stream of a far shell", "GET", "/stream?shell=x/y/z@1&" + viewer, "", 400, "NODE/SHELL"},
		{"stream of an odd offset", "GET", "/stream?shell=x/y@-7&" + viewer, "", 400, "NODE/SHELL"},
		{"stream of an odd log", "GET", "/stream?log=x&" + viewer, "", 400, "NODE@BOOT"},
		{"stream of odd wishes", "GET", "/stream?want=all&" + viewer, "", 400, "want"},
		{"follow on a stream that is not", "POST", "/streams/nosuch/shells/" + self + "/x", "", 404, "no such stream"},
		{"connect to nothing", "POST", "/peers", `{"target":" "}`, 400, "target"},
		{"connect with a broken body", "POST", "/peers", `{`, 400, "JSON"},
		{"connect to who is not there", "POST", "/peers", `{"target":"convoy@nowhere"}`, 200, `"connected":false`},
		{"guide page that is not", "GET", "/guide/nosuch", "", 404, "no such page"},
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	s, err := c.Open(t.Context(), self)
	testkit.Must(t, err)
	shell := "/nodes/" + self + "/shells/" + s.ID
	for _, test := range badInput(shell) {
		t.Run(test.name, func(t *testing.T) {
			answer := n.request(t, test.method, test.path, test.body, bearer)
			body, err := io.ReadAll(answer.Body)
			testkit.Must(t, err)
			if answer.StatusCode != test.want || !strings.Contains(string(body), test.says) {
				t.Errorf("got %d %s, want %d and %q", answer.StatusCode, body, test.want, test.says)
			}
			if kind := answer.Header.Get("Content-Type"); kind != "application/json" {
				t.Errorf("Content-Type %q: a script wants JSON", kind)
			}
		})
	}
}

func TestInputNumbers(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	c := n.client(t)
	s, term := n.open(t, c)
	ctx := testkit.Context(t)
	testkit.Must(t, c.Input(ctx, s, 0, -1, []byte("one\r")))
	testkit.Must(t, term.WaitFor(ctx, "one\r\none\r\n"))     // the echo, and cat
	testkit.Must(t, c.Input(ctx, s, 0, -1, []byte("one\r"))) // a repeat types nothing
	testkit.Must(t, c.Input(ctx, s, 1, -1, []byte("two\r")))
	testkit.Must(t, term.WaitFor(ctx, "two\r\ntwo"))
	if got := strings.Count(string(term.Bytes()), "one"); got != 2 {
		t.Errorf("%d times one in %q, want 2", got, term.Bytes())
	}
	var p *client.Problem
	if err := c.Input(ctx, s, 5, -1, []byte("six")); !errors.As(err, &p) || p.Status != 409 || p.Expected == nil ||
		*p.Expected != 2 {
		t.Errorf("input with a gap: %v, want 409 and 2", err)
	}
}

func TestManyViewersSameBytes(t *testing.T) {
	t.Parallel()
	n := start(t)
	a, b := n.client(t), n.client(t)
	s, first := n.open(t, a)
	second, err := b.Attach(t.Context(), s, -1)
	testkit.Must(t, err)
	defer second.Close()
	ctx := testkit.Context(t)
	testkit.Must(t, first.Type(ctx, "echo from-$((40+2)); exit 3\r"))
	for _, term := range []*client.Terminal{first, second} {
		testkit.Must(t, term.WaitFor(ctx, "from-42"))
		how, err := term.WaitExit(ctx)
		if err != nil || how != "3" {
			t.Errorf("exit %q, %v, want 3", how, err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("two viewers saw %q and %q", first.Bytes(), second.Bytes())
	}
}

func TestResumeAtTheByte(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	s, term := n.open(t, c)
	ctx := testkit.Context(t)
	testkit.Must(t, term.Type(ctx, "echo before-$((1+1))\r"))
	testkit.Must(t, term.WaitFor(ctx, "before-2"))
	have := term.Bytes()
	off := term.Offset()
	term.Close()

	testkit.Must(t, c.Do(ctx, "POST", s.Path()+"/input", []byte("echo after-$((2+2))\r"), nil))
	again, err := c.Attach(t.Context(), s, off)
	testkit.Must(t, err)
	defer again.Close()
	testkit.Must(t, again.WaitFor(ctx, "after-4"))
	whole, err := c.Attach(t.Context(), s, 0)
	testkit.Must(t, err)
	defer whole.Close()
	testkit.Must(t, whole.WaitFor(ctx, "after-4"))
	joined := append(have, again.Bytes()...)
	if n := min(len(joined), len(whole.Bytes())); !bytes.Equal(joined[:n], whole.Bytes()[:n]) {
		t.Errorf("resumed %q, whole %q", joined, whole.Bytes())
	}
}

func TestSizeTravelsInTheStream(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	s, term := n.open(t, c)
	ctx := testkit.Context(t)
	testkit.Must(t, c.Do(ctx, "POST", s.Path()+"/size?rows=30&cols=100", nil, nil))
	testkit.Must(t, term.Type(ctx, "stty size\r"))
	testkit.Must(t, term.WaitFor(ctx, "30 100"))
	sizes := term.Sizes()
	if len(sizes) < 2 || !strings.HasPrefix(sizes[0], "24x80@0") || !strings.HasPrefix(sizes[len(sizes)-1], "30x100@") {
		t.Errorf("sizes %v, want 24x80, then 30x100", sizes)
	}
}

// A user's title replaces the program's, without characters that are not visible, until it is empty.
func TestRename(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	s, _ := n.open(t, c)
	ctx := testkit.Context(t)
	for _, title := range []struct{ given, want string }{
		{"deploy", "deploy"},
		{` a\u0007\u202eb `, "ab"},
		{strings.Repeat("x", 200), strings.Repeat("x", 120) + "…"},
		{"", s.Title},
	} {
		testkit.Must(t, c.Do(ctx, "POST", s.Path()+"/title", []byte(`{"title": "`+title.given+`"}`), nil))
		var got client.Shell
		testkit.Must(t, c.Do(ctx, "GET", s.Path(), nil, &got))
		if got.Title != title.want {
			t.Errorf("the title %q became %q", title.given, got.Title)
		}
	}
}

func TestShellThatCannotStart(t *testing.T) {
	t.Parallel()
	n := start(t, "/no/such/program")
	_, term := n.open(t, n.client(t))
	ctx := testkit.Context(t)
	testkit.Must(t, term.WaitFor(ctx, "/no/such/program"))
	if how, err := term.WaitExit(ctx); err != nil || how != "127" {
		t.Errorf("exit %q, %v, want 127", how, err)
	}
}

func TestFollowLaterAndStop(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	s, err := c.Open(t.Context(), self)
	testkit.Must(t, err)
	stream, err := c.Stream(t.Context(), url.Values{"want": {"none"}})
	testkit.Must(t, err)
	defer stream.Close()
	path := "/streams/" + stream.ID + "/shells/" + self + "/" + s.ID
	testkit.Must(t, c.Do(t.Context(), "POST", path+"?from=0", nil, nil))
	for seen := false; !seen; {
		e, err := stream.Next()
		testkit.Must(t, err)
		seen = e.Name == "output"
	}
	testkit.Must(t, c.Do(t.Context(), "DELETE", path, nil, nil))

	r := n.request(t, "POST", path, "", bearer, "Cookie: ")
	if r.StatusCode != http.StatusNoContent {
		t.Errorf("following again: %s", r.Status)
	}
}

func TestGoneShell(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	stream, err := c.Stream(t.Context(), url.Values{"want": {"none"}, "shell": {self + "/nosuchone1@0"}})
	testkit.Must(t, err)
	defer stream.Close()
	e, err := stream.Next()
	if err != nil || e.Name != "gone" || !strings.Contains(string(e.Data), "nosuchone1") {
		t.Errorf("event %s %s, %v, want gone", e.Name, e.Data, err)
	}
}

func TestStreamOfNodesAndLog(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	stream, err := c.Stream(t.Context(), nil)
	testkit.Must(t, err)
	defer stream.Close()
	n.log.Warn("a line\r\nevent: forged", "key", "value\r\rdata: forged")
	var fleetSeen, lineSeen bool
	for !fleetSeen || !lineSeen {
		e, err := stream.Next()
		testkit.Must(t, err)
		switch e.Name {
		case "fleet":
			fleetSeen = fleetSeen || strings.Contains(string(e.Data), self)
		case "log":
			lineSeen = lineSeen || strings.Contains(string(e.Data), "a line")
		case "hb":
		default:
			t.Fatalf("event %q %s", e.Name, e.Data)
		}
	}
}

func TestNodesEventIsThePagesElement(t *testing.T) {
	t.Parallel()
	n := start(t)
	answer := n.request(t, "GET", "/stream?viewer=nodes-event-viewer&want=nodes", "", bearer, "Accept: text/event-stream")
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("Content-Type %q", kind)
	}
	buf := make([]byte, 64<<10)
	var got strings.Builder
	for !strings.Contains(got.String(), "event: nodes") {
		k, err := answer.Body.Read(buf)
		got.Write(buf[:k])
		testkit.Must(t, err)
	}
	if !strings.Contains(got.String(), `id="nodes"`) || !strings.Contains(got.String(), self) {
		t.Errorf("nodes event: %s", got.String())
	}
}

// A stream continues the list of the page that opens it. One that names an unknown list begins with the whole list.
func TestStreamContinuesThePagesList(t *testing.T) {
	t.Parallel()
	n := start(t)
	page, err := io.ReadAll(n.request(t, "GET", "/", "", bearer, "Accept: text/html").Body)
	testkit.Must(t, err)
	_, rest, _ := strings.Cut(string(page), ` data-list="`)
	list, _, _ := strings.Cut(rest, `"`)
	c := n.client(t)
	c.Page = true
	for id, want := range map[string]string{list: "changes", "other": "nodes", "": "nodes"} {
		stream, err := c.Stream(t.Context(), url.Values{"want": {"nodes"}, "list": {id}})
		testkit.Must(t, err)
		e, err := stream.Next()
		for ; err == nil && e.Name == "stats"; e, err = stream.Next() {
		}
		if stream.Close(); err != nil || e.Name != want || want == "nodes" && !strings.Contains(string(e.Data), self) {
			t.Errorf("list %q: event %q %s, %v, want %s", id, e.Name, e.Data, err, want)
		}
	}
}

// A thousand viewers come and go; nothing of them stays. TestMain counts the goroutines.
func TestConnectsLeaveNothing(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	c := n.client(t)
	s, err := c.Open(t.Context(), self)
	testkit.Must(t, err)
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := c.Stream(ctx, url.Values{"shell": {s.Key()}})
		testkit.Must(t, err)
		cancel()
		stream.Close()
	}
	n.Close()
	if open := n.Streams(); open != 0 {
		t.Errorf("%d streams are left", open)
	}
}
