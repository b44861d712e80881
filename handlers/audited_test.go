package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"convoy/audit"
)

// What cannot be noted is done all the same, and the node's own log has it.
func TestAudit_CannotBeWritten(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	log, err := audit.Open(audit.Config{Dir: t.TempDir(), Node: self})
	must(t, err)
	must(t, log.Close())
	n.Audit = log
	if answer := n.request(t, "POST", "/nodes/"+self+"/shells", "", bearer); answer.StatusCode != http.StatusCreated {
		t.Errorf("a shell opens: %s", answer.Status)
	}
	if lines := fmt.Sprint(
		n.Logs.Tail(3),
	); !strings.Contains(lines, "not in the audit log") ||
		!strings.Contains(lines, "shell.open") {
		t.Errorf("the node's log ends in %s", lines)
	}
}
