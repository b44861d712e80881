package handlers

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

// A socket is never read, while other requests acknowledge its output. The other viewer of the same shell sees
// everything, and the socket is dropped.
func TestSocketThatIsNeverRead(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	n := start(t)
	n.site.WriteWait = 10 * time.Second // for the other viewer as well, which reads all the time
	c := n.client(t)
	s, term := n.open(t, c)
	ctx := testkit.Context(t)

	conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
	testkit.Must(t, err)
	defer conn.Close()
	testkit.Must(t, conn.(*net.TCPConn).SetReadBuffer(4096))
	stalled := client.New(n.url, token)
	defer stalled.Close()
	_, err = fmt.Fprintf(
		conn, "GET /stream?viewer=%s&want=none&shell=%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
		stalled.Viewer, s.Key(), token,
	)
	testkit.Must(t, err)
	line, err := bufio.NewReaderSize(conn, 64).ReadString('\n')
	if err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q, %v", line, err)
	}
	testkit.Must(t, term.Type(ctx, "yes | head -c 8000000; echo; echo whole\"\"-flood\r"))
	acks, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for off, err := term.WaitPast(acks, 0); err == nil; off, err = term.WaitPast(acks, off+64<<10) {
			stalled.Ack(acks, s, off) //nolint:errcheck // it may be let go of at any time
		}
	}()
	testkit.Must(t, term.WaitFor(ctx, "whole-flood"))
	await(t, n, 1)
}

// A page that reads everything and draws nothing is dropped too.
func TestViewerThatDrawsNothing(t *testing.T) {
	t.Parallel()
	n := startWith(t, 100*time.Millisecond, "/bin/sh", "-c", "yes")
	c := n.client(t)
	s, err := c.Open(t.Context(), self)
	testkit.Must(t, err)
	answer := n.request(t, http.MethodGet, "/stream?want=none&viewer=draws-nothing-01&shell="+s.Key(), "", bearer)
	in := bufio.NewReader(answer.Body)
	for {
		if _, err := in.ReadString('\n'); err != nil {
			break // the server ended it
		}
	}
	await(t, n, 0)
}

// await waits until so many streams are open.
func await(t *testing.T, n *testNode, want int) {
	t.Helper()
	testkit.Eventually(t, fmt.Sprintf("%d streams are open", want), func() bool { return n.Streams() == want })
}

// The deadline of a stream's last write would hold for the next request on the same connection, which would be
// cut off.
func TestConnectionEndsWithItsStream(t *testing.T) {
	t.Parallel()
	n := start(t)
	r, err := http.NewRequestWithContext(
		testkit.Context(t), http.MethodGet, n.url+"/stream?want=none&viewer=one-connection-01", nil,
	)
	testkit.Must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(r)
	testkit.Must(t, err)
	defer answer.Body.Close()
	if answer.StatusCode != 200 || !answer.Close {
		t.Errorf("%s, and the connection closes: %v", answer.Status, answer.Close)
	}
}
