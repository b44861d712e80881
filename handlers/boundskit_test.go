package handlers

import (
	"net/http"
	"testing"
	"time"

	"convoy/audit"
	"convoy/internal/testkit"
)

func now() time.Time { return time.Now() }

// withAudit gives a node an audit log.
func withAudit(t *testing.T, n *testNode) {
	t.Helper()
	log, err := audit.Open(audit.Config{Dir: t.TempDir(), Node: self})
	testkit.Must(t, err)
	t.Cleanup(func() {
		n.Close() // it writes what it has counted
		testkit.Must(t, log.Close())
	})
	n.sessions.Audit = log
}

// another opens another user's shell. While a user is at a limit, meanwhile checks that the other's keys are echoed,
// and that an admin can log in.
func (n *testNode) another(t *testing.T) (meanwhile func()) {
	t.Helper()
	_, term := n.open(t, n.client(t))
	return func() {
		t.Helper()
		testkit.Must(t, term.Type(testkit.Context(t), "keys of another"))
		testkit.Must(t, term.WaitFor(testkit.Context(t), "keys of another"))
		if status, _ := n.logInAs(t, "token", token); status != http.StatusSeeOther {
			t.Errorf("the admin logs in: %d", status)
		}
	}
}
