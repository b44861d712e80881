package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/notify"
	"convoy/templates"
)

// What a user asked to be told of a shell outlives crashes and upgrades of its node. What ends while no node runs is
// reported by the next one, and nothing else is.
func TestAlerts_OutliveTheirNode(t *testing.T) {
	t.Parallel()
	got := make(chan notify.Message, 8)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m notify.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		got <- m
	}))
	t.Cleanup(hook.Close)
	args := []string{"-notify", hook.URL}
	if os.Geteuid() == 0 {
		args = append(args, "-system-user", "root") // whose pipe the shell reads
	}
	p, exe, data := startSupervised(t, args...)
	s, err := p.Open(testkit.Context(t), "convoy@super.test")
	testkit.Must(t, err)
	pipe := filepath.Join(t.TempDir(), "pipe")
	testkit.Must(t, syscall.Mkfifo(pipe, 0o600))
	p.enter(t, s, `sh -c 'read line <`+pipe+`; echo need''le $line'`)
	testkit.Eventually(t, "the command runs", func() bool { return p.doing(t, s) == "running" })
	asked := p.alert(t, s, `{"command": true, "ends": true, "text": "^needle", "content": true}`)
	if !asked.Command || asked.Text != "^needle" {
		t.Fatalf("asked for %+v", asked)
	}

	node := testkit.NodeOf(p.cmd.Process.Pid)
	upgrade(t, exe, data)
	node = p.anotherNode(t, node)
	testkit.Must(t, syscall.Kill(p.cmd.Process.Pid, syscall.SIGSTOP)) // the supervisor, which starts the next node
	testkit.Must(t, syscall.Kill(node, syscall.SIGKILL))
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	testkit.Must(t, err)
	_, err = writer.WriteString("7\n")
	testkit.Must(t, err)
	testkit.Must(t, writer.Close())
	testkit.Must(t, syscall.Kill(p.cmd.Process.Pid, syscall.SIGCONT))
	texts := map[string]string{}
	for range 2 {
		m := receive(t, got)
		texts[m.Event] = m.Text
	}
	if texts["command"] != "sh" || texts["text"] != "needle 7" {
		t.Errorf("told of %v", texts)
	}

	node = p.anotherNode(t, node)
	testkit.Must(t, syscall.Kill(node, syscall.SIGKILL))
	p.anotherNode(t, node)
	if left := p.alert(t, s, ""); left.Command || left.Text != "" || !left.Ends {
		t.Errorf("what remains is %+v", left)
	}
	p.enter(t, s, "exit 3")
	if m := receive(t, got); m.Event != "ends" || !strings.HasSuffix(m.Title, "has ended with code 3") {
		t.Errorf("told %+v", m)
	}
}

func receive(t *testing.T, got <-chan notify.Message) (m notify.Message) {
	t.Helper()
	select {
	case m = <-got:
	case <-testkit.Context(t).Done():
		t.Fatal("no message came")
	}
	return m
}

// enter types a line.
func (p process) enter(t *testing.T, s client.Shell, line string) {
	t.Helper()
	testkit.Must(t, p.Do(testkit.Context(t), http.MethodPost, s.Path()+"/input", []byte(line+"\r"), nil))
}

// doing is what the shell does.
func (p process) doing(t *testing.T, s client.Shell) string {
	t.Helper()
	var list []struct {
		ID    string
		State struct{ Doing string }
	}
	testkit.Must(t, p.Do(testkit.Context(t), http.MethodGet, "/nodes/"+s.Node+"/shells", nil, &list))
	for _, one := range list {
		if one.ID == s.ID {
			return one.State.Doing
		}
	}
	return ""
}

// alert replaces what the user is told of a shell, unless ask is empty, and returns it.
func (p process) alert(t *testing.T, s client.Shell, ask string) (now templates.Alert) {
	t.Helper()
	method := http.MethodPost
	if ask == "" {
		method = http.MethodGet
	}
	testkit.Must(t, p.Do(testkit.Context(t), method, s.Path()+"/alert", []byte(ask), &now))
	return now
}
