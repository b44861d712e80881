package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

// losses are the ways in which somebody loses what they may do.
var losses = []struct {
	name string
	take func(t *testing.T, s *subject)
	want int // what they are answered afterwards, where it takes an admin
}{
	{"removed", func(t *testing.T, s *subject) { s.user(t, "", "remove", s.name) }, 401},
	{"demoted", func(t *testing.T, s *subject) { s.user(t, "", "role", s.name, "viewer") }, 403},
	{"password changed", func(t *testing.T, s *subject) { s.user(t, "another password", "passwd", s.name) }, 401},
	{"added again", func(t *testing.T, s *subject) {
		s.user(t, "", "remove", s.name)
		s.user(t, "their password", "add", s.name, "-role", "admin")
	}, 401},
	{"token ended", func(t *testing.T, s *subject) {
		testkit.Must(t, s.a.Do(testkit.Context(t), "DELETE", "/tokens/"+s.token, nil, nil))
	}, 401},
	{"logged out", func(t *testing.T, s *subject) { s.does(t, 303, "POST", "/logout", "") }, 401},
	{"ended by an admin", func(t *testing.T, s *subject) {
		var list []struct{ ID, User string }
		testkit.Must(t, s.a.Do(testkit.Context(t), "GET", "/logins", nil, &list))
		for _, one := range list {
			if one.User == s.name {
				testkit.Must(t, s.a.Do(testkit.Context(t), "DELETE", "/logins/"+one.ID, nil, nil))
			}
		}
	}, 401},
}

// pair are two nodes: a has a file of users. Who holds the console's token looks on.
type pair struct {
	a, b             byHand
	data, recordings string
	ticks            *ticks
}

// subject is an admin of the file who asks one of the consoles, and is to lose that.
type subject struct {
	*pair
	name    string
	console byHand
	far     byHand // the other
	header  [2]string
	token   string // its id, if the subject comes by an API token
	left    int    // what is answered when the right is lost, where it takes an admin
}

// ticks counts the messages that come to one process, by their text.
type ticks struct {
	process, node string

	mu      sync.Mutex
	count   map[string]int
	changed chan struct{}
}

func (k *ticks) note(text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.count[text]++
	close(k.changed)
	k.changed = make(chan struct{})
}

func (k *ticks) of(text string) (n int, changed chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count[text], k.changed
}

// await waits for so many more.
func (k *ticks) await(t *testing.T, text string, more int) {
	t.Helper()
	ctx := testkit.Context(t)
	begin, _ := k.of(text)
	for {
		n, changed := k.of(text)
		if n >= begin+more {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%d messages %q, want %d more than %d", n, text, more, begin)
		}
	}
}

// loop is source that sends a message about ten times a second.
func (k *ticks) loop(text string) string {
	return fmt.Sprintf(`[(send(%q, %q, %q), receive(0.1)) for i in range(20000)]`, k.process, k.node, text)
}

// asksBeside asks a console for something that a Convoy shell asks.
func asksBeside(t *testing.T, c *client.Client, shell, fn string, args string) (value json.RawMessage, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(
		t.Context(),
		"POST",
		c.Base+"/api/shell",
		strings.NewReader(fmt.Sprintf(`{"fn":%q,"args":%s}`, fn, args)),
	)
	testkit.Must(t, err)
	r.Header.Set("Authorization", "Bearer "+c.Token)
	r.Header.Set("Convoy-Shell", shell)
	answer, err := c.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var said struct{ Value json.RawMessage }
	err = json.NewDecoder(answer.Body).Decode(&said)
	return said.Value, err
}

// count begins to count what comes to a process of a's.
func count(t *testing.T, a byHand) *ticks {
	const shell = "looksonlooksonlo"
	k := &ticks{count: map[string]int{}, changed: make(chan struct{})}
	value, err := asksBeside(t, a.Client, shell, "self", "[]")
	testkit.Must(t, err)
	var self struct{ Process, Node string }
	testkit.Must(t, json.Unmarshal(value, &self))
	k.process, k.node = self.Process, self.Node
	go func() { // ends with the test, whose context ends the request
		for {
			value, err := asksBeside(t, a.Client, shell, "receive", "[]")
			if err != nil {
				return
			}
			var got struct{ Message string }
			if json.Unmarshal(value, &got) == nil {
				k.note(got.Message)
			}
		}
	}()
	return k
}

func newPair(t *testing.T, users []string) *pair {
	t.Helper()
	p := &pair{data: t.TempDir(), recordings: t.TempDir()}
	hash, err := bcrypt.GenerateFromPassword([]byte("their password"), bcrypt.MinCost)
	testkit.Must(t, err)
	text := ""
	for _, name := range append(users, "last") {
		text += name + ":" + string(hash) + ":admin\n"
	}
	testkit.Must(t, os.WriteFile(filepath.Join(p.data, "users"), []byte(text), 0o600))
	p.a, p.b = startByHand(t, "a.test", "-data", p.data, "-max-upload", "1GiB", "-recordings", p.recordings),
		startByHand(t, "b.test", "-data", t.TempDir(), "-max-upload", "1GiB", "-recordings", p.recordings)
	if answer := p.a.connect(t, p.b.at); !answer.Connected {
		t.Fatal(answer.Reason)
	}
	for _, n := range []byHand{p.a, p.b} {
		(&running{Client: n.Client}).until(t, "both see both", func(list []client.Node) bool {
			return has("convoy@a.test", "alive")(list) && has("convoy@b.test", "alive")(list)
		})
	}
	p.ticks = count(t, p.a)
	return p
}

func (s *subject) user(t *testing.T, typed string, args ...string) {
	t.Helper()
	if status, out := asUser(t, typed, append([]string{args[0], "-data", s.data}, args[1:]...)...); status != 0 {
		t.Fatal(out)
	}
}

// logsIn logs the subject in at a, or gives it an API token instead.
func (s *subject) logsIn(t *testing.T, byToken bool) {
	t.Helper()
	form := url.Values{"name": {s.name}, "password": {"their password"}}
	answer := s.send(t, s.a, "POST", "/login", form.Encode(), "application/x-www-form-urlencoded")
	answer.Body.Close()
	s.keepCookie(answer)
	claim := answer.Header.Get("Location")
	claim = url.Values{"claim": {claim[strings.IndexByte(claim, '=')+1:]}}.Encode()
	completed := s.send(t, s.a, "POST", "/session/plain", claim, "application/x-www-form-urlencoded")
	completed.Body.Close()
	s.keepCookie(completed)
	if answer.StatusCode != http.StatusSeeOther || s.header[0] == "" {
		t.Fatalf("login: %s", answer.Status)
	}
	if byToken {
		var made struct{ ID, Token string }
		testkit.Must(
			t,
			json.Unmarshal([]byte(s.made(t, s.a, "/tokens", fmt.Sprintf(`{"name":%q,"role":"admin"}`, s.name))), &made),
		)
		s.token, s.header = made.ID, [2]string{"Authorization", "Bearer " + made.Token}
	}
	s.eventually(t, 200, "GET", "/tokens")
}

// keepCookie has the subject send the cookie that an answer sets.
func (s *subject) keepCookie(answer *http.Response) {
	for _, c := range answer.Cookies() {
		s.header = [2]string{"Cookie", c.Name + "=" + c.Value}
	}
}

// send sends a request by a connection of its own, as the subject.
func (s *subject) send(t *testing.T, to byHand, method, path, body, kind string) *http.Response {
	t.Helper()
	answer, err := s.try(t, to, method, path, body, kind)
	testkit.Must(t, err)
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func (s *subject) try(t *testing.T, to byHand, method, path, body, kind string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(t.Context(), method, to.Base+path, strings.NewReader(body))
	testkit.Must(t, err)
	if s.header[0] != "" && !strings.HasPrefix(path, "/share/") {
		r.Header.Set(s.header[0], s.header[1])
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Convoy-Shell", strings.ToLower(rand.Text()[:16]))
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err == nil {
			conn.(*net.TCPConn).SetReadBuffer(128 << 10) //nolint:errcheck // so that a download does not fit in the way
		}
		return conn, err
	}
	plain := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: dial},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return plain.Do(r)
}

// made is the answer to a request that makes something.
func (s *subject) made(t *testing.T, to byHand, path, body string) string {
	t.Helper()
	answer := s.send(t, to, "POST", path, body, "application/json")
	text, err := io.ReadAll(answer.Body)
	testkit.Must(t, err)
	if answer.StatusCode >= 300 {
		t.Fatalf("POST %s: %s %s", path, answer.Status, text)
	}
	return string(text)
}

// does asks the subject's console and compares the status.
func (s *subject) does(t *testing.T, want int, method, path, body string) {
	t.Helper()
	if answer := s.send(t, s.console, method, path, body, "application/json"); answer.StatusCode != want {
		t.Errorf("%s %s: %s, want %d", method, path, answer.Status, want)
	}
}

// eventually asks the subject's console until it answers so.
func (s *subject) eventually(t *testing.T, want int, method, path string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx := testkit.Context(t); ; <-tick.C {
		answer, err := s.try(t, s.console, method, path, "", "")
		if err == nil { // else the right was lost in the middle
			answer.Body.Close()
			if answer.StatusCode == want {
				return
			}
		}
		if ctx.Err() != nil {
			t.Fatalf("%s %s is %+v, %v, want %d", method, path, answer, err, want)
		}
	}
}

// shell opens a shell on a node as the subject, and a terminal of who looks on.
func (s *subject) shell(t *testing.T, node byHand, kind, dir string) (client.Shell, *client.Terminal) {
	t.Helper()
	var made client.Shell
	testkit.Must(
		t,
		json.Unmarshal(
			[]byte(s.made(t, s.console, "/nodes/"+node.name+"/shells", fmt.Sprintf(`{"kind":%q,"dir":%q}`, kind, dir))),
			&made,
		),
	)
	looks := client.New(s.console.Base, s.console.Token)
	t.Cleanup(looks.Close)
	term, err := looks.Attach(t.Context(), made, -1)
	testkit.Must(t, err)
	t.Cleanup(term.Close)
	return made, term
}

func (s *subject) types(t *testing.T, shell client.Shell, text string) {
	t.Helper()
	s.does(t, 204, "POST", shell.Path()+"/input", text)
}

// reads reads the beginning of an answer that stays open; the rest must end.
func (s *subject) reads(t *testing.T, path string, begin string) (ends func(t *testing.T)) {
	t.Helper()
	answer := s.send(t, s.console, "GET", path, "", "")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s", path, answer.Status)
	}
	piece, all := make([]byte, 1024), ""
	for !strings.Contains(all, begin) {
		n, err := answer.Body.Read(piece)
		testkit.Must(t, err)
		all += string(piece[:n])
	}
	return func(t *testing.T) {
		stop := context.AfterFunc(testkit.Context(t), func() { answer.Body.Close() })
		n, err := io.Copy(io.Discard, answer.Body)
		if !stop() || n >= largeFile-1<<20 {
			t.Errorf("GET %s goes on: %d bytes more, %v", path, n, err)
		}
	}
}

// begins sends a request whose answer comes when it is over. It must end without having been carried out.
func (s *subject) begins(t *testing.T, path, body string) (ends func(t *testing.T)) {
	done := make(chan string, 1)
	go func() { // ends with the request
		answer, err := s.try(t, s.console, "POST", path, body, "application/json")
		if err != nil {
			done <- ""
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		if answer.StatusCode >= 400 || strings.Contains(string(text), s.says()) {
			done <- ""
			return
		}
		done <- answer.Status + " " + string(text)
	}()
	return func(t *testing.T) {
		select {
		case said := <-done:
			if said != "" {
				t.Errorf("POST %s: %s", path, said)
			}
		case <-testkit.Context(t).Done():
			t.Errorf("POST %s goes on", path)
		}
	}
}

const largeFile = 256 << 20

// use is something that somebody does by their right: open begins it, and returns what is to hold when the right is
// lost.
type use struct {
	name string
	open func(t *testing.T, s *subject) (after func(t *testing.T))
	tick bool // it sends messages under its name all the while
}

var uses = []use{
	{name: "page", open: func(t *testing.T, s *subject) func(*testing.T) {
		s.does(t, 200, "GET", "/audit", "")
		return func(t *testing.T) { s.refused(t, "GET", "/audit", "") }
	}},
	{name: "stream", open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, _ := s.shell(t, s.far, "system", "")
		return s.reads(
			t,
			"/stream?want=nodes&viewer=viewer-of-the-rights&shell="+url.QueryEscape(shell.Key()+"@-1"),
			"event: reset",
		)
	}},
	{name: "follow", open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, _ := s.shell(t, s.console, "system", "")
		answer := s.send(t, s.console, "GET", "/stream?want=none&viewer=viewer-of-the-rights", "", "")
		line := make([]byte, 2048)
		n, err := answer.Body.Read(line)
		testkit.Must(t, err)
		_, id, _ := strings.Cut(string(line[:n]), `"stream":"`)
		id, _, _ = strings.Cut(id, `"`)
		path := "/streams/" + id + "/shells/" + shell.Key()
		s.does(t, 204, "POST", path, "")
		return func(t *testing.T) {
			io.Copy(io.Discard, answer.Body) //nolint:errcheck // until the stream ends
			answer := s.send(t, s.console, "POST", path, "", "")
			if answer.StatusCode < 400 {
				t.Errorf("follow: %s", answer.Status)
			}
		}
	}},
	{name: "input, and broadcast", open: func(t *testing.T, s *subject) func(*testing.T) {
		var afters []func(*testing.T)
		for _, node := range []byHand{s.console, s.far} {
			shell, term := s.shell(t, node, "system", "")
			s.types(t, shell, "echo before-$((1+1))\r")
			testkit.Must(t, term.WaitFor(testkit.Context(t), "before-2"))
			afters = append(afters, func(t *testing.T) {
				s.refused(t, "POST", shell.Path()+"/input", "echo taken-$((1+1))\r")
				testkit.Must(t, term.Type(testkit.Context(t), "echo later-$((1+1))\r"))
				testkit.Must(t, term.WaitFor(testkit.Context(t), "later-2"))
				if bytes.Contains(term.Bytes(), []byte("taken")) {
					t.Error("it was typed all the same")
				}
			})
		}
		return func(t *testing.T) {
			for _, after := range afters {
				after(t)
			}
		}
	}},
	{name: "pane-loop", tick: true, open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, term := s.shell(t, s.console, "convoy", "")
		testkit.Must(t, term.WaitFor(testkit.Context(t), ")>"))
		s.types(t, shell, s.ticks.loop(s.name+" pane-loop")+"\r")
		return func(t *testing.T) { testkit.Must(t, term.WaitFor(testkit.Context(t), s.says())) }
	}},
	{name: "far-pane-loop", tick: true, open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, term := s.shell(t, s.far, "convoy", "")
		testkit.Must(t, term.WaitFor(testkit.Context(t), ")>"))
		s.types(t, shell, s.ticks.loop(s.name+" far-pane-loop")+"\r")
		return func(t *testing.T) { testkit.Must(t, term.WaitFor(testkit.Context(t), s.says())) }
	}},
	{name: "pane that receives", open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, term := s.shell(t, s.console, "convoy", "")
		testkit.Must(t, term.WaitFor(testkit.Context(t), ")>"))
		s.types(t, shell, "print('it ' + 'waits'); receive()\r")
		testkit.Must(t, term.WaitFor(testkit.Context(t), "it waits"))
		return func(t *testing.T) { testkit.Must(t, term.WaitFor(testkit.Context(t), s.says())) }
	}},
	{name: "remote shell", open: func(t *testing.T, s *subject) func(*testing.T) {
		s.does(t, 200, "POST", "/api/shell", `{"fn":"node.self"}`)
		return func(t *testing.T) { s.refused(t, "POST", "/api/shell", `{"fn":"node.self"}`) }
	}},
	{name: "remote shell that receives", open: func(t *testing.T, s *subject) func(*testing.T) {
		return s.begins(t, "/api/shell", `{"fn":"receive"}`)
	}},
	{name: "share link", open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, term := s.shell(t, s.far, "system", "")
		var link struct{ URL string }
		testkit.Must(t, json.Unmarshal([]byte(s.made(t, s.console, shell.Path()+"/links", `{"right":"type"}`)), &link))
		const viewer = "?viewer=viewer-of-the-link-1"
		ends := s.reads(t, link.URL+"/stream"+viewer, "event: reset")
		s.does(t, 204, "POST", link.URL+"/input"+viewer+"&n=0", "echo before-$((1+1))\r")
		testkit.Must(t, term.WaitFor(testkit.Context(t), "before-2"))
		return func(t *testing.T) {
			ends(t)
			s.does(t, 410, "POST", link.URL+"/input"+viewer+"&n=1", "echo taken\r")
			s.does(t, 410, "GET", link.URL+"/stream"+viewer, "")
			s.does(t, 410, "GET", link.URL, "")
		}
	}},
	{name: "playback", open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, _ := s.shell(t, s.console, "system", "")
		var made struct{ ID string }
		testkit.Must(t, json.Unmarshal([]byte(s.made(t, s.console, shell.Path()+"/recording", "")), &made))
		s.does(t, 200, "DELETE", shell.Path()+"/recording", "")
		testkit.Must(
			t,
			os.Truncate(filepath.Join(s.recordings, strings.TrimPrefix(s.console.name, "convoy@"), made.ID+".cast"), largeFile),
		)
		return s.reads(t, "/nodes/"+s.console.name+"/recordings/"+made.ID, "version")
	}},
	{name: "download", open: func(t *testing.T, s *subject) func(*testing.T) {
		file := filepath.Join(t.TempDir(), "large")
		testkit.Must(t, os.WriteFile(file, nil, 0o644))
		testkit.Must(t, os.Truncate(file, largeFile))
		shell, _ := s.shell(t, s.far, "system", "")
		return s.reads(t, shell.Path()+"/files?path="+url.QueryEscape(file), "\x00")
	}},
	{name: "runbook step, run", open: func(t *testing.T, s *subject) func(*testing.T) {
		pipe := filepath.Join(t.TempDir(), "pipe")
		testkit.Must(t, syscall.Mkfifo(pipe, 0o600))
		ends := s.begins(
			t,
			"/nodes/"+s.far.name+"/run",
			fmt.Sprintf(`{"command":"while echo x; do sleep 0.05; done >%s"}`, pipe),
		)
		in, err := os.OpenFile(pipe, os.O_RDONLY, 0)
		testkit.Must(t, err)
		t.Cleanup(func() { in.Close() })
		_, err = io.ReadFull(in, make([]byte, 4))
		testkit.Must(t, err)
		return func(t *testing.T) {
			ends(t)
			testkit.Must(t, in.SetDeadline(time.Now().Add(30*time.Second)))
			if _, err := io.Copy(io.Discard, in); err != nil { // until nobody has its other end
				t.Errorf("the command goes on: %v", err)
			}
		}
	}},
	{name: "eval-loop", tick: true, open: func(t *testing.T, s *subject) func(*testing.T) {
		return s.evaluates(t, s.ticks.loop(s.name+" eval-loop"))
	}},
	{name: "rpc-loop", tick: true, open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, term := s.shell(t, s.console, "convoy", "")
		testkit.Must(t, term.WaitFor(testkit.Context(t), ")>"))
		s.types(t, shell, fmt.Sprintf("rpc.eval(%q, %q)\r", s.far.name, s.ticks.loop(s.name+" rpc-loop")))
		return func(t *testing.T) { testkit.Must(t, term.WaitFor(testkit.Context(t), s.says())) }
	}},
}

// says is what a Convoy shell is told when the subject's right is lost.
func (s *subject) says() string {
	if s.left == http.StatusForbidden {
		return "with the role viewer you may not"
	}
	return "the login that this shell acts for has ended"
}

// evaluates evaluates source on the console's node.
func (s *subject) evaluates(t *testing.T, source string) func(*testing.T) {
	body, err := json.Marshal(map[string]string{"source": source})
	testkit.Must(t, err)
	return s.begins(t, "/nodes/"+s.console.name+"/eval", string(body))
}

// refused asks for what takes a right that is lost.
func (s *subject) refused(t *testing.T, method, path, body string) {
	t.Helper()
	answer := s.send(t, s.console, method, path, body, "application/json")
	if answer.StatusCode != http.StatusUnauthorized && answer.StatusCode != http.StatusForbidden {
		t.Errorf("%s %s: %s", method, path, answer.Status)
	}
}

// Whatever somebody has open, or has begun, ends when their right to it does, wherever they asked for it: on the node
// with the file of users and on another. Nothing more comes, and nothing more is done, while another's shells go on.
func TestRights_WhatIsOpenEnds(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range losses {
		names = append(names, fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i))
	}
	p := newPair(t, names)
	for _, n := range []byHand{p.a, p.b} { // another's shells
		var s client.Shell
		testkit.Must(t, n.Do(testkit.Context(t), "POST", "/nodes/"+n.name+"/shells", []byte(`{"kind":"convoy"}`), &s))
		testkit.Must(
			t,
			n.Do(testkit.Context(t), "POST", s.Path()+"/input", []byte(p.ticks.loop("another's on "+n.name)+"\r"), nil),
		)
	}
	t.Run("all", func(t *testing.T) {
		for i, loss := range losses {
			t.Run(loss.name, func(t *testing.T) {
				t.Parallel() // two at once, where a node runs four evaluations
				twoAtOnce <- struct{}{}
				defer func() { <-twoAtOnce }()
				here := &subject{pair: p, name: fmt.Sprint("a", i), console: p.a, far: p.b, left: loss.want}
				there := &subject{pair: p, name: fmt.Sprint("b", i), console: p.b, far: p.a, left: loss.want}
				after := map[*subject][]func(*testing.T){}
				for _, s := range []*subject{here, there} {
					s.logsIn(t, loss.name == "token ended")
					after[s] = s.opensAll(t)
				}
				for s := range after {
					loss.take(t, s)
				}
				for s, afters := range after {
					s.eventually(t, s.left, "GET", "/tokens")
					for i, holds := range afters { // in their order: a stream has ended before anything is read at full speed
						t.Run(uses[i].name+", by "+s.console.name, holds)
					}
				}
				here.silent(t)
				there.silent(t)
			})
		}
	})
}

// twoAtOnce bounds what the nodes do at the same time.
var twoAtOnce = make(chan struct{}, 2)

// opensAll opens everything, and returns for each what has to hold when the right is lost.
func (s *subject) opensAll(t *testing.T) (after []func(*testing.T)) {
	for _, u := range uses {
		after = append(after, u.open(t, s))
	}
	for _, u := range uses {
		if u.tick {
			s.ticks.await(t, s.name+" "+u.name, 2)
		}
	}
	return after
}

// silent waits until the subject's loops have ended, and sees that they stay so while another's go on.
func (s *subject) silent(t *testing.T) {
	t.Helper()
	count := func() (n int) {
		for _, u := range uses {
			one, _ := s.ticks.of(s.name + " " + u.name)
			n += one
		}
		return n
	}
	another := func() {
		for _, n := range []byHand{s.a, s.b} {
			s.ticks.await(t, "another's on "+n.name, 10)
		}
	}
	ctx := testkit.Context(t)
	for was := -1; was != count(); another() {
		if was = count(); ctx.Err() != nil {
			t.Fatal("loops of who has lost their right go on")
		}
	}
	was := count()
	another()
	if now := count(); now != was {
		t.Errorf("%d actions more of who has lost their right", now-was)
	}
}
