package handlers

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// Each node of a request answers for itself, and has its own entry in the audit log.
func TestEach_OpensShells(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	withAudit(t, n)
	form := "nodes=" + self + "&nodes=" + self + "&nodes=convoy@nosuch.convoy.internal"
	answer := n.request(t, "POST", "/shells", form, bearer, "Content-Type: application/x-www-form-urlencoded")
	var got struct{ Results []eachResult }
	testkit.Must(t, json.NewDecoder(answer.Body).Decode(&got))
	statuses := map[string]int{}
	for _, one := range got.Results {
		statuses[one.Node] = one.Status
	}
	if len(got.Results) != 2 || statuses[self] != http.StatusCreated ||
		statuses["convoy@nosuch.convoy.internal"] != http.StatusNotFound {
		t.Errorf("results %+v", got.Results)
	}
	if list := n.Shells.List(); len(list) != 1 {
		t.Errorf("%d shells, want 1", len(list))
	}
	if e := n.ownAudit(auditQuery{words: "shell.open"}); len(e) != 2 {
		t.Errorf("%d entries in the audit log, want one for each node", len(e))
	}
	for _, bad := range []string{"", "nodes=" + strings.Repeat("x", maxEachForm)} {
		answer := n.request(t, "POST", "/shells", bad, bearer, "Content-Type: application/x-www-form-urlencoded")
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%.20q: %s", bad, answer.Status)
		}
	}
}
