package node

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"convoy/access"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// room is a running node and the address of its console. Other users connect from a different address than the actor.
type room struct {
	*node
	url  string
	from string
}

// people are the users: one who takes a full share, another one, and an admin who logs in meanwhile.
const people = "mallory:%[1]s:operator\nmalory:%[1]s:admin\nolga:%[1]s:operator\nann:%[1]s:admin\n"

func startRoom(t *testing.T) *room {
	t.Helper()
	data := t.TempDir()
	hash, err := bcrypt.GenerateFromPassword([]byte("a password"), bcrypt.MinCost)
	testkit.Must(t, err)
	testkit.Must(t, os.WriteFile(filepath.Join(data, "users"), fmt.Appendf(nil, people, hash), 0o600))
	n, err := build(Config{
		Name:      "convoy@room.test",
		Bind:      netip.MustParseAddr("127.0.0.1"),
		Poll:      time.Second,
		Cookie:    "kD93jfLq02mXv81zRtY6uWcB47nHsPaE",
		Provider:  "none",
		Addr:      "127.0.0.1:0",
		Token:     "a-token-of-the-tests",
		Users:     filepath.Join(data, "users"),
		Data:      data,
		Record:    Record{Dir: t.TempDir(), MaxBytes: 1 << 30},
		Shell:     []string{"/bin/sh"},
		System:    "on",
		Confine:   "off",
		Dir:       t.TempDir(),
		LogFormat: "json",
		Env:       []string{"PATH=" + os.Getenv("PATH")},
	}, io.Discard)
	testkit.Must(t, err)
	ctx, cancel := context.WithCancelCause(context.Background())
	t.Cleanup(func() {
		n.stop()
		cancel(nil)
		n.group.Wait()
	})
	testkit.Must(t, n.start(ctx, cancel))
	return &room{node: n, url: "http://" + n.addr().String(), from: "127.0.0.1"}
}

// client connects from the address of the other users.
func (r *room) client() *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(r.from)}}
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialer.DialContext},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// said is a response.
type said struct {
	status int
	header http.Header
	text   string
}

// ask sends a request with a cookie; the error is that of a context, or of a closed connection.
func (r *room) ask(ctx context.Context, cookie, method, path, body string) (said, error) {
	request, err := http.NewRequestWithContext(ctx, method, r.url+path, strings.NewReader(body))
	if err != nil {
		return said{}, err
	}
	request.Header.Set("Cookie", cookie)
	request.Header.Set("Convoy-Shell", "ashellofmallorys")
	if id, fn, ok := strings.Cut(body, "#"); ok { // the id of the Convoy shell
		request.Header.Set("Convoy-Shell", id)
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader(fn)), int64(len(fn))
	}
	if method == http.MethodPost && !strings.HasPrefix(body, "{") {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := r.client().Do(request)
	if err != nil {
		return said{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return said{answer.StatusCode, answer.Header, string(text)}, err
}

// logsIn logs a user in by form, and returns the cookie.
func (r *room) logsIn(t *testing.T, name string) string {
	t.Helper()
	form := url.Values{"name": {name}, "password": {"a password"}}
	answer, err := r.ask(testkit.Context(t), "", "POST", "/login", form.Encode())
	testkit.Must(t, err)
	_, claim, _ := strings.Cut(answer.header.Get("Location"), "claim=")
	if answer.status != http.StatusSeeOther || claim == "" {
		t.Fatalf("%s logs in: %d %s", name, answer.status, answer.text)
	}
	cookie, _, _ := strings.Cut(answer.header.Get("Set-Cookie"), ";")
	answer, err = r.ask(testkit.Context(t), cookie, "POST", "/session/plain", url.Values{"claim": {claim}}.Encode())
	testkit.Must(t, err)
	cookie, _, _ = strings.Cut(answer.header.Get("Set-Cookie"), ";")
	return cookie
}

// others are another user with a shell, and a viewer.
type others struct {
	cookie string
	shell  client.Shell
	term   *client.Terminal
}

// comes logs another user in, who opens a Convoy shell.
func (r *room) comes(t *testing.T) *others {
	t.Helper()
	o := &others{cookie: r.logsIn(t, "olga")}
	answer, err := r.ask(testkit.Context(t), o.cookie, "POST", "/nodes/"+r.cfg.Name+"/shells", `{"kind":"convoy"}`)
	testkit.Must(t, err)
	testkit.Must(t, json.Unmarshal([]byte(answer.text), &o.shell))
	c := client.New(r.url, r.cfg.Token)
	c.HTTP.Transport = r.client().Transport
	t.Cleanup(c.Close)
	o.term, err = c.Attach(t.Context(), o.shell, -1)
	testkit.Must(t, err)
	t.Cleanup(o.term.Close)
	testkit.Must(t, o.term.WaitFor(testkit.Context(t), ")>"))
	return o
}

// meanwhile checks that the other user's keys are echoed, and that the admin can log in.
func (r *room) meanwhile(t *testing.T, o *others) {
	t.Helper()
	answer, err := r.ask(testkit.Context(t), o.cookie, "POST", o.shell.Path()+"/input", "keys of olga's")
	if err != nil || answer.status != http.StatusNoContent {
		t.Fatalf("another user types: %d %s, %v", answer.status, answer.text, err)
	}
	testkit.Must(t, o.term.WaitFor(testkit.Context(t), "keys of olga's"))
	if cookie := r.logsIn(t, "ann"); cookie == "" {
		t.Error("the admin has no cookie")
	}
}

// taken is a kind of request that an actor repeats until one is refused.
type taken struct {
	name  string
	actor string // the user
	count int    // how many are too many
	after bool   // sequential requests; otherwise they wait in parallel
	ask   func(r *room, i int) (method, path, body string)
	want  int // status of the refusal
	says  string
}

func asked(shell, fn string, args ...any) string {
	text, _ := json.Marshal(map[string]any{"fn": fn, "args": args}) //nolint:errcheck // it marshals
	return shell + "#" + string(text)
}

const oneShell = "ashellofmallorys"

var takes = []taken{
	{name: "evaluations", actor: "mallory", count: 2 + 16 + 1, want: 429, says: "requests of this kind",
		ask: func(*room, int) (string, string, string) { return "POST", "/api/cmd", `{"value":"receive()"}` }},
	// an admin has the unreserved part
	{name: "commands", actor: "malory", count: 16 - 2 + 64 + 1, want: 429, says: "requests of this kind",
		ask: func(r *room, _ int) (string, string, string) {
			return "POST", "/nodes/" + r.cfg.Name + "/run", `{"command":"exec sleep 1000"}`
		}},
	{name: "connected shells", actor: "mallory", count: 16 + 1, want: 422, says: "too many Convoy shells",
		ask: func(_ *room, i int) (string, string, string) {
			return "POST", "/api/shell", asked(fmt.Sprintf("shellnumber%05d", i), "receive")
		}},
	{
		name:  "calls",
		actor: "mallory",
		count: 8 + 16 + 1,
		want:  422,
		says:  "too many calls at once: you have the maximum number",
		ask: func(r *room, _ int) (string, string, string) {
			return "POST", "/api/shell", asked(oneShell, "rpc.eval", r.cfg.Name, "receive()", 1000)
		},
	},
	{
		name:  "mailboxes",
		actor: "mallory",
		count: 80,
		after: true,
		want:  422,
		says:  "mailbox is full: it can hold at most 4 MiB",
		ask: func(r *room, _ int) (string, string, string) {
			return "POST", "/api/shell", asked(oneShell, "send", r.process(), r.cfg.Name, strings.Repeat("x", 60_000))
		},
	},
}

// A user who takes a full share is refused more, with the documented response. Meanwhile another user's keys are
// echoed, and an admin logs in.
func TestBounds_OneUserOfANode(t *testing.T) {
	t.Parallel()
	for _, what := range takes {
		t.Run(what.name, func(t *testing.T) {
			t.Parallel()
			r := startRoom(t)
			o, cookie := r.comes(t), r.logsIn(t, what.actor)
			answer := what.take(t, r, cookie)
			if answer.status != what.want || !strings.Contains(answer.text, what.says) {
				t.Errorf("one too many: %d %s", answer.status, answer.text)
			}
			r.meanwhile(t, o)
		})
	}
}

// take sends requests until one is refused, and returns that response. The others stay open until the test ends.
func (what taken) take(t *testing.T, r *room, cookie string) said {
	t.Helper()
	ctx, cancel := context.WithCancel(testkit.Context(t))
	var all sync.WaitGroup
	t.Cleanup(func() { cancel(); all.Wait() })
	refused := make(chan said, what.count)
	one := func(i int) {
		method, path, body := what.ask(r, i)
		if answer, err := r.ask(ctx, cookie, method, path, body); err == nil && answer.status >= 300 {
			refused <- answer
		}
	}
	for i := 0; i < what.count && len(refused) == 0; i++ {
		if what.after {
			one(i)
			continue
		}
		all.Go(func() { one(i) })
	}
	select {
	case answer := <-refused:
		return answer
	case <-ctx.Done():
		t.Fatal("none is refused")
		return said{}
	}
}

// process returns the process of the actor's Convoy shell, which it creates.
func (r *room) process() string {
	who := r.authority.NewIdentity("mallory", access.Operator)
	answer, err := r.service.Ask(context.Background(), who, oneShell, "self", nil)
	if err != nil {
		return err.Error()
	}
	return answer.(map[string]string)["process"]
}

// Arguments of calls: two calls with 14 MiB leave no room for another 7 MiB of the same user.
func TestBounds_NodeArguments(t *testing.T) {
	t.Parallel()
	r := startRoom(t)
	o := r.comes(t)
	who := r.authority.NewIdentity("mallory", access.Operator)
	ctx, cancel := context.WithCancel(testkit.Context(t))
	long := []json.RawMessage{json.RawMessage(strings.Repeat(" ", 7<<20) + "1000")}
	answers := make(chan error, 3)
	for range cap(answers) {
		go func() {
			_, err := r.service.Ask(ctx, who, oneShell, "receive", long)
			answers <- err
		}()
	}
	if err := <-answers; err == nil || !strings.Contains(err.Error(), "too many bytes in arguments of calls") {
		t.Errorf("one too many: %v", err)
	}
	r.meanwhile(t, o)
	cancel()
	for range 2 {
		if err := <-answers; err == nil || strings.Contains(err.Error(), "too many") {
			t.Errorf("one that was taken: %v", err)
		}
	}
}

// Results of multicalls: those of 64 nodes are too large, each for its node; meanwhile other requests are served.
func TestBounds_NodeMulticall(t *testing.T) {
	t.Parallel()
	r := startRoom(t)
	o, cookie := r.comes(t), r.logsIn(t, "mallory")
	for range 1000 {
		r.log.Info(strings.Repeat("x", 500))
	}
	names := make([]string, 64)
	for i := range names {
		names[i] = r.cfg.Name
	}
	done := make(chan said, 1)
	go func() {
		answer, _ := r.ask(
			testkit.Context(t), cookie, "POST", "/api/shell",
			asked(oneShell, "rpc.multicall", "logs.tail", names, 60, []any{1000, ""}),
		) //nolint:errcheck
		done <- answer
	}()
	r.meanwhile(t, o)
	if answer := <-done; answer.status != http.StatusOK ||
		strings.Count(answer.text, "the answer is too large") != len(names) {
		t.Errorf("64 answers: %d %.300s", answer.status, answer.text)
	}
}

// Recordings: a shell has one; a second one is refused.
func TestBounds_NodeRecordings(t *testing.T) {
	t.Parallel()
	r := startRoom(t)
	o, cookie := r.comes(t), r.logsIn(t, "malory")
	for i, want := range []int{http.StatusCreated, http.StatusConflict} {
		answer, err := r.ask(testkit.Context(t), cookie, "POST", o.shell.Path()+"/recording", "")
		testkit.Must(t, err)
		if answer.status != want || i == 1 && !strings.Contains(answer.text, "stop that recording first") {
			t.Errorf("recording %d: %d %s, want %d", i+1, answer.status, answer.text, want)
		}
	}
	r.meanwhile(t, o)
}

// One address opens its maximum of connections, and sends a partial header on each, after one that was too large: one
// more is closed, and other addresses are served.
func TestBounds_NodeConnections(t *testing.T) {
	t.Parallel()
	r := startRoom(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	b := newConnLimits(func(netip.Addr) bool { return false }, r.log)
	server := newServer(r.handlers.Public(), r.log)
	server.BaseContext = func(net.Listener) context.Context { return t.Context() }
	go server.Serve(&limitedListener{listener, b}) //nolint:errcheck // Close ends it
	defer server.Close()
	r.url, r.from = "http://"+listener.Addr().String(), "127.0.0.2"
	o := r.comes(t)
	dial := func(text string) (*bufio.Reader, net.Conn) {
		conn, err := net.Dial("tcp", listener.Addr().String()) // from 127.0.0.1
		testkit.Must(t, err)
		t.Cleanup(func() { conn.Close() })
		testkit.Must(t, conn.SetDeadline(time.Now().Add(time.Minute)))
		io.WriteString(conn, text) //nolint:errcheck // it may be closed
		return bufio.NewReader(conn), conn
	}
	large, conn := dial("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", maxHeader+8<<10) + "\r\n\r\n")
	if line, err := large.ReadString('\n'); !strings.Contains(line, "431") {
		t.Errorf("a header that is too large: %q, %v", line, err)
	}
	conn.Close()
	for range b.maxPerAddr { // the first may replace the one before
		dial("GET /healthz HTTP/1.1\r\nHost: loc")
	}
	more, _ := dial("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if line, err := more.ReadString('\n'); err == nil {
		t.Errorf("one too many: %q", line)
	}
	r.meanwhile(t, o)
}
