package peer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"convoy/internal/testkit"
)

// TestOutbox_ToOneNode: a node accepts no messages for a while. One user's messages fill its queue, and one more is
// refused. Meanwhile another user's input reaches that node, and so do calls and messages to other nodes.
func TestOutbox_ToOneNode(t *testing.T) {
	t.Parallel()
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body) //nolint:errcheck // the caller sees it
	})
	a, b := pair(t, echo)
	within, end := context.WithTimeout(t.Context(), testkit.Patience)
	defer end()
	b.Process("busy", 2*maxWaiting)
	a.Process("idle", 1)
	b.mailboxes.mu.Lock() // it stalls
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer b.mailboxes.mu.Unlock()
	defer cancel()
	refused := make(chan error, maxWaiting)
	for range maxWaiting + 2 { // one is in progress
		all.Go(func() {
			if err := a.Send(ctx, "busy", b.self.Name, "x"); errors.Is(err, ErrMailboxFull) {
				refused <- err
			}
		})
	}
	select {
	case err := <-refused:
		if !strings.Contains(err.Error(), "1024 messages to that node wait here") ||
			!strings.Contains(err.Error(), "send more slowly") {
			t.Errorf("one too many: %v", err)
		}
	case <-within.Done():
		t.Fatal("none is refused")
	}
	r, err := http.NewRequestWithContext(within, http.MethodPost, "/nodes/b/shells/x/input", strings.NewReader("k"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := a.Do(b.self.Name, r)
	if err != nil {
		t.Fatalf("what another user types: %v", err)
	}
	defer answer.Body.Close()
	if key, err := io.ReadAll(answer.Body); err != nil || string(key) != "k" {
		t.Errorf("what another user types: %q, %v", key, err)
	}
	if _, err := a.Call(within, b.self.Name, "node.self"); err != nil {
		t.Errorf("a call to that node: %v", err)
	}
	if err := a.Send(within, "idle", a.self.Name, "x"); err != nil {
		t.Errorf("a message to another node: %v", err)
	}
}
