package handlers

import (
	"context"
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

	"convoy/access"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// large is the size of a sparse file that no test reads to its end, in bytes.
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
			t, "GET", "/stream?want=none&viewer=viewer-of-the-rights&shell="+url.QueryEscape(o.owner.Self+"/"+o.shell+"@-1"),
			nil, "event: ",
		)
	},
	"GET /share/{token}/stream": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.started(t, "GET", o.link(t)+"/stream?viewer=viewer-of-the-rights", nil, "event: ")
	},
	"GET /carrier": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.started(t, "GET", "/carrier", nil, "event: ")
	},
	"POST /stream": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.carried(t, "/stream?want=none&viewer=carried-of-the-rights", o.eve)
	},
	"POST /share/{token}/stream": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.carried(t, o.link(t)+"/stream?viewer=carried-of-the-rights")
	},
	"GET /nodes/{node}/shells/{shell}/files": func(t *testing.T, o openingOf) io.ReadCloser {
		testkit.Must(t, os.WriteFile(filepath.Join(o.dir, "large"), nil, 0o644))
		testkit.Must(t, os.Truncate(filepath.Join(o.dir, "large"), large))
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
		testkit.Must(t, os.MkdirAll(o.owner.Recordings.Path, 0o700))
		file := filepath.Join(o.owner.Recordings.Path, id+".cast")
		testkit.Must(t, os.WriteFile(file, nil, 0o600))
		testkit.Must(t, os.Truncate(file, large))
		return o.started(t, "GET", "/nodes/"+o.owner.Self+"/recordings/"+id, nil, "\x00")
	},
	"POST /nodes/{node}/eval": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.waiting(t, "/nodes/"+o.owner.Self+"/eval", `{"source":"what"}`)
	},
	"POST /nodes/{node}/run": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.waiting(t, "/nodes/"+o.owner.Self+"/run", `{"command":"what"}`)
	},
	"POST /runbooks/{runbook}/run": func(t *testing.T, o openingOf) io.ReadCloser {
		o.console.runbooks.Dir = t.TempDir()
		testkit.Must(t, os.WriteFile(filepath.Join(o.console.runbooks.Dir, "one.md"), []byte("```sh\nwhat\n```\n"), 0o600))
		return o.waiting(t, "/runbooks/one/run", url.Values{"nodes": {o.owner.Self}}.Encode())
	},
	"POST /run": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.waiting(t, "/run", url.Values{"nodes": {o.owner.Self}, "text": {"what"}}.Encode())
	},
	"POST /api/cmd": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.waiting(t, "/api/cmd", `{"value":"what"}`)
	},
	"POST /api/shell": func(t *testing.T, o openingOf) io.ReadCloser {
		return o.waiting(t, "/api/shell", `{"fn":"what"}`)
	},
}

// link makes a share link, and returns its address.
func (o openingOf) link(t *testing.T) string {
	t.Helper()
	var made struct{ URL string }
	answer := o.console.request(t, "POST", o.path+"/links", `{"right":"type"}`, o.eve)
	testkit.Must(t, json.NewDecoder(answer.Body).Decode(&made))
	return made.URL
}

// carried puts a stream on a carrier of another login, and returns the carrier until the stream ends.
func (o openingOf) carried(t *testing.T, path string, headers ...string) io.ReadCloser {
	t.Helper()
	carrier, err := o.console.client(t).Carrier(t.Context())
	testkit.Must(t, err)
	answer := o.console.request(t, "POST", path+"&as=1", "", append(headers, "Convoy-Carrier: "+carrier.ID)...)
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("POST %s: %s", path, answer.Status)
	}
	return untilEnd{carrier}
}

// untilEnd reads a carrier until its only stream ends.
type untilEnd struct{ carrier *client.Stream }

func (u untilEnd) Read([]byte) (int, error) {
	e, err := u.carrier.Next()
	if strings.HasSuffix(string(e.Data), " end ") {
		err = io.EOF
	}
	return 0, err
}

func (u untilEnd) Close() error { u.carrier.Close(); return nil }

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
		testkit.Must(t, err)
		all += string(piece[:n])
	}
	return answer.Body
}

// sent sends a request by a connection that takes in little beyond what is read from it.
func (o openingOf) sent(t *testing.T, method, path string, body io.Reader) *http.Response {
	t.Helper()
	answer, err := o.try(t, method, path, body)
	testkit.Must(t, err)
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func (o openingOf) try(t *testing.T, method, path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(t.Context(), method, o.console.url+path, body)
	testkit.Must(t, err)
	name, value, _ := strings.Cut(o.eve, ": ")
	if !strings.HasPrefix(path, "/share/") {
		r.Header.Set(name, value)
	}
	if path == "/run" || strings.HasSuffix(path, "/one/run") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
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
	testkit.Eventually(t, "the request begins", began)
	return read
}

// waiting requests an action that lasts until it is cancelled.
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
				s, err := x.console.client(t).Open(testkit.Context(t), o.owner.Self)
				testkit.Must(t, err)
				own, err := o.owner.Shells.Get(s.ID)
				testkit.Must(t, err)
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

// A stream depends on its reader's role: with a greater role it ends too, so that the reader opens another one.
func TestRights_GreaterRole(t *testing.T) {
	t.Parallel()
	x := newRights(t, true)
	testkit.Must(t, x.home.Authority.Users.SetRole("eve", access.Viewer))
	x.console.eventuallyIs(t, http.StatusForbidden, "GET", "/tokens", x.eve)
	o := openingOf{rights: x, owner: x.home}
	stream := o.started(t, "GET", "/stream?viewer=viewer-of-the-rights", nil, "event: ")
	testkit.Must(t, x.home.Authority.Users.SetRole("eve", access.Admin))
	o.ends(t, "GET /stream", stream)
}
