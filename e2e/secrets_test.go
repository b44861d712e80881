package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// The environment that a process was started with stays readable for as long as it lives: there must be no secret in
// it.
func TestSecrets_LeaveTheEnvironment(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "secrets.test", "localhost:0")
	if _, err := p.Nodes(testkit.Context(t)); err != nil { // by the token
		t.Errorf("the node does not know its token: %v", err)
	}
	for _, pid := range []int{p.cmd.Process.Pid, testkit.NodeOf(p.cmd.Process.Pid)} { // the supervisor, and the node
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil {
			t.Skipf("this test's user cannot look into the node: %v", err)
		}
		if !strings.Contains(string(environ), "PATH=") {
			t.Fatalf("that is no environment: %q", environ)
		}
		for _, secret := range []string{testCookie, "a-token-of-the-tests", "CONVOY_COOKIE", "CONVOY_TOKEN"} {
			if strings.Contains(string(environ), secret) {
				t.Errorf("%q is in the environment", secret)
			}
		}
	}
}
