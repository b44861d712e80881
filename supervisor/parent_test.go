//go:build linux

package supervisor

import (
	"io"
	"os"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// Each node of a spawned supervisor reads the parent's line, the first one reports, and the parent's end ends all.
func TestSpawned(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1", SpawnedFlag)
	in, err := s.cmd.StdinPipe()
	testkit.Must(t, err)
	ready, out, err := os.Pipe()
	testkit.Must(t, err)
	s.cmd.ExtraFiles = []*os.File{out}
	testkit.Must(t, s.cmd.Start())
	t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	out.Close()
	line := strings.Repeat("x", 30<<10)
	_, err = io.WriteString(in, line[:9])
	testkit.Must(t, err)
	_, err = io.WriteString(in, line[9:]+"\n")
	testkit.Must(t, err)
	text, err := io.ReadAll(ready)
	if err != nil || string(text) != "ready\n" {
		t.Fatalf("reported %q, %v", text, err)
	}
	testkit.Eventually(t, "the node serves", func() bool { _, err := s.try("state"); return err == nil })
	for range 3 {
		s.kill(t)
		if got := strings.Fields(s.ask(t, "state"))[3]; got != line {
			t.Errorf("the node has %d bytes of the line, want %d", len(got), len(line))
		}
	}
	pid := s.node(t)
	testkit.Must(t, in.Close())
	if status := s.ended(); status != 0 || runs(pid) {
		t.Errorf("after the parent's end: status %d", status)
	}
}

func TestSpawned_WithoutParent(t *testing.T) {
	t.Parallel()
	s := prepare(t, "1", SpawnedFlag) // descriptor 3 is closed
	testkit.Must(t, s.cmd.Start())
	if status := s.ended(); status != 1 || !strings.Contains(s.text(), "leave it out") {
		t.Errorf("without descriptor 3: status %d, %q", status, s.text())
	}
	s = prepare(t, "1", SpawnedFlag)
	in, err := s.cmd.StdinPipe()
	testkit.Must(t, err)
	s.cmd.ExtraFiles = []*os.File{os.Stderr}
	testkit.Must(t, s.cmd.Start())
	testkit.Must(t, in.Close())
	if status := s.ended(); status != 0 { // the test's node ends when its input does
		t.Errorf("without a line: status %d", status)
	}
}
