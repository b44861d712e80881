package handlers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"convoy/audit"
	"convoy/handlers/session"
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

// An answer that is cut off, as a download whose reader goes away, is recorded as one that failed.
func TestAudit_CutOff(t *testing.T) {
	t.Parallel()
	n := start(t)
	withAudit(t, n)
	cut := n.sessions.Recorded("file.download", func(w http.ResponseWriter, r *http.Request) error {
		session.Describe(r.Context(), "", "/srv/file")
		w.WriteHeader(http.StatusOK)
		panic(http.ErrAbortHandler)
	})
	func() {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Errorf("the connection is not cut: %v", v)
			}
		}()
		cut(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)) //nolint:errcheck // it panics
	}()
	want := "/srv/file: the answer was cut off"
	if e := n.ownAudit(auditQuery{}); len(e) != 1 || e[0].Result != audit.Failed || e[0].Detail != want {
		t.Errorf("audit log %+v, want one failed download with %q", e, want)
	}
}

// A query chooses entries that contain all its words, in either case, and have its result.
func TestAuditQuery(t *testing.T) {
	t.Parallel()
	e := audit.Entry{Node: "convoy@a", User: "ann", Role: "operator", Action: "shell.open", Result: audit.OK}
	for q, want := range map[auditQuery]bool{
		{}: true, {"ANN  shell.", ""}: true, {"operator", audit.OK}: true,
		{"ann bob", ""}: false, {"ann", audit.Refused}: false,
	} {
		if q.matches(e) != want {
			t.Errorf("%+v: chosen %v", q, !want)
		}
	}
}
