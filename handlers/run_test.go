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
	all.Set("run", "mine")
	text, _ = a.text(t, 200, "POST", path, all.Encode(), form, asPage, byHTMX)
	text = a.runShows(t, path, text, `<div id="run-poll" hidden>`)
	for _, want := range []string{
		`id="mark-3" data-step="3" data-state="ok"`, "data-begun", "Step 3 finished on 2 nodes.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("for htmx without %s:\n%s", want, text)
		}
	}
}

// A page holds no request while its run is in progress: it asks for what is new, and gets the same again if an answer
// is lost. The end of the run is the last answer.
func TestRun_Progress(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	commands := waits{make(chan string, 1), make(chan string, 1)}
	n.Commands = commands
	path := n.bookOf(t, "sleep", "sleep") + "/run"
	begun := n.startRun(t, path)
	<-commands.began
	begun = n.runShows(t, path, begun, "step 1 is running")
	ask := `hx-get="` + strings.ReplaceAll(path, "&", "&amp;") + "/mine?after="
	for _, want := range []string{"step 1 is running", "data-begun", ask} {
		if !strings.Contains(begun, want) {
			t.Errorf("begun without %s:\n%s", want, begun)
		}
	}
	if again, _ := n.text(t, 200, "GET", path+"/mine?after=1", "", byHTMX); !strings.Contains(again, "step 1 is running") {
		t.Errorf("an answer is lost for good: %s", again)
	}
	if none, _ := n.text(t, 200, "GET", path+"/mine?after=99", "", byHTMX); strings.Contains(none, "step 1") {
		t.Errorf("what the page has is sent again: %s", none)
	}
	n.text(t, 400, "GET", path+"/mine?after=x", "")
	if other, _ := n.text(t, 200, "GET", path+"/other", "", byHTMX); !strings.Contains(other, "The run was interrupted.") {
		t.Errorf("an unknown run: %s", other)
	}
	n.text(t, 204, "DELETE", path+"/mine", "")
	<-commands.ended
	testkit.Eventually(t, "the end is there", func() bool {
		end, _ := n.text(t, 200, "GET", path+"/mine?after=2", "", byHTMX)
		return strings.Contains(end, "You stopped step 1.") && strings.Contains(end, `<div id="run-poll" hidden>`)
	})
	n.startRun(t, path) // its name is free again
	<-commands.began
}

// startRun starts a run by htmx, with the name "mine".
func (n *testNode) startRun(t *testing.T, path string) string {
	t.Helper()
	asked := url.Values{"nodes": {n.Self}, "run": {"mine"}}.Encode()
	text, _ := n.text(t, 200, "POST", path, asked, form, byHTMX)
	return text
}

// runShows asks for the progress of the run "mine" again until what its page gets has a text. On a busy machine, the
// first response may come before.
func (n *testNode) runShows(t *testing.T, path, text, want string) string {
	t.Helper()
	testkit.Eventually(t, "the run shows "+want, func() bool {
		if !strings.Contains(text, want) {
			text, _ = n.text(t, 200, "GET", path+"/mine?after=0", "", byHTMX)
		}
		return strings.Contains(text, want)
	})
	return text
}

// A run whose page asks no more is stopped, and another run has its place.
func TestRun_EndsWithItsPage(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	commands := waits{make(chan string, 1), make(chan string, 1)}
	n.Commands = commands
	n.runLease = time.Millisecond
	n.quotas.runs.PerUser = 1
	path := n.bookOf(t, "sleep") + "/run"
	for range 2 {
		testkit.Eventually(t, "a run begins", func() bool { // the one before may still have its place
			n.startRun(t, path)
			return len(commands.began) > 0
		})
		<-commands.began
		testkit.Next(t, commands.ended)
	}
}

// A run ends with the right of the login that started it, although no request of it is open.
func TestRun_EndsWithItsRight(t *testing.T) {
	t.Parallel()
	everyLoss(t, func(t *testing.T, x *rights, take func(), _ access.Role) {
		asked := url.Values{"nodes": {x.console.Self}, "run": {"mine"}}.Encode()
		x.console.request(t, "POST", x.console.bookOf(t, "sleep")+"/run", asked, form, byHTMX, x.eve)
		<-x.waits.began
		take()
		<-x.waits.ended
	})
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
