package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

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

// await waits for a number of further messages.
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
		t.Context(), "POST", c.Base+"/api/shell", strings.NewReader(fmt.Sprintf(`{"fn":%q,"args":%s}`, fn, args)),
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
