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
)

// A socket is opened and never read, while somebody acknowledges for it what it was sent. The other viewer of the same
// shell sees everything, and the socket is let go of.
func TestSocketThatIsNeverRead(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.writeWait = 2 * time.Second // for the other viewer as well, which reads all the time
	c := n.client(t)
	s, term := n.open(t, c)
	ctx := soon(t)

	conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
	must(t, err)
	defer conn.Close()
	must(t, conn.(*net.TCPConn).SetReadBuffer(4096))
	stalled := client.New(n.url, token)
	defer stalled.Close()
	_, err = fmt.Fprintf(
		conn,
		"GET /stream?viewer=%s&want=none&shell=%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
		stalled.Viewer,
		s.Key(),
		token,
	)
	must(t, err)
	line, err := bufio.NewReaderSize(conn, 64).ReadString('\n')
	if err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q, %v", line, err)
	}
	must(t, term.Type(ctx, "yes | head -c 8000000; echo; echo whole\"\"-flood\r"))
	acks, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for off, err := term.WaitPast(acks, 0); err == nil; off, err = term.WaitPast(acks, off+64<<10) {
			stalled.Ack(acks, s, off) //nolint:errcheck // it may be let go of at any time
		}
	}()
	must(t, term.WaitFor(ctx, "whole-flood"))
	await(t, n, 1)
}

// A page that takes everything and draws nothing is let go of as well.
func TestViewerThatDrawsNothing(t *testing.T) {
	t.Parallel()
	n := startWith(t, 100*time.Millisecond, "/bin/sh", "-c", "yes")
	c := n.client(t)
	s, err := c.Open(t.Context(), self)
	must(t, err)
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
	ctx := soon(t)
	for {
		left := n.streams.left.changed()
		if n.streams.open() == want {
			return
		}
		select {
		case <-left:
		case <-ctx.Done():
			t.Fatalf("%d streams are open, want %d", n.streams.open(), want)
		}
	}
}

// The deadline of a stream's last write would hold for the next request on the same connection, which would be cut off.
func TestConnectionEndsWithItsStream(t *testing.T) {
	t.Parallel()
	n := start(t)
	r, err := http.NewRequestWithContext(soon(t), http.MethodGet, n.url+"/stream?want=none&viewer=one-connection-01", nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(r)
	must(t, err)
	defer answer.Body.Close()
	if answer.StatusCode != 200 || !answer.Close {
		t.Errorf("%s, and the connection closes: %v", answer.Status, answer.Close)
	}
}
