package handlers

import (
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
