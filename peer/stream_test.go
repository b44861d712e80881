package peer

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"convoy/fleet"
	"convoy/internal/testkit"
)

func pair(t *testing.T, h http.Handler, options ...option) (a, b *testNode) {
	t.Helper()
	a = startNode(t, "a.example", nil, options...)
	b = startNode(t, "b.example", h, options...)
	mustConnect(t, a, b)
	a.sees(t, fleet.MemberAlive, b)
	b.sees(t, fleet.MemberAlive, a)
	return a, b
}

func TestDoReachesTheNode(t *testing.T) {
	t.Parallel()
	a, b := pair(t, sayName("b"))
	want := strings.Join([]string{a.self.Name, a.Instance(), "b", "/some/path"}, " ")
	if got, err := get(t, a, b.self.Name, "/some/path?q=1"); err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if _, err := get(t, a, "convoy@nobody.example", "/"); !errors.Is(err, ErrUnknownNode) {
		t.Errorf("request to nobody: %v, want ErrUnknownNode", err)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Connection", "keep-alive, Upgrade")
	r.Header.Set("Upgrade", "websocket")
	answer, err := a.Do(b.self.Name, r)
	if err != nil {
		t.Fatalf("a request with hop-by-hop headers: %v", err)
	}
	answer.Body.Close()
}

// A stream is byte-exact in both directions, in pieces of any size.
func TestStreamsAreByteExact(t *testing.T) {
	t.Parallel()
	a, b := pair(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	}))
	const size = 8 << 20
	sent := sha256.New()
	body := io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{7}), size), sent)
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", body)
	answer, err := a.Do(b.self.Name, r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	received := sha256.New()
	n, err := io.Copy(received, answer.Body)
	if err != nil || n != size || string(received.Sum(nil)) != string(sent.Sum(nil)) {
		t.Errorf("received %d of %d bytes, %v", n, size, err)
	}
}

// A stalled reader stops its writer, and nothing else.
func TestStreamsHoldTheWriterBack(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	stopped := make(chan struct{})
	a, b := pair(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/flood" {
			io.WriteString(w, "alive")
			return
		}
		defer close(stopped)
		piece := make([]byte, 32<<10)
		for {
			n, err := w.Write(piece)
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "/flood", nil)
	answer, err := a.Do(b.self.Name, r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	last := int64(-1)
	testkit.Eventually(t, "the writer waits", func() bool {
		now := written.Load()
		for range 20 { // requests take time, in which a writer would continue
			if got, err := get(t, a, b.self.Name, "/"); err != nil || got != "alive" {
				t.Fatalf("beside a stalled stream: %q, %v", got, err)
			}
		}
		still := now > 0 && now == last
		last = now
		return still
	})
	if n := written.Load(); n > 4*streamWindowBytes {
		t.Errorf("%d bytes were written unread, with a window of %d", n, streamWindowBytes)
	}
	if _, err := io.CopyN(io.Discard, answer.Body, 2<<20); err != nil {
		t.Errorf("the reader continues: %v", err)
	}
	cancel()
	select {
	case <-stopped:
	case <-time.After(testkit.Patience):
		t.Error("the handler still runs after its caller is gone")
	}
}

// Closing a node ends the streams that it serves and those that it reads.
func TestCloseEndsStreams(t *testing.T) {
	t.Parallel()
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	for _, closer := range []string{"reader", "writer"} {
		t.Run(closer, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t, endless)
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			answer, err := a.Do(b.self.Name, r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if closer == "reader" {
				a.Close()
			} else {
				b.Close()
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				io.Copy(io.Discard, answer.Body)
			}()
			select {
			case <-ended:
			case <-time.After(testkit.Patience):
				t.Error("the stream continues")
			}
		})
	}
}
