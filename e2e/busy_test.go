package e2e

import (
	"net/http"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

// A Convoy shell that evaluates is busy, as a system shell with a program in the foreground is: closing it asks first.
func TestShell_EvaluationIsBusy(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	const name = "convoy@convoy.convoy.internal"
	ctx := testkit.Context(t)
	s, err := n.OpenKind(ctx, name, "convoy")
	testkit.Must(t, err)
	terminal, err := n.Attach(t.Context(), s, -1)
	testkit.Must(t, err)
	t.Cleanup(terminal.Close)
	busy := func(want string) func() bool {
		return func() bool {
			var now client.Shell
			testkit.Must(t, n.Do(ctx, http.MethodGet, s.Path(), nil, &now))
			return now.Busy == want
		}
	}
	testkit.Must(t, terminal.WaitFor(ctx, "(1)> "))
	testkit.Eventually(t, "idle at the prompt", busy(""))
	testkit.Must(t, terminal.Type(ctx, "receive(6000)\r"))
	testkit.Eventually(t, "busy", busy("The evaluation"))
	testkit.Must(t, terminal.Type(ctx, "\x03"))
	testkit.Must(t, terminal.WaitFor(ctx, "(2)> "))
	testkit.Eventually(t, "idle again", busy(""))
}
