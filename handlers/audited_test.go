package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"convoy/audit"
	"convoy/internal/testkit"
)

// An action that cannot be recorded is done, and the node's own log reports that.
func TestAudit_CannotBeWritten(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	log, err := audit.Open(audit.Config{Dir: t.TempDir(), Node: self})
	testkit.Must(t, err)
	testkit.Must(t, log.Close())
	n.sessions.Audit = log
	if answer := n.request(t, "POST", "/nodes/"+self+"/shells", "", bearer); answer.StatusCode != http.StatusCreated {
		t.Errorf("a shell opens: %s", answer.Status)
	}
	if lines := fmt.Sprint(n.Logs.Tail(3)); !strings.Contains(lines, "not in the audit log") ||
		!strings.Contains(lines, "shell.open") {
		t.Errorf("the node's log ends in %s", lines)
	}
}
