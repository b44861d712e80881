package e2e

import (
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// The program of system shells may have arguments, such as bash -l for login shells. The prompt of a user without a
// name does not say so.
func TestSystemShell_Login(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil, "-shell", "bash -l", "-system-shell", "first")
	s, err := n.Open(testkit.Context(t), "convoy")
	testkit.Must(t, err)
	term, err := n.Attach(testkit.Context(t), s, -1)
	testkit.Must(t, err)
	defer term.Close()
	testkit.Must(t, term.Type(testkit.Context(t), "shopt -q login_shell && echo login''-shell\r"))
	testkit.Must(t, term.WaitFor(testkit.Context(t), "login-shell"))
	if text := string(term.Bytes()); strings.Contains(text, "no name") {
		t.Errorf("it greets with %q", text)
	}
}
