package handlers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/pty"
	"convoy/templates"
)

// as are the headers of a user's browser.
func (n *testNode) as(user string, role access.Role) []string {
	who := access.Identity{
		User:    "openid:" + user,
		Role:    role,
		Home:    "elsewhere@convoy.test",
		Grant:   "login-of-" + user,
		Created: time.Now(),
	}
	s := session.Session{Identity: who, Seen: time.Now(), Expires: time.Now().Add(time.Hour), Plain: true}
	return []string{"Cookie: " + n.sessions.Cookies.Name + "=" + n.sessions.Cookies.Sign(s)}
}

// stalled is a Convoy shell that answers when its asker has gone.
type stalled struct {
	mute
	asked chan string
}

func (s stalled) Ask(ctx context.Context, who access.Identity, _, _ string, _ []json.RawMessage) (any, error) {
	s.asked <- who.User
	<-ctx.Done()
	return nil, ctx.Err()
}

// filling is a resource that one user takes as much of as they may.
type filling struct {
	n      *testNode
	shells []client.Shell // an admin's
}

// listen opens a stream, and returns its id once it has said so.
func (f *filling) listen(t *testing.T, query string, headers []string) (id string, answer *http.Response) {
	t.Helper()
	answer = f.n.request(
		t, "GET", "/stream?viewer=viewer-of-a-bound-1&want=none"+query, "", append(headers, "Accept: application/json")...,
	)
	if answer.StatusCode != http.StatusOK {
		return "", answer
	}
	in := bufio.NewReader(answer.Body)
	for {
		line, err := in.ReadString('\n')
		testkit.Must(t, err)
		if _, data, ok := strings.Cut(line, "data: {"); ok {
			var hello struct{ Stream string }
			testkit.Must(t, json.Unmarshal([]byte("{"+data), &hello))
			return hello.Stream, answer
		}
	}
}

// resources are what one user can take of a node: each is asked for once, with the answer when it is had or refused.
var resources = map[string]struct {
	share int         // what one user may have
	role  access.Role // it takes
	limit func(n *testNode)
	ask   func(t *testing.T, f *filling, i int, headers []string) *http.Response
}{
	"streams": {share: 3, role: access.Viewer, limit: func(n *testNode) { n.live.Streams.PerLogin = 3 },
		ask: func(t *testing.T, f *filling, _ int, headers []string) *http.Response {
			_, answer := f.listen(t, "", headers)
			return answer
		}},
	"connections of pages": {share: 3, role: access.Viewer, limit: func(n *testNode) { n.live.Carriers.PerLogin = 3 },
		ask: func(t *testing.T, f *filling, _ int, headers []string) *http.Response {
			return f.n.request(t, "GET", "/carrier", "", headers...)
		}},
	"followed shells": {share: 2, role: access.Viewer, limit: func(n *testNode) { n.live.Follows.PerUser = 2 },
		ask: func(t *testing.T, f *filling, i int, headers []string) *http.Response {
			id, _ := f.listen(t, "", headers)
			return f.n.request(t, "POST", "/streams/"+id+"/shells/"+f.shells[i%len(f.shells)].Key(), "", headers...)
		}},
	"shells": {share: shellsOfUser, role: access.Operator,
		ask: func(t *testing.T, f *filling, _ int, headers []string) *http.Response {
			return f.n.request(t, "POST", "/nodes/"+self+"/shells", `{"kind":"convoy"}`, headers...)
		}},
	"transfers": {
		share: 2,
		role:  access.Admin,
		limit: func(n *testNode) {
			b := n.quotas.transfers
			b.Total, b.Reserve, b.PerUser = 3, 1, 1
		},
		ask: func(t *testing.T, f *filling, i int, headers []string) *http.Response {
			if i < 2 { // under way
				who := session.Session{Identity: access.Identity{User: "openid:mallory"}, Role: access.Admin}
				_, err := who.Acquire(f.n.quotas.transfers)
				testkit.Must(t, err)
				return &http.Response{StatusCode: http.StatusOK}
			}
			return f.n.request(t, "POST", f.shells[0].Path()+"/files?name=x", "text", headers...)
		},
	},
	"runs": {
		share: 2,
		role:  access.Operator,
		limit: func(n *testNode) { n.quotas.runs.PerUser = 2 },
		ask: func(t *testing.T, f *filling, i int, headers []string) *http.Response {
			if i < 2 { // under way
				who := session.Session{Identity: access.Identity{User: "openid:mallory"}, Role: access.Operator}
				_, err := who.Acquire(f.n.quotas.runs)
				testkit.Must(t, err)
				return &http.Response{StatusCode: http.StatusOK}
			}
			return f.n.request(t, "POST", f.n.bookOf(t, "true")+"/run", "", headers...)
		},
	},
	"asks": {share: 2, role: access.Operator, limit: func(n *testNode) { n.quotas.asks.PerUser = 2 },
		ask: func(t *testing.T, f *filling, i int, headers []string) *http.Response {
			answers, asked := make(chan *http.Response, 1), f.n.Prompt.(stalled).asked
			ctx, cancel := context.WithCancel(t.Context())
			t.Cleanup(cancel)
			go func() {
				r, _ := http.NewRequestWithContext(ctx, "POST", f.n.url+"/api/shell", strings.NewReader(`{"fn":"receive"}`))
				name, value, _ := strings.Cut(headers[0], ": ")
				r.Header.Set(name, value)
				r.Header.Set("Convoy-Shell", fmt.Sprintf("shellnumber%05d", i))
				if answer, err := http.DefaultTransport.RoundTrip(r); err == nil {
					answers <- answer
				}
			}()
			select {
			case answer := <-answers:
				t.Cleanup(func() { answer.Body.Close() })
				return answer
			case <-asked:
				return &http.Response{StatusCode: http.StatusOK, Status: "under way"}
			}
		}},
	"tokens": {share: tokensOfUser, role: access.Admin,
		ask: func(t *testing.T, f *filling, i int, headers []string) *http.Response {
			return f.n.request(t, "POST", "/tokens", fmt.Sprintf(`{"name":"t%d-%d"}`, i, time.Now().UnixNano()), headers...)
		}},
	"links": {share: 64, role: access.Admin,
		ask: func(t *testing.T, f *filling, i int, headers []string) *http.Response {
			return f.n.request(t, "POST", f.shells[i%len(f.shells)].Path()+"/links", "", headers...)
		}},
}

// One user takes as much of something as one may, and is refused more, with what to do. Another user is served all the
// same; meanwhile what an admin types is echoed, and an admin logs in.
func TestBounds_OneUserLeavesRoom(t *testing.T) {
	t.Parallel()
	for name, resource := range resources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startTable(t, self, alone{}, pty.Config{
				Programs: []pty.Program{{Kind: "convoy", Args: []string{"/bin/cat"}}, {Kind: "system", Args: []string{"/bin/sh"}}},
			})
			withUsers(t, n)
			n.Prompt = stalled{asked: make(chan string)}
			if resource.limit != nil {
				resource.limit(n)
			}
			f := &filling{n: n}
			for range 3 {
				s := client.Shell{Node: self}
				testkit.Must(t, n.client(t).Do(t.Context(), "POST", "/nodes/"+self+"/shells", []byte(`{"kind":"system"}`), &s))
				f.shells = append(f.shells, s)
			}
			actor, other := n.as("mallory", resource.role), n.as("olga", resource.role)
			for i := range resource.share {
				if answer := resource.ask(t, f, i, actor); answer.StatusCode >= 300 {
					t.Fatalf("%d of %d: %s", i+1, resource.share, answer.Status)
				}
			}
			more := resource.ask(t, f, resource.share, actor)
			if more.StatusCode != http.StatusTooManyRequests {
				t.Fatalf("one too many: %s", more.Status)
			}
			var p web.Error
			if err := json.NewDecoder(more.Body).Decode(&p); err != nil || p.Hint == "" || p.Text == "" {
				t.Errorf("what is told: %+v, %v", p, err)
			}
			if answer := resource.ask(t, f, resource.share+1, other); answer.StatusCode >= 300 {
				t.Errorf("another user: %s", answer.Status)
			}
			c := n.client(t)
			term, err := c.Attach(t.Context(), f.shells[0], -1)
			testkit.Must(t, err)
			defer term.Close()
			testkit.Must(t, term.Type(testkit.Context(t), "echo meanwhile-$((40+2))\r"))
			testkit.Must(t, term.WaitFor(testkit.Context(t), "meanwhile-42"))
			if status, _ := n.logInAs(t, "name", "ann", "password", "ann's password"); status != http.StatusSeeOther {
				t.Errorf("an admin logs in: %d", status)
			}
		})
	}
}

// A user who logs in again and again ends only their own logins.
func TestBounds_Logins(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	meanwhile := n.another(t)
	_, ann := n.logInAs(t, "token", token)
	at := time.Now().UTC().Add(-time.Hour)
	learn := func(id, generation string, made time.Time) {
		testkit.Must(
			t,
			n.sessions.Add(access.Grant{
				ID:         id,
				Kind:       access.Login,
				User:       "vic",
				Generation: generation,
				Role:       access.Viewer,
				Created:    made,
				LastUsed:   made,
				Expires:    made.Add(sessionLife),
			}),
		)
	}
	learn("older", "another's", at.Add(-time.Second)) // two logins of another person of that name
	learn("newer", "another's", at.Add(time.Hour))
	for i := range 3 * loginsOfUser {
		learn(fmt.Sprint("vic", i), "vic's", at.Add(time.Duration(i)*time.Second))
		testkit.Must(t, n.sessions.TrimLogins(access.Identity{User: "vic", Generation: "vic's"}))
	}
	meanwhile()
	of := map[string]int{}
	for _, g := range n.Authority.Grants.List(access.Login, time.Now()) {
		of[g.User+g.Generation]++
	}
	if of["vicvic's"] != loginsOfUser || of["vicanother's"] != 2 || of[access.ConsoleToken] != 2 {
		t.Errorf("logins %v, want %d of vic", of, loginsOfUser)
	}
	if grants := n.Authority.Grants; !grants.IsRevoked(
		access.Identity{Grant: "vic0", User: "vic", Generation: "vic's", Created: at},
	) || grants.IsRevoked(access.Identity{Grant: "x", User: "vic", Created: time.Now()}) {
		t.Error("the oldest holds, or the newest has ended")
	}
	if answer := n.request(t, "GET", "/nodes", "", ann); answer.StatusCode != http.StatusOK {
		t.Errorf("the admin meanwhile: %s", answer.Status)
	}
}

// Holders of links take nothing of those who are logged in, and many links of one shell no more than all links may.
func TestBounds_Links(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	n.shares.Streams.Total, n.shares.Streams.PerUser, n.shares.Carriers.PerUser = 3, 2, 1
	meanwhile := n.another(t)
	s, err := n.client(t).Open(testkit.Context(t), self)
	testkit.Must(t, err)
	var paths []string
	for range 2 {
		var l templates.ShareLink
		testkit.Must(t, n.client(t).Do(testkit.Context(t), "POST", s.Path()+"/links", nil, &l))
		paths = append(paths, l.URL)
	}
	open := func(path string) int {
		return n.request(t, "GET", path+"/stream?viewer=viewer-of-a-bound-1", "").StatusCode
	}
	for i, want := range []int{200, 200, 429} {
		if got := open(paths[0]); got != want {
			t.Errorf("stream %d of one link: %d, want %d", i+1, got, want)
		}
	}
	for i, want := range []int{200, 429} {
		if got := open(paths[1]); got != want {
			t.Errorf("stream %d of another link: %d, want %d", i+1, got, want)
		}
	}
	for i, want := range []int{200, 429} {
		if answer := n.request(t, "GET", paths[0]+"/carrier", ""); answer.StatusCode != want {
			t.Errorf("carrier %d of one link: %s, want %d", i+1, answer.Status, want)
		}
	}
	if answer := n.request(
		t, "GET", "/stream?viewer=viewer-of-a-bound-1", "", n.as("vic", access.Viewer)...,
	); answer.StatusCode != http.StatusOK {
		t.Errorf("a viewer meanwhile: %s", answer.Status)
	}
	meanwhile()
}
