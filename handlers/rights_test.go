package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/crypto/bcrypt"

	"convoy/access"
	"convoy/assets"
)

// homesOf has a node ask the others directly.
type homesOf map[string]*testNode

func (h homesOf) Roles(_ context.Context, node string, list []access.Identity) (roles []access.Role, err error) {
	for _, who := range list {
		roles = append(roles, h[node].Authority.LocalRole(who))
	}
	return roles, nil
}

// waits is a prompt whose calls end when their context does, and a system shell likewise.
type waits struct{ began, ended chan string }

func (p waits) wait(ctx context.Context, what string) error {
	p.began <- what
	<-ctx.Done()
	p.ended <- what
	return ctx.Err()
}

func (p waits) Evaluate(ctx context.Context, _ access.Identity, source string) (Evaluation, error) {
	return Evaluation{}, p.wait(ctx, source)
}

func (p waits) Ask(ctx context.Context, _ access.Identity, _, fn string, _ []json.RawMessage) (any, error) {
	return nil, p.wait(ctx, fn)
}

func (p waits) Run(ctx context.Context, _ access.Identity, command string) (Ran, error) {
	return Ran{}, p.wait(ctx, command)
}

// rights are two nodes. The first has the file of users, with the admins eve and bea.
type rights struct {
	home, other *testNode
	console     *testNode // of the two, the one that is asked
	waits       waits
	users       string // the file
	eve         string // the cookie of eve's login at home
}

func newRights(t *testing.T, asksHome bool) *rights {
	t.Helper()
	x := &rights{waits: waits{make(chan string, 8), make(chan string, 8)}}
	x.home, x.other = twoNodes(t)
	path := filepath.Join(t.TempDir(), "users")
	x.users = path
	x.write(t, "eve", "bea")
	users, err := access.OpenUsers(path)
	must(t, err)
	x.home.Authority.Users = users
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, n := range []*testNode{x.home, x.other} {
		n.Authority.HomeNodes = homesOf{x.home.Self: x.home, x.other.Self: x.other}
		n.Prompt, n.Commands, n.MaxUpload = x.waits, x.waits, large
		running.Go(func() { n.Authority.Run(ctx) })
	}
	t.Cleanup(func() { cancel(); running.Wait() })
	_, x.eve = x.home.logInAs(t, "name", "eve", "password", "eve's password")
	if x.console = x.other; asksHome {
		x.console = x.home
	}
	x.console.eventuallyIs(t, http.StatusOK, "GET", "/nodes", x.eve)
	return x
}

// write writes the file of users anew. Hashes that cost little take the place of those that convoy user makes.
func (x *rights) write(t *testing.T, admins ...string) {
	t.Helper()
	text := ""
	for _, name := range admins {
		hash, err := bcrypt.GenerateFromPassword([]byte(name+"'s password"), bcrypt.MinCost)
		must(t, err)
		text += name + ":" + string(hash) + ":admin\n"
	}
	must(t, os.WriteFile(x.users, []byte(text), 0o600))
}

// lost are the ways in which eve's login loses what it may do, and the role that it has afterwards.
var lost = []struct {
	name string
	take func(t *testing.T, x *rights)
	left access.Role
}{
	{"removed", func(t *testing.T, x *rights) { must(t, x.home.Authority.Users.Remove("eve")) }, access.Nobody},
	{
		"demoted",
		func(t *testing.T, x *rights) { must(t, x.home.Authority.Users.SetRole("eve", access.Viewer)) },
		access.Viewer,
	},
	{"password changed", func(t *testing.T, x *rights) { x.write(t, "bea", "eve") }, access.Nobody},
	{"added again", func(t *testing.T, x *rights) {
		must(t, x.home.Authority.Users.Remove("eve"))
		x.write(t, "eve", "bea")
	}, access.Nobody},
	{"logged out", func(t *testing.T, x *rights) { x.home.request(t, "POST", "/logout", "", x.eve) }, access.Nobody},
	{"ended by an admin", func(t *testing.T, x *rights) {
		for _, g := range x.home.Authority.Grants.List(access.Login, time.Now()) {
			if g.User == "eve" {
				x.home.request(t, "DELETE", "/logins/"+g.ID, "", bearer)
			}
		}
	}, access.Nobody},
	{
		"ended everywhere",
		func(t *testing.T, x *rights) { x.home.request(t, "DELETE", "/logins?user=eve", "", bearer) },
		access.Nobody,
	},
}

// everyLoss runs a test for each way, with the console of the node with the users, and with the other's.
func everyLoss(t *testing.T, run func(t *testing.T, x *rights, take func(), left access.Role)) {
	for _, way := range lost {
		for _, console := range []string{"here", "other node"} {
			t.Run(way.name+"/"+console, func(t *testing.T) {
				t.Parallel()
				x := newRights(t, console == "here")
				run(t, x, func() { way.take(t, x) }, way.left)
			})
		}
	}
}

// gone waits until a console knows that eve has lost her right: at once at home, after a lease elsewhere.
func (x *rights) gone(t *testing.T, left access.Role) {
	t.Helper()
	want := http.StatusUnauthorized
	if left != access.Nobody {
		want = http.StatusForbidden
	}
	x.console.eventuallyIs(t, want, "GET", "/tokens", x.eve)
}

// What a route does with the right of who asks: it is asked for once, since the answer comes at once, or the answer
// stays open, and ends with the right.
const (
	asksOnce  = "asks once"
	staysOpen = "stays open"
)

// spans says it for each route that takes a login or a link. What stays open has a row in opens, too.
var spans = map[string]string{
	"GET /stream":                              staysOpen,
	"GET /share/{token}/stream":                staysOpen,
	"GET /nodes/{node}/shells/{shell}/files":   staysOpen,
	"POST /nodes/{node}/shells/{shell}/files":  staysOpen,
	"GET /nodes/{node}/recordings/{recording}": staysOpen,
	"POST /nodes/{node}/eval":                  staysOpen,
	"POST /api/cmd":                            staysOpen,
	"POST /nodes/{node}/run":                   staysOpen,
	"POST /api/shell":                          staysOpen,

	"GET /":                   asksOnce,
	"POST /logout":            asksOnce,
	"GET /guide":              asksOnce,
	"GET /guide/{page}":       asksOnce,
	"GET /metrics":            asksOnce,
	"GET /logins":             asksOnce,
	"DELETE /logins":          asksOnce,
	"DELETE /logins/{login}":  asksOnce,
	"POST /session/key":       asksOnce,
	"POST /session/plain":     asksOnce,
	"POST /session/pass":      asksOnce,
	"GET /tokens":             asksOnce,
	"POST /tokens":            asksOnce,
	"DELETE /tokens/{token}":  asksOnce,
	"GET /audit":              asksOnce,
	"GET /nodes/{node}/audit": asksOnce,
	"GET /runbooks":           asksOnce,
	"GET /runbooks/{runbook}": asksOnce,
	"GET /share/{token}":      asksOnce,
	"POST /share/{token}/streams/{stream}/shells/{node}/{shell}": asksOnce,
	"POST /share/{token}/input":                                  asksOnce,
	"POST /share/{token}/size":                                   asksOnce,
	"POST /share/{token}/ack":                                    asksOnce,
	"GET /nodes":                                                 asksOnce,
	"POST /nodes":                                                asksOnce,
	"GET /nodes/{node}":                                          asksOnce,
	"DELETE /nodes/{node}":                                       asksOnce,
	"POST /peers":                                                asksOnce,
	"GET /shells":                                                asksOnce,
	"POST /streams/{stream}/shells/{node}/{shell}":               asksOnce,
	"DELETE /streams/{stream}/shells/{node}/{shell}":             asksOnce,
	"GET /nodes/{node}/log":                                      asksOnce,
	"GET /nodes/{node}/shells":                                   asksOnce,
	"GET /nodes/{node}/shells/{shell}":                           asksOnce,
	"GET /nodes/{node}/shells/{shell}/text":                      asksOnce,
	"POST /nodes/{node}/shells/{shell}/ack":                      asksOnce,
	"POST /nodes/{node}/shells":                                  asksOnce,
	"DELETE /nodes/{node}/shells/{shell}":                        asksOnce,
	"POST /nodes/{node}/shells/{shell}/input":                    asksOnce,
	"POST /nodes/{node}/shells/{shell}/size":                     asksOnce,
	"GET /nodes/{node}/shells/{shell}/links":                     asksOnce,
	"POST /nodes/{node}/shells/{shell}/links":                    asksOnce,
	"DELETE /nodes/{node}/shells/{shell}/links/{link}":           asksOnce,
	"POST /nodes/{node}/shells/{shell}/recording":                asksOnce,
	"DELETE /nodes/{node}/shells/{shell}/recording":              asksOnce,
	"GET /recordings":                                            asksOnce,
	"GET /recordings/{node}/{recording}":                         asksOnce,
	"GET /nodes/{node}/recordings":                               asksOnce,
	"DELETE /nodes/{node}/recordings/{recording}":                asksOnce,
}

// Every route has a row; and what stays open is opened by TestRights_StayOpen.
func TestRights_EveryRouteHasARow(t *testing.T) {
	t.Parallel()
	for name, takes := range routes {
		if _, ok := spans[name]; !ok && takes != anybody {
			t.Errorf("%s has no row in spans: does it ask for the right once, or does it stay open?", name)
		}
	}
	for name, span := range spans {
		if _, ok := routes[name]; !ok {
			t.Errorf("%s is in spans, and no route", name)
		}
		if _, ok := opens[name]; ok != (span == staysOpen) {
			t.Errorf("%s %s; is it opened by TestRights_StayOpen: %v", name, span, ok)
		}
	}
}

// When a right is lost, every route that took it refuses, on both nodes, and says to who was logged in no more than to
// a stranger.
func TestRights_EveryRoute(t *testing.T) {
	t.Parallel()
	everyLoss(t, func(t *testing.T, x *rights, take func(), left access.Role) {
		n := x.console
		s, err := n.client(t).Open(soon(t), n.Self)
		must(t, err)
		before := asker{role: access.Admin, headers: []string{x.eve}}
		for name, takes := range routes {
			// which would be the end of it
			if takes < access.Viewer || name == "POST /logout" || strings.HasPrefix(name, "DELETE ") {
				continue
			}
			method, path := x.path(name, s.ID)
			if status := n.asked(t, before, method, path); status == http.StatusUnauthorized || status == http.StatusForbidden {
				t.Errorf("before: %s is %d", name, status)
			}
		}
		take()
		x.gone(t, left)
		after := asker{role: left, headers: []string{x.eve}}
		for name, takes := range routes {
			// the end of it
			if takes < access.Viewer || left != access.Nobody && (name == "POST /logout" || name == "DELETE /logins") {
				continue
			}
			method, path := x.path(name, s.ID)
			if status := n.asked(t, after, method, path); !after.expected(method, strings.Fields(name)[1], takes)(status) {
				t.Errorf("after: %s is %d", name, status)
			}
			if left != access.Nobody {
				continue
			}
			if got, want := n.said(t, method, path, x.eve), n.said(t, method, path); got != want {
				t.Errorf("%s says\n%s\nto who was logged in, and\n%s\nto a stranger", name, got, want)
			}
		}
	})
}

// path is a request for a route.
func (x *rights) path(name, shell string) (method, path string) {
	method, route, _ := strings.Cut(name, " ")
	path = strings.NewReplacer("{node}", x.console.Self, "{shell}", shell, "{page}", "index", "/assets/*",
		assets.URL("css/base.css")).
		Replace(route)
	return method, regexp.MustCompile(`{\w+}`).ReplaceAllString(path, "nosuch")
}

var nonceForm = regexp.MustCompile(`nonce[-=]"?[\w-]+`)

// said is a whole answer.
func (n *testNode) said(t *testing.T, method, path string, headers ...string) string {
	t.Helper()
	r := httptest.NewRequest(method, "http://localhost"+path, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	n.publicRoutes().ServeHTTP(w, r)
	return nonceForm.ReplaceAllString(fmt.Sprint(w.Code, w.Header(), w.Body), "")
}

// large is the size of a file, without any content, that nobody reads to its end in a test, in bytes.
const large = 128 << 30

// opening is what a request that stays open needs.
type openingOf struct {
	*rights
	owner *testNode // of the shell
	shell string
	path  string // of the shell
	dir   string // its directory
}

// opens opens each route that stays open, as eve, and returns what is left of the answer: it must not come to its end
// while she has the right, and end without reaching it when she has not.
var opens = map[string]func(t *testing.T, o openingOf) io.ReadCloser{
	"GET /stream": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.started(
			t,
			"GET",
			"/stream?want=none&viewer=viewer-of-the-rights&shell="+url.QueryEscape(o.owner.Self+"/"+o.shell+"@-1"),
			nil,
			"event: ",
		)
	},
	"GET /share/{token}/stream": func(t *testing.T, o openingOf) io.ReadCloser {
		var made struct{ URL string }
		answer := o.console.request(t, "POST", o.path+"/links", `{"right":"type"}`, o.eve)
		must(t, json.NewDecoder(answer.Body).Decode(&made))
		return o.started(t, "GET", made.URL+"/stream?viewer=viewer-of-the-rights", nil, "event: ")
	},
	"GET /nodes/{node}/shells/{shell}/files": func(t *testing.T, o openingOf) io.ReadCloser {
		must(t, os.WriteFile(filepath.Join(o.dir, "large"), nil, 0o644))
		must(t, os.Truncate(filepath.Join(o.dir, "large"), large))
		return o.started(t, "GET", o.path+"/files?path=large", nil, "\x00")
	},
	"POST /nodes/{node}/shells/{shell}/files": func(t *testing.T, o openingOf) io.ReadCloser {
		sent, body := net.Pipe()
		t.Cleanup(func() { sent.Close() })
		go func() { // ends with the pipe: a client that sends for ever
			for piece := make([]byte, 64<<10); ; {
				if _, err := sent.Write(piece); err != nil {
					return
				}
				time.Sleep(time.Millisecond) // its pace, so that it does not fill the disk
			}
		}()
		return o.sending(t, "POST", o.path+"/files?name=sent", body, func() bool {
			some, err := filepath.Glob(filepath.Join(o.dir, "*"))
			hidden, _ := filepath.Glob(filepath.Join(o.dir, ".*"))
			return err == nil && len(some)+len(hidden) > 0
		})
	},
	"GET /nodes/{node}/recordings/{recording}": func(t *testing.T, o openingOf) io.ReadCloser {
		const id = "20261125-101502-large"
		must(t, os.MkdirAll(o.owner.Recordings.Path, 0o700))
		file := filepath.Join(o.owner.Recordings.Path, id+".cast")
		must(t, os.WriteFile(file, nil, 0o600))
		must(t, os.Truncate(file, large))
		return o.started(t, "GET", "/nodes/"+o.owner.Self+"/recordings/"+id, nil, "\x00")
	},
	"POST /nodes/{node}/eval": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.waiting(t, "/nodes/"+o.owner.Self+"/eval", `{"source":"what"}`)
	},
	"POST /nodes/{node}/run": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.waiting(t, "/nodes/"+o.owner.Self+"/run", `{"command":"what"}`)
	},
	"POST /api/cmd": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.waiting(t, "/api/cmd", `{"value":"what"}`)
	},
	"POST /api/shell": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.waiting(t, "/api/shell", `{"fn":"what"}`)
	},
}

// started sends a request and reads its answer until text has come.
func (o openingOf) started(t *testing.T, method, path string, body io.Reader, text string) io.ReadCloser {
	t.Helper()
	answer := o.sent(t, method, path, body)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", method, path, answer.Status)
	}
	piece, all := make([]byte, 1024), ""
	for !strings.Contains(all, text) {
		n, err := answer.Body.Read(piece)
		must(t, err)
		all += string(piece[:n])
	}
	return answer.Body
}

// sent sends a request by a connection that takes in little beyond what is read from it.
func (o openingOf) sent(t *testing.T, method, path string, body io.Reader) *http.Response {
	t.Helper()
	answer, err := o.try(t, method, path, body)
	must(t, err)
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func (o openingOf) try(t *testing.T, method, path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(t.Context(), method, o.console.url+path, body)
	must(t, err)
	name, value, _ := strings.Cut(o.eve, ": ")
	if !strings.HasPrefix(path, "/share/") {
		r.Header.Set(name, value)
	}
	r.Header.Set("Convoy-Shell", "abcdefghijklmnop")
	narrow := &net.Dialer{}
	client := &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := narrow.DialContext(ctx, network, addr)
				if err == nil {
					conn.(*net.TCPConn).SetReadBuffer(128 << 10) //nolint:errcheck // it helps
				}
				return conn, err
			},
		},
	}
	return client.Do(r)
}

// sending sends a request whose answer comes when it is over, and waits until it has begun.
func (o openingOf) sending(t *testing.T, method, path string, body io.Reader, began func() bool) io.ReadCloser {
	t.Helper()
	read, write := io.Pipe()
	go func() { // ends with the request
		answer, err := o.try(t, method, path, body)
		if err == nil {
			defer answer.Body.Close()
			if answer.StatusCode < 300 {
				write.CloseWithError(fmt.Errorf("it was carried out: %s: %w", answer.Status, io.ErrShortBuffer))
				return
			}
		}
		write.Close()
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(30 * time.Second); !began(); <-tick.C {
		if time.Now().After(late) {
			t.Fatal("it does not begin")
		}
	}
	return read
}

// waiting asks for what the node does until it is told to stop.
func (o openingOf) waiting(t *testing.T, path, body string) io.ReadCloser {
	t.Helper()
	began := make(chan struct{})
	go func() {
		<-o.waits.began
		close(began)
	}()
	left := o.sending(t, "POST", path, strings.NewReader(body), func() bool {
		select {
		case <-began:
			return true
		default:
			return false
		}
	})
	return ending{left, o.waits.ended}
}

// ending is over when what the node does has ended, too.
type ending struct {
	io.ReadCloser
	ended chan string
}

func (e ending) Close() error {
	select {
	case <-e.ended:
	case <-time.After(2 * time.Minute):
		return fmt.Errorf("the node goes on with it")
	}
	return e.ReadCloser.Close()
}

// What stays open ends when the right to it is lost: here and on the other node, for a shell of this node and of
// another.
func TestRights_StayOpen(t *testing.T) {
	t.Parallel()
	for _, way := range lost {
		if way.name == "added again" || way.name == "ended everywhere" { // what is told, and when, is access's to test
			continue
		}
		for _, at := range []string{"here/own", "here/far", "other node/own", "other node/far"} {
			t.Run(way.name+"/"+at, func(t *testing.T) {
				t.Parallel()
				console, shell, _ := strings.Cut(at, "/")
				x := newRights(t, console == "here")
				o := openingOf{rights: x, owner: x.home}
				if (x.console == x.home) != (shell == "own") {
					o.owner = x.other
				}
				s, err := x.console.client(t).Open(soon(t), o.owner.Self)
				must(t, err)
				own, err := o.owner.Shells.Get(s.ID)
				must(t, err)
				o.shell, o.path, o.dir = s.ID, s.Path(), own.Info().Dir
				open := map[string]io.ReadCloser{}
				for name, begin := range opens {
					open[name] = begin(t, o)
				}
				way.take(t, x)
				for name, body := range open {
					o.ends(t, name, body)
				}
				if placed, _ := filepath.Glob(filepath.Join(o.dir, "sent*")); len(placed) > 0 {
					t.Errorf("the file that was being sent is there: %q", placed)
				}
			})
		}
	}
}

// ends reads the rest of an answer.
func (o openingOf) ends(t *testing.T, name string, body io.ReadCloser) {
	t.Helper()
	read := make(chan struct{})
	var n int64
	var err error
	go func() {
		defer close(read)
		n, err = io.Copy(io.Discard, body)
	}()
	select {
	case <-read:
	case <-time.After(2 * time.Minute):
		t.Errorf("%s goes on", name)
		return
	}
	if n >= large || strings.Contains(fmt.Sprint(err), "carried out") {
		t.Errorf("%s came to its end: %d bytes, %v", name, n, err)
	}
	if err := body.Close(); err != nil && strings.Contains(err.Error(), "goes on") {
		t.Errorf("%s: %v", name, err)
	}
}

// The table of routes is complete: TestRoutes_WhoMayWhat walks it. This one walks what is asked between nodes: no such
// request is answered without a statement of who asks, or a link.
func TestRights_PeerRoutes(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	s, err := n.client(t).Open(soon(t), self)
	must(t, err)
	ended := access.Identity{User: "openid:eve", Role: access.Admin, Home: self, Grant: "ended", Created: time.Now().UTC()}
	_, err = n.Authority.Grants.Merge(
		[]access.Grant{
			{
				ID:      "ended",
				Kind:    access.Login,
				User:    "openid:eve",
				Created: ended.Created,
				Expires: ended.Created.Add(time.Hour),
				Revoked: ended.Created,
			},
		},
		time.Now(),
	)
	must(t, err)
	said := statementHeader + ": " + signStatement(keyOf('n'), statement{Who: ended, Until: time.Now().Add(statementLife)})
	must(
		t,
		chi.Walk(
			n.peerRoutes().(chi.Router),
			func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
				if route == "/grants" {
					return nil
				}
				path := strings.NewReplacer("{node}", self, "{shell}", s.ID).Replace(route)
				path = regexp.MustCompile(`{\w+}`).ReplaceAllString(path, "nosuch")
				for who, header := range map[string]string{"nobody": "X-None: x", "a login that was ended": said} {
					r := httptest.NewRequest(method, path+"?viewer=viewer-of-the-rights&from=0", strings.NewReader("{}"))
					name, value, _ := strings.Cut(header, ": ")
					r.Header.Set(name, value)
					w := httptest.NewRecorder()
					n.peerRoutes().ServeHTTP(w, r)
					if want := map[bool]int{true: http.StatusGone, false: http.StatusForbidden}[strings.Contains(route,
						"/shared/")]; w.Code != want {
						t.Errorf("%s %s by %s: %d, want %d", method, route, who, w.Code, want)
					}
				}
				return nil
			},
		),
	)
}

// A4: whoever is removed and added again with another password is another person: neither the cookie nor the API token
// of the one before is good for anything. A new password ends both, too.
func TestRights_A4_AnotherPersonOfTheSameName(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(x *rights){
		"added again": func(x *rights) {
			must(t, x.home.Authority.Users.Remove("eve"))
			x.write(t, "eve", "bea")
		},
		"another password": func(x *rights) { must(t, x.home.Authority.Users.SetPassword("eve", "another password")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newRights(t, true)
			var made grant
			must(
				t,
				json.NewDecoder(x.home.request(t, "POST", "/tokens", `{"name":"ci","role":"admin"}`, x.eve).Body).Decode(&made),
			)
			byToken := "Authorization: Bearer " + made.Token
			x.other.eventuallyIs(t, http.StatusOK, "GET", "/tokens", byToken)
			change(x)
			for _, header := range []string{x.eve, byToken} {
				if answer := x.home.request(t, "GET", "/nodes", "", header); answer.StatusCode != http.StatusUnauthorized {
					t.Errorf("%.12s at home: %s", header, answer.Status)
				}
				x.other.eventuallyIs(t, http.StatusUnauthorized, "GET", "/nodes", header)
			}
		})
	}
}

// A5: when the last user of the file is removed, the role that they had at the login does not come back.
func TestRights_A5_TheLastUser(t *testing.T) {
	t.Parallel()
	x := newRights(t, true)
	x.write(t, "eve")
	_, cookie := x.home.logInAs(t, "name", "eve", "password", "eve's password")
	text, err := os.ReadFile(x.users)
	must(t, err)
	must(t, os.WriteFile(x.users, []byte(strings.Replace(string(text), ":admin", ":viewer", 1)), 0o600))
	if answer := x.home.request(t, "POST", "/nodes", "", cookie); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a viewer spawns: %s", answer.Status)
	}
	must(t, x.home.Authority.Users.Remove("eve"))
	if answer := x.home.request(t, "POST", "/nodes", "", cookie); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("who was removed spawns: %s", answer.Status)
	}
	x.other.eventuallyIs(t, http.StatusUnauthorized, "POST", "/nodes", cookie)
}

// A6: users whose names look like the console token's logins see nothing of those, and end none.
func TestRights_A6_NamesOfTheTokensLogins(t *testing.T) {
	t.Parallel()
	x := newRights(t, true)
	x.write(t, "admin", "token", "console")
	text, err := os.ReadFile(x.users)
	must(t, err)
	must(t, os.WriteFile(x.users, []byte(strings.ReplaceAll(string(text), ":admin\n", ":viewer\n")), 0o600))
	_, printed := x.home.logInAs(t, "token", token)
	var tokens string
	for _, one := range x.home.logins(t, printed) {
		if one.Current {
			tokens = one.ID
		}
	}
	for _, name := range []string{"admin", "token", "console"} {
		_, cookie := x.home.logInAs(t, "name", name, "password", name+"'s password")
		for _, one := range x.home.logins(t, cookie) {
			if one.User != name {
				t.Errorf("%s sees %+v", name, one)
			}
		}
		if answer := x.home.request(t, "DELETE", "/logins/"+tokens, "", cookie); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s ends it: %s", name, answer.Status)
		}
		x.home.request(t, "DELETE", "/logins", "", cookie)
	}
	if answer := x.home.request(t, "GET", "/tokens", "", printed); answer.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %s", answer.Status)
	}
	for _, name := range []string{access.ConsoleToken, "node:a.test", "openid:ann"} {
		if access.CheckName(name) == nil {
			t.Errorf("%s can be a user's name", name)
		}
	}
}

// A stream shows what its reader's role shows: with a greater role, too, it ends, so that it can be opened anew.
func TestRights_GreaterRole(t *testing.T) {
	t.Parallel()
	x := newRights(t, true)
	must(t, x.home.Authority.Users.SetRole("eve", access.Viewer))
	x.console.eventuallyIs(t, http.StatusForbidden, "GET", "/tokens", x.eve)
	o := openingOf{rights: x, owner: x.home}
	stream := o.started(t, "GET", "/stream?viewer=viewer-of-the-rights", nil, "event: ")
	must(t, x.home.Authority.Users.SetRole("eve", access.Admin))
	o.ends(t, "GET /stream", stream)
}

// A link ends although its maker lost the right between the look for the link and the hold.
func TestRights_LinkFoundJustBefore(t *testing.T) {
	t.Parallel()
	x := newRights(t, true)
	s, err := x.console.client(t).Open(soon(t), x.home.Self)
	must(t, err)
	l, err := x.home.links.add(
		share{node: x.home.Self, shell: s.ID, expires: time.Now().Add(time.Hour)},
		"",
		x.home.Authority.NewIdentity("eve", access.Admin),
	)
	must(t, err)
	if _, err := x.home.links.find(t.Context(), s.ID, l.id); err != nil {
		t.Fatal(err)
	}
	must(t, x.home.Authority.Users.Remove("eve"))
	defer x.home.links.hold(t.Context(), l)()
	if l.ctx.Err() == nil {
		t.Error("it goes on")
	}
}

// Nothing more is read or written once the right is lost, whoever sets other deadlines meanwhile; and an answer that
// was released is left alone.
func TestRights_NothingMore(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	withOnly(t, n, map[string]access.Role{"eve": access.Admin, "bea": access.Admin})
	who := n.Authority.NewIdentity("eve", access.Admin)
	serve := func(handle http.HandlerFunc) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n.serveAs(handle, w, r, session{Identity: who, Role: access.Admin})
		}))
		defer server.Close()
		answer, err := http.Post(server.URL, "text/plain", strings.NewReader("a body"))
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return string(text)
	}
	lose := func() {
		must(t, n.Authority.Users.SetRole("eve", access.Viewer))
		n.Authority.Recheck()
	}
	serve(func(w http.ResponseWriter, r *http.Request) {
		lose()
		<-r.Context().Done()
		control := http.NewResponseController(w)
		must(t, control.SetReadDeadline(time.Now().Add(time.Minute)))
		must(t, control.SetWriteDeadline(time.Now().Add(time.Minute)))
		if n, err := w.Write([]byte("more")); err != errRightLost {
			t.Errorf("written: %d, %v", n, err)
		}
		if n, err := r.Body.Read(make([]byte, 10)); err != errRightLost {
			t.Errorf("read: %d, %v", n, err)
		}
	})
	must(t, n.Authority.Users.SetRole("eve", access.Admin))
	if text := serve(func(w http.ResponseWriter, r *http.Request) {
		sessionOf(r).release()
		lose()
		w.Write([]byte("answered")) //nolint:errcheck // the client says so
	}); text != "answered" {
		t.Errorf("who takes their own right away is answered %q", text)
	}
}

// A3: a link to type that nobody has open ends with its maker, too: its next use is refused.
func TestRights_A3_LinkOfWhoWasRemoved(t *testing.T) {
	t.Parallel()
	for _, console := range []string{"here", "other node"} {
		t.Run(console, func(t *testing.T) {
			t.Parallel()
			x := newRights(t, console == "here")
			s, err := x.console.client(t).Open(soon(t), x.console.Self)
			must(t, err)
			var made struct{ URL string }
			must(
				t,
				json.NewDecoder(x.console.request(t, "POST", s.Path()+"/links", `{"right":"type"}`, x.eve).Body).Decode(&made),
			)
			if answer := x.console.request(
				t,
				"POST",
				made.URL+"/input?viewer=viewer-of-the-link-1&n=0",
				"x",
			); answer.StatusCode != http.StatusNoContent {
				t.Fatalf("before: %s", answer.Status)
			}
			must(t, x.home.Authority.Users.Remove("eve"))
			x.gone(t, access.Nobody)
			x.console.eventuallyIs(t, http.StatusGone, "GET", made.URL)
			if answer := x.console.request(
				t,
				"POST",
				made.URL+"/input?viewer=viewer-of-the-link-1&n=1",
				"x",
			); answer.StatusCode != http.StatusGone {
				t.Errorf("after: %s", answer.Status)
			}
		})
	}
}
