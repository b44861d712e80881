package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"convoy/internal/testkit"
)

// TestTtydLink speaks with a server of ttyd's protocol that sends each input back, with a title before it.
func TestTtydLink(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"tty"}})
		if err != nil || ws.Subprotocol() != "tty" || r.URL.Path != "/ws" {
			t.Errorf("%s, protocol %q: %v", r.URL, ws.Subprotocol(), err)
			return
		}
		for _, want := range []string{`{"AuthToken":"","columns":1000,"rows":24}`, "0key", "0paste"} {
			_, got, err := ws.Read(r.Context())
			if err != nil || string(got) != want {
				t.Errorf("ttyd gets %q, %v; want %q", got, err, want)
			}
			testkit.Must(t, ws.Write(r.Context(), websocket.MessageBinary, []byte("1title")))
			large := append([]byte("0"), bytes.Repeat(got, 2000)...)
			testkit.Must(t, ws.Write(r.Context(), websocket.MessageBinary, large))
		}
		ws.Close(websocket.StatusNormalClosure, "") //nolint:errcheck // the other end checks it
	}))
	defer server.Close()
	ctx := testkit.Context(t)
	l, err := followTtyd(ctx, strings.TrimPrefix(server.URL, "http://"))
	testkit.Must(t, err)
	defer l.Close()
	<-l.Output() // the echo of the size
	for _, text := range []string{"key", "paste"} {
		testkit.Must(t, l.Send(ctx, []byte(text)))
		if got := <-l.Output(); string(got.bytes) != strings.Repeat("0"+text, 2000) {
			t.Errorf("%d bytes of output, %.20q", len(got.bytes), got.bytes)
		}
	}
	if more, ok := <-l.Output(); ok || !errors.Is(l.Err(), io.EOF) {
		t.Errorf("after the end: %.20q, %v", more.bytes, l.Err())
	}
}
