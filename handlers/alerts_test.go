package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"convoy/access"
	"convoy/internal/testkit"
	"convoy/notify"
	"convoy/pty"
	"convoy/templates"
)

// postsTo makes a node post to a real server, and returns what that gets.
func postsTo(t *testing.T, n *testNode) <-chan notify.Message {
	t.Helper()
	url, got := testkit.Hook[notify.Message](t)
	target, err := notify.ParseTarget(url)
	testkit.Must(t, err)
	sender := notify.New(target, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		sender.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	n.alerts.Send, n.alerts.Rest = sender.Send, 0
	return got
}

// A user is told that a shell waits, that its command ends, that a text appears, and that the shell ends: in the words
// of the program only if they ask for that.
func TestAlerts(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/bash", "--norc", "-i")
	got := postsTo(t, n)
	s, err := n.client(t).Open(testkit.Context(t), self)
	testkit.Must(t, err)
	ask := func(body string) {
		t.Helper()
		if answer := n.request(t, "POST", s.Path()+"/alert", body, bearer); answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", body, answer.Status)
		}
	}
	enter := func(line string) {
		t.Helper()
		n.request(t, "POST", s.Path()+"/input", line+"\r", bearer)
	}
	ask(`{"waits": true, "command": true, "ends": true, "text": "^needle \\d$", "content": true}`)
	enter(`sh -c 'echo need''le 7; printf "Con""tinue? [y/N] "; read answer'`)
	texts := map[string]string{}
	for range 2 {
		m := testkit.Next(t, got)
		texts[m.Event] = m.Text
		if m.Node != self || m.Shell != s.ID || m.User != "token:console" || !strings.HasPrefix(m.Title, "bash on convoy ") {
			t.Errorf("message %+v", m)
		}
	}
	if texts["text"] != "needle 7" || texts["waits"] != "Continue? [y/N]" {
		t.Errorf("told of %v", texts)
	}
	enter("y")
	if m := testkit.Next(t, got); m.Event != "command" || m.Text != "sh" {
		t.Errorf("the end of a command is %+v", m)
	}
	ask(`{"waits": true, "ends": true}`)
	enter(`printf '\033]0;secret\a'; sh -c 'printf "secret? "; read answer'`)
	if m := testkit.Next(t, got); m.Event != "waits" || strings.Contains(m.Title+m.Text, "secret") {
		t.Errorf("without content, the message is %+v", m)
	}
	enter("y")
	enter("exit 3")
	if m := testkit.Next(t, got); m.Event != "ends" || !strings.HasSuffix(m.Title, "has ended with code 3") {
		t.Errorf("the end of the shell is %+v", m)
	}
}

// Alerts are bounded, are their user's own, end with the user's rights, and cost patterns of a bounded price.
func TestAlerts_Bounds(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	s, err := n.client(t).Open(testkit.Context(t), self)
	testkit.Must(t, err)
	answer := n.request(t, "POST", s.Path()+"/alert", `{"waits": true}`, bearer)
	if answer.StatusCode != http.StatusConflict {
		t.Errorf("without an address: %s", answer.Status)
	}
	got := postsTo(t, n)
	for _, bad := range []string{`{"text": "("}`, `{"text": "(a{1000}){9}"}`, `{"url": "http://127.0.0.1/"}`} {
		if answer := n.request(t, "POST", s.Path()+"/alert", bad, bearer); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", bad, answer.Status)
		}
	}
	shell, err := n.Shells.Get(s.ID)
	testkit.Must(t, err)
	gone := access.Identity{User: "eve", Role: access.Admin, Home: self}
	testkit.Must(t, n.alerts.Set(n.ctx, shell, gone, templates.Alert{Text: "hello"}))
	n.request(t, "POST", s.Path()+"/alert", `{"text": "hello"}`, bearer)
	n.request(t, "POST", s.Path()+"/input", "hello\r", bearer)
	if m := testkit.Next(t, got); m.User != "token:console" || m.Text != "" {
		t.Errorf("told %+v", m)
	}
	n.request(t, "DELETE", s.Path(), "", bearer)
	n.cancel()
	n.alerts.Wait()
	if len(got) > 0 {
		t.Errorf("a user without rights was told %+v", <-got)
	}
}

// A program that rings all the time calls its user once, and its end is reported at once.
func TestAlerts_Rings(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/bash", "--norc", "-i")
	got := postsTo(t, n)
	n.alerts.Rest = time.Hour
	s, err := n.client(t).Open(testkit.Context(t), self)
	testkit.Must(t, err)
	shell, err := n.Shells.Get(s.ID)
	testkit.Must(t, err)
	dir := t.TempDir() // one for each bell: the end of one line is not that of the next
	for i := range 3 {
		testkit.Must(t, syscall.Mkfifo(filepath.Join(dir, fmt.Sprint(i)), 0o600))
	}
	n.request(t, "POST", s.Path()+"/alert", `{"waits": true, "ends": true}`, bearer)
	// the first bell must not be the answer to a key
	rings := `sleep 0.5; for i in 0 1 2; do printf '\a'; read it <` + dir + `/$i; done; exit` + "\r"
	n.request(t, "POST", s.Path()+"/input", rings, bearer)
	if m := testkit.Next(t, got); m.Event != "waits" {
		t.Errorf("told %+v, want that it waits", m)
	}
	var since time.Time
	for i := range 3 {
		testkit.Eventually(t, "it has rung again", func() bool {
			state := shell.State()
			if state.Doing != pty.Waiting || !state.Since.After(since) {
				return false
			}
			since = state.Since
			return true
		})
		testkit.Must(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte("go on\n"), 0))
	}
	if m := testkit.Next(t, got); m.Event != "ends" {
		t.Errorf("told %+v, want that it ends", m)
	}
}
