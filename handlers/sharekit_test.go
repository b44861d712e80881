package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/fleet"
	"convoy/handlers/share"
	"convoy/handlers/web"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

const owner = "convoy@owner.test"

// wire carries requests to other nodes' peer routes, as the cluster does, without its TLS.
type wire struct {
	alone
	to map[string]string // node → address
}

func (w wire) Do(node string, r *http.Request) (*http.Response, error) {
	host, ok := w.to[node]
	if !ok {
		return nil, errors.New("no route to " + node + " at [fd12::7]")
	}
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.Host = "http", host, node
	// It ends when it is idle. Without keep-alives, the other node would reset it if it refuses before it has read.
	return (&http.Transport{IdleConnTimeout: time.Millisecond}).RoundTrip(out)
}

// shared is a shell with links to it: console is asked, and owner has the shell. They are one node, or two.
type shared struct {
	console, owner *testNode
	shell, other   client.Shell
}

// hops runs a test with the shell on the node that is asked, and with it on another.
func hops(t *testing.T, run func(*testing.T, *shared)) {
	t.Run("here", func(t *testing.T) {
		t.Parallel()
		n := start(t)
		run(t, newShared(t, n, n))
	})
	t.Run("one hop away", func(t *testing.T) {
		t.Parallel()
		far := startNamed(t, owner, alone{}, 0)
		peers := httptest.NewServer(far.Peer())
		t.Cleanup(peers.Close)
		t.Cleanup(far.Close) // before it: open requests end
		near := startNamed(t, self, wire{to: map[string]string{owner: strings.TrimPrefix(peers.URL, "http://")}}, 0)
		now := time.Now()
		near.Fleet.SetMembers([]fleet.Member{
			{Name: self, Instance: "instance", State: fleet.MemberAlive, Self: true, Started: now, Seen: now},
			{Name: owner, Instance: "another", State: fleet.MemberAlive, Started: now, Seen: now},
		})
		run(t, newShared(t, near, far))
	})
}

func newShared(t *testing.T, console, owner *testNode) *shared {
	t.Helper()
	s := &shared{console: console, owner: owner}
	var err error
	s.shell, err = console.client(t).Open(t.Context(), owner.Self)
	testkit.Must(t, err)
	s.other, err = console.client(t).Open(t.Context(), owner.Self)
	testkit.Must(t, err)
	return s
}

// link makes a link by the console's route, and returns its token.
func (s *shared) link(t *testing.T, right string) (token, id string) {
	t.Helper()
	return s.linkTo(t, s.shell, `{"right":"`+right+`","expires":"1h","label":"for Ada"}`)
}

func (s *shared) linkTo(t *testing.T, shell client.Shell, body string) (token, id string) {
	t.Helper()
	var made struct{ ID, URL string }
	testkit.Must(t, s.console.client(t).Do(t.Context(), "POST", shell.Path()+"/links", []byte(body), &made))
	token, ok := strings.CutPrefix(made.URL, "/share/")
	if !ok || token == "" || made.ID == "" {
		t.Fatalf("made %+v, want an address below /share/", made)
	}
	return token, made.ID
}

func (s *shared) revoke(t *testing.T, id string) {
	t.Helper()
	testkit.Must(t, s.console.client(t).Do(t.Context(), "DELETE", s.shell.Path()+"/links/"+id, nil, nil))
}

// expiring puts a link on the owner's list that expires within 10 s: time to follow it on a busy machine.
func (s *shared) expiring(t *testing.T) (token string, ends time.Time) {
	t.Helper()
	what := share.Share{
		Node:    s.owner.Self,
		Shell:   s.shell.ID,
		Types:   true,
		Expires: time.Now().Truncate(time.Second).Add(10 * time.Second),
	}
	l, err := s.owner.links.Add(what, "", s.owner.Authority.NewIdentity(access.ConsoleToken, access.Admin))
	testkit.Must(t, err)
	return s.owner.shares.Keys.Token(l.Share), l.Expires
}

// holder is a client that knows nothing but a link.
func (s *shared) holder(t *testing.T, token string) *client.Client {
	t.Helper()
	c := client.New(s.console.url+"/share/"+token, "")
	t.Cleanup(c.Close)
	return c
}

// watch opens a holder's stream.
func watch(ctx context.Context, t *testing.T, c *client.Client, query url.Values) *client.Stream {
	t.Helper()
	stream, err := c.Stream(ctx, query)
	testkit.Must(t, err)
	t.Cleanup(stream.Close)
	return stream
}

// until reads a stream until an event of that name comes, and returns its data.
func until(t *testing.T, s *client.Stream, name string) string {
	t.Helper()
	return string(untilEvent(t, s, name).Data)
}

func untilEvent(t *testing.T, s *client.Stream, name string) client.Event {
	t.Helper()
	for {
		e, err := s.Next()
		if err != nil {
			t.Fatalf("waiting for %s: %v", name, err)
		}
		if e.Name == name {
			return e
		}
	}
}

// untilOutput reads a stream until its output holds text.
func untilOutput(t *testing.T, s *client.Stream, text string) {
	t.Helper()
	var all []byte
	for !strings.Contains(string(all), text) {
		out, err := client.ParseOutput(untilEvent(t, s, "output"))
		testkit.Must(t, err)
		all = append(all, out.Bytes...)
	}
}

// refusal is the text of an answer that says why not.
func refusal(t *testing.T, answer *http.Response) string {
	t.Helper()
	var p web.Error
	testkit.Must(t, json.NewDecoder(answer.Body).Decode(&p))
	return p.Text
}
