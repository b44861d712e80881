package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"convoy/internal/testkit"
)

const largeFile = 256 << 20

// use is something that somebody does by their right: open begins it, and returns what is to hold when the right is
// lost.
type use struct {
	name string
	open func(t *testing.T, s *subject) (after func(t *testing.T))
	tick bool // it sends messages under its name all the while
}

var uses = []use{
	{name: "page", open: func(t *testing.T, s *subject) func(*testing.T) {
		s.does(t, 200, "GET", "/audit", "")
		return func(t *testing.T) { s.refused(t, "GET", "/audit", "") }
	}},
	{name: "stream", open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, _ := s.shell(t, s.far, "system", "")
		query := "?want=nodes&viewer=viewer-of-the-rights&shell=" + url.QueryEscape(shell.Key()+"@-1")
		return s.reads(t, "/stream"+query, "event: reset")
	}},
	{name: "follow", open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, _ := s.shell(t, s.console, "system", "")
		answer := s.send(t, s.console, "GET", "/stream?want=none&viewer=viewer-of-the-rights", "", "")
		line := make([]byte, 2048)
		n, err := answer.Body.Read(line)
		testkit.Must(t, err)
		_, id, _ := strings.Cut(string(line[:n]), `"stream":"`)
		id, _, _ = strings.Cut(id, `"`)
		path := "/streams/" + id + "/shells/" + shell.Key()
		s.does(t, 204, "POST", path, "")
		return func(t *testing.T) {
			io.Copy(io.Discard, answer.Body) //nolint:errcheck // until the stream ends
			answer := s.send(t, s.console, "POST", path, "", "")
			if answer.StatusCode < 400 {
				t.Errorf("follow: %s", answer.Status)
			}
		}
	}},
	{name: "input, and broadcast", open: func(t *testing.T, s *subject) func(*testing.T) {
		var afters []func(*testing.T)
		for _, node := range []byHand{s.console, s.far} {
			shell, term := s.shell(t, node, "system", "")
			s.types(t, shell, "echo before-$((1+1))\r")
			testkit.Must(t, term.WaitFor(testkit.Context(t), "before-2"))
			afters = append(afters, func(t *testing.T) {
				s.refused(t, "POST", shell.Path()+"/input", "echo taken-$((1+1))\r")
				testkit.Must(t, term.Type(testkit.Context(t), "echo later-$((1+1))\r"))
				testkit.Must(t, term.WaitFor(testkit.Context(t), "later-2"))
				if bytes.Contains(term.Bytes(), []byte("taken")) {
					t.Error("it was typed all the same")
				}
			})
		}
		return func(t *testing.T) {
			for _, after := range afters {
				after(t)
			}
		}
	}},
	{name: "pane-loop", tick: true, open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, term := s.shell(t, s.console, "convoy", "")
		testkit.Must(t, term.WaitFor(testkit.Context(t), ")>"))
		s.types(t, shell, s.ticks.loop(s.name+" pane-loop")+"\r")
		return func(t *testing.T) { testkit.Must(t, term.WaitFor(testkit.Context(t), s.says())) }
	}},
	{name: "far-pane-loop", tick: true, open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, term := s.shell(t, s.far, "convoy", "")
		testkit.Must(t, term.WaitFor(testkit.Context(t), ")>"))
		s.types(t, shell, s.ticks.loop(s.name+" far-pane-loop")+"\r")
		return func(t *testing.T) { testkit.Must(t, term.WaitFor(testkit.Context(t), s.says())) }
	}},
	{name: "pane that receives", open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, term := s.shell(t, s.console, "convoy", "")
		testkit.Must(t, term.WaitFor(testkit.Context(t), ")>"))
		s.types(t, shell, "print('it ' + 'waits'); receive()\r")
		testkit.Must(t, term.WaitFor(testkit.Context(t), "it waits"))
		return func(t *testing.T) { testkit.Must(t, term.WaitFor(testkit.Context(t), s.says())) }
	}},
	{name: "remote shell", open: func(t *testing.T, s *subject) func(*testing.T) {
		s.does(t, 200, "POST", "/api/shell", `{"fn":"node.self"}`)
		return func(t *testing.T) { s.refused(t, "POST", "/api/shell", `{"fn":"node.self"}`) }
	}},
	{name: "remote shell that receives", open: func(t *testing.T, s *subject) func(*testing.T) {
		return s.begins(t, "/api/shell", `{"fn":"receive"}`)
	}},
	{name: "share link", open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, term := s.shell(t, s.far, "system", "")
		var link struct{ URL string }
		testkit.Must(t, json.Unmarshal([]byte(s.made(t, s.console, shell.Path()+"/links", `{"right":"type"}`)), &link))
		const viewer = "?viewer=viewer-of-the-link-1"
		ends := s.reads(t, link.URL+"/stream"+viewer, "event: reset")
		s.does(t, 204, "POST", link.URL+"/input"+viewer+"&n=0", "echo before-$((1+1))\r")
		testkit.Must(t, term.WaitFor(testkit.Context(t), "before-2"))
		return func(t *testing.T) {
			ends(t)
			s.does(t, 410, "POST", link.URL+"/input"+viewer+"&n=1", "echo taken\r")
			s.does(t, 410, "GET", link.URL+"/stream"+viewer, "")
			s.does(t, 410, "GET", link.URL, "")
		}
	}},
	{name: "playback", open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, _ := s.shell(t, s.console, "system", "")
		var made struct{ ID string }
		testkit.Must(t, json.Unmarshal([]byte(s.made(t, s.console, shell.Path()+"/recording", "")), &made))
		s.does(t, 200, "DELETE", shell.Path()+"/recording", "")
		file := filepath.Join(s.recordings, strings.TrimPrefix(s.console.name, "convoy@"), made.ID+".cast")
		testkit.Must(t, os.Truncate(file, largeFile))
		return s.reads(t, "/nodes/"+s.console.name+"/recordings/"+made.ID, "version")
	}},
	{name: "download", open: func(t *testing.T, s *subject) func(*testing.T) {
		file := filepath.Join(t.TempDir(), "large")
		testkit.Must(t, os.WriteFile(file, nil, 0o644))
		testkit.Must(t, os.Truncate(file, largeFile))
		shell, _ := s.shell(t, s.far, "system", "")
		return s.reads(t, shell.Path()+"/files?path="+url.QueryEscape(file), "\x00")
	}},
	{name: "runbook step, run", open: func(t *testing.T, s *subject) func(*testing.T) {
		pipe := filepath.Join(t.TempDir(), "pipe")
		testkit.Must(t, syscall.Mkfifo(pipe, 0o600))
		run := fmt.Sprintf(`{"command":"while echo x; do sleep 0.05; done >%s"}`, pipe)
		ends := s.begins(t, "/nodes/"+s.far.name+"/run", run)
		in, err := os.OpenFile(pipe, os.O_RDONLY, 0)
		testkit.Must(t, err)
		t.Cleanup(func() { in.Close() })
		_, err = io.ReadFull(in, make([]byte, 4))
		testkit.Must(t, err)
		return func(t *testing.T) {
			ends(t)
			testkit.Must(t, in.SetDeadline(time.Now().Add(testkit.Patience)))
			if _, err := io.Copy(io.Discard, in); err != nil { // until nobody has its other end
				t.Errorf("the command continues: %v", err)
			}
		}
	}},
	{name: "eval-loop", tick: true, open: func(t *testing.T, s *subject) func(*testing.T) {
		return s.evaluates(t, s.ticks.loop(s.name+" eval-loop"))
	}},
	{name: "rpc-loop", tick: true, open: func(t *testing.T, s *subject) func(*testing.T) {
		shell, term := s.shell(t, s.console, "convoy", "")
		testkit.Must(t, term.WaitFor(testkit.Context(t), ")>"))
		s.types(t, shell, fmt.Sprintf("rpc.eval(%q, %q, timeout=3600)\r", s.far.name, s.ticks.loop(s.name+" rpc-loop")))
		return func(t *testing.T) { testkit.Must(t, term.WaitFor(testkit.Context(t), s.says())) }
	}},
}
