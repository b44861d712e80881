package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"convoy/cli"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// What a user does is recorded on the console that was asked and on the node that did it, with its result; the page
// shows both, and the command verifies the chain.
func TestAudit_NotesWhatIsDone(t *testing.T) {
	t.Parallel()
	dataA, dataB := t.TempDir(), t.TempDir()
	a, b := startByHand(t, "a.test", "-data", dataA), startByHand(t, "b.test", "-data", dataB)
	a.joins(t, b.at)
	s := actEverywhere(t, a, b.name)
	wants := []string{
		"action=shell.open",
		"action=eval",
		"action=run",
		"user=token:console role=admin",
		"target=" + b.name,
	}
	checkAuditLog(t, dataA, a, wants...)
	checkAuditLog(t, dataB, b, wants...)
	checkAuditLog(t, dataB, b,
		"action=shell.attach", s.ID, "exit 6", "exit 3", "action=convoy.shells.run", "/etc/hostname")

	page := get(t, a.Client, "/audit", "text/html")
	for _, want := range []string{
		"node.connect", "shell.open", "shell.attach", "node.spawn", "failed", "exit 6", "127.0.0.1",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var list []struct{ Action, Node, Addr string }
	testkit.Must(t, a.Client.Do(testkit.Context(t), http.MethodGet, "/nodes/"+b.name+"/audit", nil, &list))
	if len(list) < 4 || list[0].Node != b.name || list[0].Addr == "" {
		t.Errorf("the log of b, by a: %s", fmt.Sprint(list))
	}
}

// actEverywhere does on another node what is recorded: types, evaluates, runs, reads a file, and fails to spawn.
func actEverywhere(t *testing.T, a byHand, node string) client.Shell {
	t.Helper()
	ctx := testkit.Context(t)
	s, err := a.Client.Open(ctx, node)
	testkit.Must(t, err)
	terminal, err := a.Client.Attach(t.Context(), s, -1)
	testkit.Must(t, err)
	testkit.Must(t, terminal.Type(ctx, "echo secret$((1+1))\r"))
	testkit.Must(t, terminal.WaitFor(ctx, "secret2"))
	terminal.Close()
	eval := []byte(`{"source":"shells.run(node.self(), 'exit 6').status"}`)
	testkit.Must(t, a.Client.Do(ctx, http.MethodPost, "/nodes/"+node+"/eval", eval, nil))
	testkit.Must(t, a.Client.Do(ctx, http.MethodPost, "/nodes/"+node+"/run", []byte(`{"command":"exit 3"}`), nil))
	a.send(ctx, t, http.MethodGet, s.Path()+"/files?path=/etc/hostname", nil)
	if err := a.Client.Do(ctx, http.MethodPost, "/nodes", nil, nil); err == nil {
		t.Error("a node was spawned")
	}
	return s
}

// checkAuditLog checks that a node's log is sound, contains some texts, and nothing that was typed.
func checkAuditLog(t *testing.T, data string, node byHand, wants ...string) {
	t.Helper()
	var out strings.Builder
	dir := filepath.Join(data, "audit", strings.TrimPrefix(node.name, "convoy@"))
	if status := cli.Run(t.Context(), []string{"audit", "tail", dir}, testEnv(nil), nil, &out, &out); status != 0 {
		t.Errorf("audit tail: %d, %s", status, out.String())
	}
	for _, want := range wants {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log of %s lacks %q:\n%s", node.name, want, out.String())
		}
	}
	if strings.Contains(out.String(), "secret") {
		t.Error("what was typed is in the log")
	}
	verify := []string{"audit", "verify", "-data", data}
	if status := cli.Run(t.Context(), verify, testEnv(nil), nil, &out, &out); status != 0 {
		t.Errorf("audit verify: %d, %s", status, out.String())
	}
}
