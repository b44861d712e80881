package handlers

import (
	"net/http"
	"strings"
	"testing"

	"convoy/internal/testkit"
	"convoy/pty"
)

// The answer to input reports who echoes and, one hop away, how long the hop took.
func TestInput_ReportsEcho(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	for _, n := range []*testNode{a, b} {
		s, err := a.client(t).Open(t.Context(), n.Self)
		testkit.Must(t, err)
		path := "/nodes/" + n.Self + "/shells/" + s.ID + "/input?n=0&viewer=viewer-of-the-echo"
		answer := a.request(t, "POST", path, "x", bearer)
		if got := answer.Header.Get("Convoy-Echo"); answer.StatusCode != http.StatusNoContent || got != pty.EchoTerminal {
			t.Errorf("%s: %s, echo by the %q, want %q", n.Self, answer.Status, got, pty.EchoTerminal)
		}
		timing := answer.Header.Get("Server-Timing")
		if strings.HasPrefix(timing, "node;dur=") != (n == b) {
			t.Errorf("%s: Server-Timing %q", n.Self, timing)
		}
	}
}
