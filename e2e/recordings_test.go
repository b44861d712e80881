package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"convoy/access"
	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/pty/cast"
)

// recordings asks a node for its recordings.
func (n *running) recordings(t *testing.T, node string) (list []struct {
	ID, State, By, Reason string
}) {
	t.Helper()
	testkit.Must(t, n.Do(testkit.Context(t), "GET", "/nodes/"+node+"/recordings", nil, &list))
	return list
}

// A shell of another node is recorded, downloaded and deleted through this one; each node has a directory of its own.
func TestRecordingOverTheHop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNode(t, nil, "-recordings", dir)
	made := n.spawnAlive(t)
	s, err := n.Open(testkit.Context(t), made.Name)
	testkit.Must(t, err)
	term, err := n.Attach(context.Background(), s, -1)
	testkit.Must(t, err)
	defer term.Close()
	testkit.Must(t, n.Do(testkit.Context(t), "POST", s.Path()+"/recording", nil, nil))
	n.until(t, "the list says that it is recorded", func(list []client.Node) bool {
		return len(list) == 2 && len(list[1].Shells) == 1 && list[1].Shells[0].Recording
	})
	testkit.Must(t, term.Type(testkit.Context(t), "seq 1 50000; echo re''corded\r"))
	testkit.Must(t, term.WaitFor(testkit.Context(t), "\nrecorded"))
	testkit.Must(t, n.Do(testkit.Context(t), "DELETE", s.Path()+"/recording", nil, nil))
	list := n.recordings(t, made.Name)
	if len(list) != 1 || list[0].State != "finished" || list[0].By != access.ConsoleToken ||
		len(n.recordings(t, "convoy")) != 0 {
		t.Fatalf("recordings %+v", list)
	}
	path := "/nodes/" + made.Name + "/recordings/" + list[0].ID
	r, err := http.NewRequest("GET", n.Base+path, nil)
	testkit.Must(t, err)
	r.Header.Set("Authorization", "Bearer "+n.Token)
	answer, err := n.HTTP.Do(r)
	testkit.Must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	testkit.Must(t, err)
	kept, err := os.ReadFile(filepath.Join(dir, made.Host, list[0].ID+".cast"))
	testkit.Must(t, err)
	if !bytes.Equal(body, kept) || answer.Header.Get("Content-Type") != "application/x-asciicast" ||
		!bytes.Contains(body, []byte("recorded")) {
		t.Errorf("%d bytes of %q came, %d are kept", len(body), answer.Header.Get("Content-Type"), len(kept))
	}
	testkit.Must(t, n.Do(testkit.Context(t), "DELETE", path, nil, nil))
	if list := n.recordings(t, made.Name); len(list) != 0 {
		t.Errorf("left: %+v", list)
	}
}

// With -record all spawned nodes record as well, and a node that stops ends its recordings whole.
func TestRecordAllOnEveryNode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNode(t, nil, "-recordings", dir, "-record", "all")
	made := n.spawnAlive(t)
	for _, node := range []string{"convoy", made.Name} {
		s, err := n.Open(testkit.Context(t), node)
		testkit.Must(t, err)
		if list := n.recordings(t, node); len(list) != 1 || list[0].State != "recording" || list[0].By != "-record all" {
			t.Errorf("recordings of %s: %+v", node, list)
		}
		var p *client.Problem
		if err := n.Do(testkit.Context(t), "DELETE", s.Path()+"/recording", nil, nil); !errors.As(err, &p) ||
			p.Status != 403 {
			t.Errorf("stopped what has to be recorded: %v", err)
		}
	}
	// A node that stops kills those that it spawned after some seconds, which a busy machine may take.
	testkit.Must(t, syscall.Kill(processOf(t, n, made.Name), syscall.SIGTERM))
	n.until(t, "the spawned node has ended", has(made.Name, "ended"))
	n.ended()
	for _, host := range []string{"convoy.convoy.internal", made.Host} {
		list, err := cast.Dir{Path: filepath.Join(dir, host)}.List()
		if testkit.Must(t, err); len(list) != 1 || list[0].State != cast.Finished || list[0].Reason != "the shell ended" {
			t.Errorf("after the stop %s has %+v", host, list)
		}
	}
}

// A node that is killed leaves a recording that can be read, and says that it was cut off.
func TestKilledNodeLeavesARecording(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNode(t, nil, "-recordings", dir, "-record", "all")
	made := n.spawnAlive(t)
	s, err := n.Open(testkit.Context(t), made.Name)
	testkit.Must(t, err)
	testkit.Must(t, n.Do(testkit.Context(t), "POST", s.Path()+"/input", []byte("echo la''st words\r"), nil))
	own := cast.Dir{Path: filepath.Join(dir, made.Host)}
	testkit.Eventually(t, "the words are on the disk", func() bool {
		list, err := own.List()
		testkit.Must(t, err)
		text, err := os.ReadFile(filepath.Join(own.Path, list[0].ID+".cast"))
		testkit.Must(t, err)
		return bytes.Contains(text, []byte(`last words\r\n`))
	})
	kill(t, pidOf(t, n.until(t, "it is alive", has(made.Name, "alive"))[1].ID))
	testkit.Eventually(t, "it is cut off", func() bool {
		list, err := own.List()
		testkit.Must(t, err)
		return list[0].State == cast.Cut
	})
}
