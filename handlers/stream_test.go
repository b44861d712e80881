package handlers

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// writes is a listener that takes note of what is written to its connections, write by write.
type writes struct {
	net.Listener
	mu    sync.Mutex
	sizes []int
}

type writesConn struct {
	net.Conn
	seen *writes
}

func (w *writes) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	return writesConn{c, w}, err
}

func (c writesConn) Write(b []byte) (int, error) {
	c.seen.mu.Lock()
	c.seen.sizes = append(c.seen.sizes, len(b))
	c.seen.mu.Unlock()
	return c.Conn.Write(b)
}

// The header is one write, and each event is one, however large.
func TestEventIsOneWrite(t *testing.T) {
	t.Parallel()
	h := &Handlers{writeWait: writeWait}
	large := bytes.Repeat([]byte("x"), 100<<10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.serveEvents(r.Context(), w, r, func(ctx context.Context, send publish) {
			send("small", []byte("y"))
			send("large", large)
			send("large", large)
			<-ctx.Done()
		})
	}))
	seen := &writes{Listener: server.Listener}
	server.Listener = seen
	server.Start()
	defer server.Close()
	answer, err := http.Get(server.URL)
	must(t, err)
	defer answer.Body.Close()
	small, event := len("id: \ndata: y\nevent: small\n\n"), len("id: \ndata: \nevent: large\n\n")+len(large)
	_, err = io.ReadFull(answer.Body, make([]byte, small+2*event))
	must(t, err)
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if want := []int{small, event, event}; len(seen.sizes) != 4 || !slices.Equal(seen.sizes[1:], want) {
		t.Errorf("writes of %v bytes, want the header and %v", seen.sizes, want)
	}
}
