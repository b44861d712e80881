package e2e

import (
	"convoy/cli"
	"convoy/internal/testkit"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// What somebody does is noted on the console that was asked and on the node that did it, with what came of it; the page
// shows both, and the command finds the chain sound.
func TestAudit_NotesWhatIsDone(t *testing.T) {
	t.Parallel()
	dataA, dataB := t.TempDir(), t.TempDir()
	a, b := startByHand(t, "a.test", "-data", dataA), startByHand(t, "b.test", "-data", dataB)
	if answer := a.connect(t, b.at); !answer.Connected {
		t.Fatal(answer.Reason)
	}
	nameB := b.name
	s, err := a.Client.Open(testkit.Context(t), nameB)
	testkit.Must(t, err)
	terminal, err := a.Client.Attach(t.Context(), s, -1)
	testkit.Must(t, err)
	testkit.Must(t, terminal.Type(testkit.Context(t), "echo secret$((1+1))\r"))
	testkit.Must(t, terminal.WaitFor(testkit.Context(t), "secret2"))
	terminal.Close()
	testkit.Must(
		t,
		a.Client.Do(
			testkit.Context(t),
			http.MethodPost,
			"/nodes/"+nameB+"/eval",
			[]byte(`{"source":"shells.run(node.self(), 'exit 6').status"}`),
			nil,
		),
	)
	testkit.Must(
		t,
		a.Client.Do(testkit.Context(t), http.MethodPost, "/nodes/"+nameB+"/run", []byte(`{"command":"exit 3"}`), nil),
	)
	a.send(testkit.Context(t), t, http.MethodGet, s.Path()+"/files?path=/etc/hostname", nil)
	if err := a.Client.Do(testkit.Context(t), http.MethodPost, "/nodes", nil, nil); err == nil {
		t.Error("a node was made")
	}
	for data, node := range map[string]byHand{dataA: a, dataB: b} {
		var out strings.Builder
		dir := filepath.Join(data, "audit", strings.TrimPrefix(node.name, "convoy@"))
		if status := cli.Run(t.Context(), []string{"audit", "tail", dir}, testEnv(nil), nil, &out, &out); status != 0 {
			t.Errorf("audit tail: %d, %s", status, out.String())
		}
		wants := []string{
			"action=shell.open",
			"action=eval",
			"action=run",
			"user=token:console role=admin",
			"target=" + nameB,
		}
		if node.name == nameB { // who does it knows what it is
			wants = append(wants, "action=shell.attach", s.ID, "exit 6", "exit 3", "action=convoy.shells.run", "/etc/hostname")
		}
		for _, want := range wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the log of %s lacks %q:\n%s", node.name, want, out.String())
			}
		}
		if strings.Contains(out.String(), "secret") {
			t.Error("what was typed is in the log")
		}
		if status := cli.Run(
			t.Context(),
			[]string{"audit", "verify", "-data", data},
			testEnv(nil),
			nil,
			&out,
			&out,
		); status != 0 {
			t.Errorf("audit verify: %d, %s", status, out.String())
		}
	}
	page := get(t, a.Client, "/audit", "text/html")
	for _, want := range []string{"node.connect", "shell.open", "shell.attach", "node.spawn", "failed", "exit 6",
		"127.0.0.1"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var list []struct{ Action, Node, Addr string }
	testkit.Must(t, a.Client.Do(testkit.Context(t), http.MethodGet, "/nodes/"+nameB+"/audit", nil, &list))
	if len(list) < 4 || list[0].Node != nameB || list[0].Addr == "" {
		t.Errorf("the log of b, by a: %s", fmt.Sprint(list))
	}
}
