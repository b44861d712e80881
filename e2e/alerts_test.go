//go:build linux

package e2e

import (
	"net/http"
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
	hook, got := testkit.Hook[notify.Message](t)
	args := []string{"-notify", hook}
	if os.Geteuid() == 0 {
		args = append(args, "-system-user", "root") // whose pipe the shell reads
	}
	p, exe, data := startSupervised(t, args...)
	s, err := p.Open(testkit.Context(t), "convoy@super.test")
	testkit.Must(t, err)
	pipe := filepath.Join(t.TempDir(), "pipe")
	testkit.Must(t, syscall.Mkfifo(pipe, 0o600))
	p.enter(t, s, `sh -c 'read x; seq 300000; read line <`+pipe+`; echo need''le $line'`)
	testkit.Eventually(t, "the command runs", func() bool { return p.now(t, s).State.Doing == "running" })
	asked := p.alert(t, s, `{"command": true, "ends": true, "text": "^needle", "content": true}`)
	if !asked.Command || asked.Text != "^needle" {
		t.Fatalf("asked for %+v", asked)
	}
	p.enter(t, s, "") // more than the node keeps
	testkit.Eventually(t, "it has printed", func() bool { return p.now(t, s).End > 2_000_000 })

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
		m := testkit.Next(t, got)
		texts[m.Event] = m.Text
	}
	if texts["command"] != "sh" || texts["text"] != "needle 7" {
		t.Errorf("told of %v", texts)
	}

	node = p.anotherNode(t, node)
	testkit.Eventually(t, "only the end is left", func() bool {
		left := p.alert(t, s, "")
		return !left.Command && left.Text == "" && left.Ends
	})
	testkit.Must(t, syscall.Kill(node, syscall.SIGKILL))
	p.anotherNode(t, node)
	if left := p.alert(t, s, ""); left.Command || left.Text != "" || !left.Ends {
		t.Errorf("what remains is %+v", left)
	}
	p.enter(t, s, "exit 3")
	if m := testkit.Next(t, got); m.Event != "ends" || !strings.HasSuffix(m.Title, "has ended with code 3") {
		t.Errorf("told %+v", m)
	}
}

// A Convoy shell that evaluates when its node is killed has not finished.
func TestAlerts_EvaluationGoesOn(t *testing.T) {
	t.Parallel()
	hook, got := testkit.Hook[notify.Message](t)
	p, _, _ := startSupervised(t, "-notify", hook)
	var s client.Shell
	testkit.Must(t, p.Do(testkit.Context(t), http.MethodPost, "/nodes/convoy@super.test/shells",
		[]byte(`{"kind": "convoy"}`), &s))
	p.enter(t, s, "while True: pass\r")
	testkit.Eventually(t, "it evaluates", func() bool { return p.now(t, s).State.Doing == "running" })
	p.alert(t, s, `{"command": true}`)
	node := testkit.NodeOf(p.cmd.Process.Pid)
	testkit.Must(t, syscall.Kill(node, syscall.SIGKILL))
	p.anotherNode(t, node)
	testkit.Eventually(t, "it evaluates, as the next process knows", func() bool {
		now := p.now(t, s)
		return now.Busy != "" && now.State.Doing == "running"
	})
	if !p.alert(t, s, "").Command {
		t.Error("the end of the evaluation was reported before")
	}
	testkit.Must(t, p.Do(testkit.Context(t), http.MethodPost, s.Path()+"/input", []byte("\x03"), nil))
	if m := testkit.Next(t, got); m.Event != "command" {
		t.Errorf("told %+v", m)
	}
}

// enter types a line.
func (p process) enter(t *testing.T, s client.Shell, line string) {
	t.Helper()
	testkit.Must(t, p.Do(testkit.Context(t), http.MethodPost, s.Path()+"/input", []byte(line+"\r"), nil))
}

// shellNow is a shell and what it does.
type shellNow struct {
	client.Shell
	State struct{ Doing string }
}

// now is how the node lists a shell.
func (p process) now(t *testing.T, s client.Shell) (now shellNow) {
	t.Helper()
	var list []shellNow
	testkit.Must(t, p.Do(testkit.Context(t), http.MethodGet, "/nodes/"+s.Node+"/shells", nil, &list))
	for _, one := range list {
		if one.ID == s.ID {
			now = one
		}
	}
	return now
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
