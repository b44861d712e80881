package handlers

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/internal/testkit"
)

// says is a system shell that prints a text, and fails for the command "false".
type says string

func (s says) Run(_ context.Context, _ access.Identity, command string) (Result, error) {
	if command == "false" {
		return Result{Status: 1, Output: "no"}, nil
	}
	return Result{Output: string(s) + " " + command}, nil
}

// bookOf gives a node a runbook of these commands, and returns its path.
func (n *testNode) bookOf(t *testing.T, commands ...string) string {
	t.Helper()
	n.runbooks.Dir = t.TempDir()
	text := ""
	for _, command := range commands {
		text += "```sh\n" + command + "\n```\n\n"
	}
	testkit.Must(t, os.WriteFile(filepath.Join(n.runbooks.Dir, "b & c.md"), []byte(text), 0o600))
	return "/runbooks/b%20&%20c"
}

// Steps run on two nodes by the console of one, for scripts, for a form without scripts and for htmx.
func TestRun_OnTwoNodes(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	a.Commands, b.Commands = says("one"), says("two")
	path := a.bookOf(t, "date", "false", "true") + "/run"
	all := url.Values{"nodes": {a.Self, b.Self}}
	var got struct{ Steps []stepResult }
	text, _ := a.text(t, 200, "POST", path, all.Encode(), form)
	testkit.Must(t, json.Unmarshal([]byte(text), &got))
	if len(got.Steps) != 2 || got.Steps[0].State != "ok" || got.Steps[1].State != "failed" ||
		got.Steps[0].Results[1].Output != "two date" || got.Steps[1].Results[0].Badge != "exit 1" {
		t.Errorf("for scripts: %s", text)
	}
	text, _ = a.text(t, 200, "POST", path, all.Encode(), form, asPage)
	for _, want := range []string{"<html", "<mark>one date</mark>", "<mark>two date</mark>", "2 nodes differ",
		"The same on 2 nodes", "Stopped at step 2: it failed on ", "Continue with step 3"} {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
			t.Errorf("the page has no %q:\n%s", want, text)
		}
	}
	all.Set("only", "3")
	text, _ = a.text(t, 200, "POST", path, all.Encode(), form, asPage, byHTMX)
	parts := strings.Split(text, "\x00")
	if len(parts) < 4 || !strings.Contains(parts[1], "step 3 is running") || parts[len(parts)-1] != "" ||
		!strings.Contains(parts[len(parts)-2], "Step 3 finished on 2 nodes.") {
		t.Errorf("for htmx: %q", parts)
	}
}

func TestRun_Refused(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	n.Commands = says("one")
	path := n.bookOf(t, "date")
	for query, status := range map[string]int{
		"from=0": 400, "from=2": 400, "only=x": 400, "version=old": 409, "run=r&nodes=nobody": 200, "": 200,
	} {
		n.text(t, status, "POST", path+"/run", query, form)
	}
	n.text(t, 404, "POST", "/runbooks/none/run", "", form)
	n.text(t, 204, "DELETE", path+"/run/none", "")
}

// A run is stopped by its login alone, and a second one of its name is refused meanwhile.
func TestRun_Stops(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	commands := waits{make(chan string, 1), make(chan string, 1)}
	n.Commands = commands
	path := n.bookOf(t, "sleep") + "/run"
	asked := url.Values{"nodes": {n.Self}, "run": {"mine"}}.Encode()
	text := make(chan string, 1)
	go func() {
		all, _ := n.text(t, 200, "POST", path, asked, form)
		text <- all
	}()
	<-commands.began
	n.request(t, "DELETE", path+"/mine", "", n.loggedIn(access.Admin, time.Hour)...) // another login's
	n.text(t, 409, "POST", path, asked, form)
	n.text(t, 204, "DELETE", path+"/mine", "")
	<-commands.ended
	if got := <-text; !strings.Contains(got, `"state":"stopped"`) {
		t.Errorf("stopped: %s", got)
	}
}
