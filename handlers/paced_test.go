package handlers

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/assets"
	"convoy/internal/testkit"
)

// dial connects to a node and sends text.
func (n *testNode) dial(t *testing.T, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
	testkit.Must(t, err)
	t.Cleanup(func() { conn.Close() })
	testkit.Must(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, text)
	testkit.Must(t, err)
	return conn
}

// Whatever route a client begins to send a body to, and stops, its connection is closed: without a login and with one.
func TestPaced_BodiesThatStop(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	n.site.BodyWait, n.site.WriteWait = 100*time.Millisecond, 100*time.Millisecond // the latter is the files' rule
	n.MaxUpload = 1 << 20
	var all sync.WaitGroup
	walk := func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if route == "/assets/*" && method != http.MethodGet {
			return nil
		}
		path := strings.NewReplacer("{node}", self, "{shell}", "nosuchone1", "*", "css/base.css").Replace(route)
		for who, header := range map[string]string{"nobody": "", "admin": n.as("ann", access.Admin)[0] + "\r\n"} {
			for kind, body := range map[string]string{"length": "Content-Length: 100\r\n\r\n{\"a\": ",
				"chunks": "Transfer-Encoding: chunked\r\n\r\n6\r\n{\"a\": \r\n"} {
				if strings.HasSuffix(route, "/stream") && who == "admin" {
					continue // a stream lasts
				}
				all.Go(func() {
					conn := n.dial(
						t,
						fmt.Sprintf(
							"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: "+
								"application/x-www-form-urlencoded\r\n%s%s",
							method,
							path,
							header,
							body,
						),
					)
					if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
						t.Errorf("%s %s by %s, by %s, stays open: %v", method, route, who, kind, err)
					}
				})
			}
		}
		return nil
	}
	testkit.Must(t, chi.Walk(n.publicRoutes().(chi.Router), walk))
	all.Wait()
}

// A thousand stalled bodies hold no resources: others can type and log in.
func TestPaced_ThousandStrangers(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.site.BodyWait = 500 * time.Millisecond
	withUsers(t, n)
	_, term := n.open(t, n.client(t))
	conns := make([]net.Conn, 1000)
	for i := range conns {
		conns[i] = n.dial(
			t,
			"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "+
				"100\r\n\r\ntoken=",
		)
	}
	testkit.Must(t, term.Type(testkit.Context(t), "echo meanwhile-$((40+2))\r"))
	testkit.Must(t, term.WaitFor(testkit.Context(t), "meanwhile-42"))
	if status, _ := n.logInAs(t, "token", token); status != http.StatusSeeOther {
		t.Errorf("the admin logs in: %d", status)
	}
	for _, conn := range conns {
		in := bufio.NewReader(conn)
		line, err := in.ReadString('\n')
		if err != nil || !strings.Contains(line, "408") {
			t.Fatalf("told %q, %v, want 408", line, err)
		}
		if _, err := io.Copy(io.Discard, in); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Fatalf("a connection stays open: %v", err)
		}
	}
}

// A body that has come whole ends the rule: a request that takes longer than a body may is not cut off, nor is the next
// one on its connection.
func TestPaced_LongRequests(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.site.BodyWait = 50 * time.Millisecond
	began, finish := make(chan struct{}, 4), make(chan struct{})
	slow := n.site.Pace(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		began <- struct{}{}
		if err != nil { // the one that stalls
			return
		}
		select {
		case <-finish:
			io.WriteString(w, "done") //nolint:errcheck // the client's end tells
		case <-r.Context().Done():
		}
	}))
	server := &http.Server{Handler: slow}
	listener, err := net.Listen("tcp", "localhost:0")
	testkit.Must(t, err)
	go server.Serve(listener) //nolint:errcheck // Close ends it
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for range 2 {
		answered := make(chan string, 1)
		go func() {
			r, _ := http.NewRequest("POST", "http://"+listener.Addr().String(), strings.NewReader("body"))
			answer, err := transport.RoundTrip(r)
			if err != nil {
				answered <- err.Error()
				return
			}
			defer answer.Body.Close()
			text, _ := io.ReadAll(answer.Body)
			answered <- string(text)
		}()
		<-began
		stalled, err := net.Dial("tcp", listener.Addr().String())
		testkit.Must(t, err)
		_, err = io.WriteString(
			stalled, "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 9\r\n\r\nx",
		)
		testkit.Must(t, err)
		<-began // its body was waited for as long as one may be
		select {
		case early := <-answered:
			t.Fatalf("cut off: %s", early)
		default:
		}
		stalled.Close()
		finish <- struct{}{}
		if text := <-answered; text != "done" {
			t.Errorf("answered %q", text)
		}
	}
}

// By HTTP/2, where connections are shared, the rule holds for each request of its own.
func TestPaced_HTTP2(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	n.site.BodyWait = 100 * time.Millisecond
	server := httptest.NewUnstartedServer(n.Public())
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	body, stalled := io.Pipe()
	defer stalled.Close()
	go io.WriteString(stalled, "token=") //nolint:errcheck // the answer tells
	r, err := http.NewRequestWithContext(testkit.Context(t), "POST", server.URL+"/login", body)
	testkit.Must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := server.Client().Transport.RoundTrip(r)
	testkit.Must(t, err)
	defer answer.Body.Close()
	if answer.ProtoMajor != 2 || answer.StatusCode != http.StatusRequestTimeout {
		t.Errorf("%s by %s", answer.Status, answer.Proto)
	}
}

// An answer that is not read ends.
func TestPaced_AnswersThatNobodyTakes(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.site.WriteWait = 100 * time.Millisecond
	ended := make(chan error, 1)
	server := &http.Server{Handler: n.site.Pace(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				ended <- err
				return
			}
		}
	}))}
	listener, err := net.Listen("tcp", "localhost:0")
	testkit.Must(t, err)
	go server.Serve(listener) //nolint:errcheck // Close ends it
	defer server.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	testkit.Must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	testkit.Must(t, err)
	select {
	case <-ended:
	case <-testkit.Context(t).Done():
		t.Error("it waits for ever")
	}
}

// Strangers ask for much and read nothing of it: each connection is closed when a piece of its answer is not taken in
// time. Meanwhile another user's keys are echoed, and an admin logs in.
func TestPaced_UnreadAnswersLeaveRoom(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	n := start(t)
	withUsers(t, n)
	n.site.WriteWait = 10 * time.Second // for the other viewer as well, which reads all the time
	var closed sync.WaitGroup
	const count, asked = 16, 400
	closed.Add(count)
	stands := sync.Map{}
	server := httptest.NewUnstartedServer(n.Public())
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		if _, ok := stands.Load(conn.RemoteAddr().String()); ok && state == http.StateClosed {
			closed.Done()
		}
	}
	server.Start()
	defer server.Close()
	_, term := n.open(t, n.client(t))
	for range count {
		conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
		testkit.Must(t, err)
		defer conn.Close()
		testkit.Must(t, conn.(*net.TCPConn).SetReadBuffer(4096))
		stands.Store(conn.LocalAddr().String(), nil)
		_, err = io.WriteString(
			conn, strings.Repeat("GET "+assets.URL("vendor/xterm/xterm.mjs")+" HTTP/1.1\r\nHost: localhost\r\n\r\n", asked),
		)
		testkit.Must(t, err)
	}
	testkit.Must(t, term.Type(testkit.Context(t), "echo meanwhile-$((40+2))\r"))
	testkit.Must(t, term.WaitFor(testkit.Context(t), "meanwhile-42"))
	if status, _ := n.logInAs(t, "name", "ann", "password", "ann's password"); status != http.StatusSeeOther {
		t.Errorf("the admin logs in: %d", status)
	}
	done := make(chan struct{})
	go func() { closed.Wait(); close(done) }()
	select {
	case <-done:
	case <-testkit.Context(t).Done():
		t.Fatal("a connection that is not read stays open")
	}
}
