package handlers

import (
	"net/http"
	"testing"
	"time"

	"convoy/audit"
)

func now() time.Time { return time.Now() }

// withAudit gives a node an audit log.
func withAudit(t *testing.T, n *testNode) {
	t.Helper()
	log, err := audit.Open(audit.Config{Dir: t.TempDir(), Node: self})
	must(t, err)
	t.Cleanup(func() {
		n.Close() // it writes what it has counted
		must(t, log.Close())
	})
	n.Audit = log
}

// another opens a shell of another user's. What it returns has their keys echoed, and an admin log in: while somebody
// is at a limit.
func (n *testNode) another(t *testing.T) (meanwhile func()) {
	t.Helper()
	_, term := n.open(t, n.client(t))
	return func() {
		t.Helper()
		must(t, term.Type(soon(t), "keys of another"))
		must(t, term.WaitFor(soon(t), "keys of another"))
		if status, _ := n.logInAs(t, "token", token); status != http.StatusSeeOther {
			t.Errorf("the admin logs in: %d", status)
		}
	}
}
