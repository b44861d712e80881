package pty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"convoy/internal/testkit"
	"convoy/pty/cast"
	"convoy/pty/screen"
)

// recordings is a directory with limited room.
func recordings(t testing.TB, maxBytes int64) cast.Dir {
	return cast.Dir{Path: t.TempDir() + "/recordings", MaxBytes: maxBytes}
}

// openRecorded runs a script with sh in a table with recordings.
func openRecorded(t testing.TB, config Config, script string) (*Table, *Shell) {
	t.Helper()
	config.Programs, config.Node = programs("/bin/sh", "-c", script), "convoy@a.test"
	table := newTable(t, config)
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	return table, s
}

func record(t testing.TB, table *Table, s *Shell) string {
	t.Helper()
	summary, err := table.Record(s.id, "admin")
	if err != nil {
		t.Fatal(err)
	}
	return summary.ID
}

// replayed is the screen that a recording produces, and its events.
func replayed(t testing.TB, d cast.Dir, id string) (*screen.Screen, []cast.Event) {
	t.Helper()
	f, err := d.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := cast.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	terminal := screen.New(in.Header.Rows, in.Header.Cols, attachRows)
	var events []cast.Event
	for {
		e, err := in.Next()
		if errors.Is(err, io.EOF) {
			return terminal, events
		}
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
		switch e.Code {
		case cast.Output:
			terminal.Write([]byte(e.Data))
		case cast.Resize:
			var rows, cols int
			if _, err := fmt.Sscanf(e.Data, "%dx%d", &cols, &rows); err != nil {
				t.Fatal(err)
			}
			terminal.Resize(rows, cols)
		}
	}
}

// finished waits until no recording is being written, and returns the newest.
func finished(t testing.TB, d cast.Dir) (newest cast.Summary) {
	t.Helper()
	testkit.Eventually(t, "the recording has ended", func() bool {
		list, err := d.List()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if s.State != cast.Finished {
				return false
			}
		}
		if len(list) > 0 {
			newest = list[0]
		}
		return len(list) > 0
	})
	return newest
}

// A shell that is recorded from the middle of its life, floods, is resized, and ends: the recording shows the same
// screen and scrollback as the shell.
func TestRecordingIsTheScreen(t *testing.T) {
	d := recordings(t, 1<<30)
	table, s := openRecorded(t, Config{Recordings: d, Ring: 128 << 10}, `
		stty -echo; printf '\033[31mbefore é\033[0m\r\n\033[?2004h'; echo ready; read x
		seq 1 40000; printf 'mid \033[7mway'; echo; read x
		stty size; seq 1 300 | sed 's/^/🙂 漢 /'; printf '\033[5;5Hat the end\033[?25l'; exit 3`)
	v := watch(t, s, options{from: -1})
	v.see("ready")
	id := record(t, table, s)
	if !s.Info().Recording {
		t.Error("Info does not report the recording")
	}
	if _, err := table.Record(s.id, "another"); !errors.Is(err, ErrRecorded) {
		t.Errorf("recorded twice: %v", err)
	}
	testkit.Eventually(t, "the recording's beginning, before a flood takes its place", func() bool {
		f, err := d.Open(id)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		text, err := io.ReadAll(f)
		return err == nil && strings.Contains(string(text), "before")
	})
	typeIn(t, s, "\n")
	v.see("way")
	if err := s.Resize(Size{Rows: 30, Cols: 50}); err != nil {
		t.Fatal(err)
	}
	typeIn(t, s, "\n")
	v.exit()
	summary := finished(t, d)
	if summary.ID != id || summary.Reason != "the shell ended" || summary.Title != "sh" || summary.Shell != s.id ||
		summary.By != "admin" || summary.Node != "convoy@a.test" {
		t.Errorf("%+v", summary)
	}
	terminal, events := replayed(t, d, id)
	if got, want := string(terminal.SnapshotWithin(attachRows, 1<<20)), string(s.draw(attachRows)); got != want {
		t.Errorf("the recording shows\n%s\nthe shell\n%s", strings.Join(terminal.Text(), "\n"), strings.Join(s.Text(), "\n"))
	}
	if events[0].At != 0 || !strings.HasPrefix(events[0].Data, "\x18\x1bc") ||
		!strings.Contains(events[0].Data, "before é") {
		t.Errorf("it does not begin with the screen: %.80q", events[0].Data)
	}
	if last := events[len(events)-1]; last.Code != cast.Exit || last.Data != "3" {
		t.Errorf("its last event is %+v", last)
	}
	testkit.Eventually(t, "the shell is not recorded any more", func() bool { return !s.Info().Recording })
}

func TestRecordingIsStopped(t *testing.T) {
	d := recordings(t, 1<<30)
	table, s := openRecorded(t, Config{Recordings: d}, "cat")
	if _, err := table.StopRecording(s.id, "admin"); !errors.Is(err, ErrNotRecorded) {
		t.Errorf("stop without a recording: %v", err)
	}
	v := watch(t, s, options{from: -1})
	id := record(t, table, s)
	typeIn(t, s, "one\n")
	v.see("one\r\none")
	summary, err := table.StopRecording(s.id, "somebody")
	if err != nil || summary.ID != id || summary.State != cast.Finished || summary.Reason != "stopped by somebody" {
		t.Errorf("%+v, %v", summary, err)
	}
	typeIn(t, s, "two\n")
	v.see("two\r\ntwo")
	terminal, _ := replayed(t, d, id)
	if got := strings.Join(terminal.Text(), "\n"); strings.Contains(got, "two") {
		t.Errorf("what came after the stop is in it:\n%s", got)
	}
	if again := record(t, table, s); again == id {
		t.Error("the second recording has the id of the first")
	}
	if _, err := table.Record("nosuchshel", "admin"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such shell: %v", err)
	}
}

// Everything that was there before a stop is in the recording, even if it came in a burst.
func TestRecordingIsStopped_Whole(t *testing.T) {
	d := recordings(t, 1<<30)
	table, s := openRecorded(t, Config{Recordings: d}, "stty -echo; while read x; do echo a; echo $x-last; done")
	v := watch(t, s, options{from: -1})
	for i := range 40 {
		id := record(t, table, s)
		typeIn(t, s, fmt.Sprintf("%d\n", i))
		last := fmt.Sprintf("%d-last", i)
		v.see(last)
		if _, err := table.StopRecording(s.id, "admin"); err != nil {
			t.Fatal(err)
		}
		if terminal, _ := replayed(t, d, id); !strings.Contains(strings.Join(terminal.Text(), "\n"), last) {
			t.Fatalf("recording %d lacks %q", i, last)
		}
	}
}

// With RecordAll, every byte is recorded.
func TestRecordAll(t *testing.T) {
	d := recordings(t, 1<<30)
	table, s := openRecorded(t, Config{Recordings: d, RecordAll: true}, "echo first; seq 1 5000; kill -9 $$")
	watch(t, s, options{from: -1}).exit()
	if summary := finished(t, d); summary.By != policy {
		t.Errorf("%+v", summary)
	}
	_, events := replayed(t, d, finished(t, d).ID)
	var out strings.Builder
	for _, e := range events {
		if e.Code == cast.Output {
			out.WriteString(e.Data)
		}
	}
	if got, want := out.String(), "first\r\n"+lines(5000); got != want {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
	if last := events[len(events)-1]; last.Data != "137" {
		t.Errorf("its last event is %+v", last)
	}
	if _, err := table.Record(s.id, "admin"); !errors.Is(err, ErrEnded) {
		t.Errorf("record a shell that has ended: %v", err)
	}
	cat, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.StopRecording(cat.id, "admin"); !errors.Is(err, ErrPolicy) && !errors.Is(err, ErrNotRecorded) {
		t.Errorf("stop what has to be recorded: %v", err)
	}
}

func TestPolicyCannotBeStopped(t *testing.T) {
	table, s := openRecorded(t, Config{Recordings: recordings(t, 1<<30), RecordAll: true}, "cat")
	if _, err := table.StopRecording(s.id, "admin"); !errors.Is(err, ErrPolicy) {
		t.Errorf("stopped: %v", err)
	}
}

// A shell that must but cannot be recorded is not opened; one whose program cannot be started leaves the reason.
func TestPolicyWithoutRecording(t *testing.T) {
	table := newTable(t, Config{Programs: programs("/bin/sh"), RecordAll: true})
	if _, err := table.Open(size); !errors.Is(err, cast.ErrNoDir) || len(table.List()) != 0 {
		t.Errorf("opened: %v", err)
	}
	d := recordings(t, 1<<30)
	table = newTable(t, Config{Programs: programs("/no/such/program"), RecordAll: true, Recordings: d})
	if _, err := table.Open(size); err != nil {
		t.Fatal(err)
	}
	terminal, _ := replayed(t, d, finished(t, d).ID)
	if got := terminal.Text()[0]; !strings.Contains(got, "cannot start") {
		t.Errorf("the recording shows %q", got)
	}
}

// A recording that takes all the room ends with the reason; the shell continues.
func TestFullRecordingLeavesTheShell(t *testing.T) {
	d := recordings(t, 256<<10)
	table, s := openRecorded(t, Config{Recordings: d}, "read x; seq 1 100000; echo done; cat") // less than the ring
	v := watch(t, s, options{from: -1})
	id := record(t, table, s)
	typeIn(t, s, "\n")
	v.see("done")
	summary := finished(t, d)
	if summary.ID != id || !strings.Contains(summary.Reason, "full") || summary.Bytes > 400<<10 {
		t.Errorf("%+v", summary)
	}
	testkit.Eventually(t, "the shell is not recorded any more", func() bool { return !s.Info().Recording })
}

// A recorder that falls behind gets the screen, like every viewer, and marks the gap.
func TestRecorderFallsBehind(t *testing.T) {
	d := recordings(t, 1<<30)
	table, s := openRecorded(t, Config{Recordings: d, Ring: 64 << 10}, "read x; seq 1 100000; printf 'last words'; cat")
	v := watch(t, s, options{from: -1, name: "a-fast-viewer"})
	run, err := table.recorder(s, "admin", FromScreen) // it does not run yet: the slowest possible
	if err != nil {
		t.Fatal(err)
	}
	e, _ := s.recording.follower.next(context.Background())
	for ; e.Kind != Reset; e, _ = s.recording.follower.next(context.Background()) {
		s.recording.write(e, time.Now())
	}
	s.recording.write(e, time.Now())
	typeIn(t, s, "\n")
	v.see("last words")
	run()
	testkit.Eventually(t, "the recorder has caught up", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.recording.follower.acked == s.ring.end
	})
	summary, err := table.StopRecording(s.id, "admin")
	if err != nil {
		t.Fatal(err)
	}
	terminal, events := replayed(t, d, summary.ID)
	if got, want := strings.Join(terminal.Text(), "\n"), strings.Join(s.Text(), "\n"); got != want {
		t.Errorf("the recording shows\n%s\nthe shell\n%s", got, want)
	}
	marks := 0
	for _, e := range events {
		if e.Code == cast.Marker {
			marks++
		}
	}
	if marks != 1 {
		t.Errorf("%d marks where output was skipped, want 1", marks)
	}
}

// A full disk ends the recording, not the shell.
func TestRecordingIsInterrupted(t *testing.T) {
	d := recordings(t, 1<<30)
	table, s := openRecorded(t, Config{Recordings: d}, "cat")
	record(t, table, s)
	if err := os.RemoveAll(d.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := table.StopRecording(s.id, "admin"); err != nil {
		t.Error(err)
	}
	if _, err := table.Record(s.id, "admin"); err != nil { // the directory is created again
		t.Error(err)
	}
	if !s.Info().Running {
		t.Error("the shell has ended")
	}
}
