package e2e

import (
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
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

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
	p.a.joins(t, p.b.at)
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
		token := s.made(t, s.a, "/tokens", fmt.Sprintf(`{"name":%q,"role":"admin"}`, s.name))
		testkit.Must(t, json.Unmarshal([]byte(token), &made))
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
	answer := s.made(t, s.console, "/nodes/"+node.name+"/shells", fmt.Sprintf(`{"kind":%q,"dir":%q}`, kind, dir))
	testkit.Must(t, json.Unmarshal([]byte(answer), &made))
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
			t.Errorf("GET %s continues: %d bytes more, %v", path, n, err)
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
			t.Errorf("POST %s continues", path)
		}
	}
}

// says is what a Convoy shell is told when the subject's right is lost.
func (s *subject) says() string {
	if s.left == http.StatusForbidden {
		return "with the role viewer you cannot"
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
