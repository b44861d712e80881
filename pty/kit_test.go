package pty

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convoy/internal/testkit"
	"convoy/pty/screen"
)

// roles are what this binary is besides a test, by the variable that is set then.
var roles = map[string]func(){ignoredChildEnv: ignoredChild}

func TestMain(m *testing.M) {
	for env, role := range roles {
		if os.Getenv(env) != "" {
			role()
			return
		}
	}
	goleak.VerifyTestMain(m)
}

var size = Size{Rows: 24, Cols: 80}

// newTable returns a table of program, closed with the test.
func newTable(t testing.TB, config Config) *Table {
	t.Helper()
	table := NewTable(config)
	table.config.killTime = testkit.Patience
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // no grace period
		if err := table.Close(ctx); err != nil {
			t.Errorf("close table: %v", err)
		}
	})
	return table
}

// programs is the program list of a table; it may be empty.
func programs(args ...string) []Program {
	return []Program{{Args: args, Env: []string{"PATH=" + os.Getenv("PATH"), "TERM=dumb", "PS1=$ ", "HOME=/", "ENV="}}}
}

// open runs program in a shell of its own table.
func open(t testing.TB, program ...string) *Shell {
	t.Helper()
	s, err := newTable(t, Config{Programs: programs(program...)}).Open(size)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs a script with sh.
func run(t testing.TB, script string) *Shell {
	t.Helper()
	return open(t, "/bin/sh", "-c", script)
}

// options say how a view follows.
type options struct {
	name  string // "" is the test's name
	from  int64
	types bool
	mute  bool // never acknowledges
}

// view follows a shell in its own goroutine and records events.
type view struct {
	t      testing.TB
	shell  *Shell
	name   string
	cancel context.CancelFunc
	ended  chan struct{}

	mu        sync.Mutex
	events    []Event // adjacent Output is joined
	bytes     int
	there     Presence
	presences int // how often it was received
	changed   chan struct{}
}

// watch starts a view, which ends with the test.
func watch(t testing.TB, s *Shell, h options) *view {
	t.Helper()
	if h.name == "" {
		h.name = "viewer-" + t.Name()
	}
	return watchAs(t, s, Viewer{ID: h.name, CanType: h.types}, h)
}

// watchAs is watch for another viewer; h's name and right are ignored.
func watchAs(t testing.TB, s *Shell, viewer Viewer, h options) *view {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	v := &view{t: t, shell: s, name: viewer.ID, cancel: cancel, ended: make(chan struct{}), changed: make(chan struct{})}
	go func() {
		defer close(v.ended)
		for event := range s.Follow(ctx, viewer, h.from) {
			if event.Kind == Present {
				v.recordPresence(event.Presence)
				continue
			}
			v.add(event)
			if !h.mute {
				v.ack(drawnOffset(event))
			}
		}
	}()
	t.Cleanup(v.stop)
	return v
}

func (v *view) stop() {
	v.cancel()
	<-v.ended
}

func (v *view) ack(off int64) {
	if err := v.shell.Ack(v.name, off); err != nil {
		v.t.Errorf("acknowledge: %v", err)
	}
}

func (v *view) add(event Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if event.Kind == Output && len(event.Bytes) > chunkBytes {
		v.t.Errorf("event of %d bytes", len(event.Bytes))
	}
	v.bytes += int(drawnOffset(event) - event.Off)
	last := len(v.events) - 1
	if event.Kind == Output && last >= 0 && v.events[last].Kind == Output {
		if end := v.events[last].Off + int64(len(v.events[last].Bytes)); end != event.Off {
			v.t.Errorf("output jumps from %d to %d without a Reset", end, event.Off)
		}
		v.events[last].Bytes = append(v.events[last].Bytes, event.Bytes...)
	} else {
		v.events = append(v.events, event)
	}
	close(v.changed)
	v.changed = make(chan struct{})
}

// recordPresence records the viewers.
func (v *view) recordPresence(p Presence) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.there = p
	v.presences++
	close(v.changed)
	v.changed = make(chan struct{})
}

func (v *view) presence() Presence {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.there
}

// untilPresence waits until ok accepts the presence.
func (v *view) untilPresence(what string, ok func(Presence) bool) {
	v.t.Helper()
	v.until(what, func([]Event) bool { return ok(v.there) })
}

// until waits until ok accepts the events.
func (v *view) until(what string, ok func([]Event) bool) {
	v.t.Helper()
	late := time.After(testkit.Patience)
	for {
		v.mu.Lock()
		done, changed := ok(v.events), v.changed
		v.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late:
			v.t.Fatalf("%s: not seen in %v; output: %.400q", what, testkit.Patience, v.output())
		}
	}
}

// see waits for text in the output.
func (v *view) see(text string) {
	v.t.Helper()
	event, searched := 0, 0 // everything before was searched already
	v.until(text, func(events []Event) bool {
		for ; event < len(events); event, searched = event+1, 0 {
			out := events[event].Bytes
			if bytes.Contains(out[max(0, searched-len(text)):], []byte(text)) {
				return true
			}
			if searched = len(out); event == len(events)-1 {
				break // it may grow
			}
		}
		return false
	})
}

// exit waits for the end and returns the exit.
func (v *view) exit() Exit {
	v.t.Helper()
	select {
	case <-v.ended:
	case <-time.After(testkit.Patience):
		v.t.Fatalf("shell has not ended in %v; output: %.400q", testkit.Patience, v.output())
	}
	events := v.all()
	last := events[len(events)-1]
	if last.Kind != Exited {
		v.t.Fatalf("last event is %v, not Exited", last)
	}
	return last.Exit
}

func (v *view) all() []Event {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]Event(nil), v.events...)
}

// output is all output, joined.
func (v *view) output() string {
	var out strings.Builder
	for _, e := range v.all() {
		if e.Kind == Output {
			out.Write(e.Bytes)
		}
	}
	return out.String()
}

// text is what a terminal shows after all events.
func (v *view) text() string {
	terminal := screen.New(1, 1, 0)
	for _, e := range v.all() {
		switch e.Kind {
		case Resize:
			terminal.Resize(e.Size.Rows, e.Size.Cols)
		case Reset, Output:
			terminal.Write(e.Bytes)
		}
	}
	return strings.Join(terminal.Text(), "\n")
}

// shows fails the test if the view differs from the shell's screen.
func (v *view) shows() {
	v.t.Helper()
	if got, want := v.text(), strings.Join(v.shell.Text(), "\n"); got != want {
		v.t.Errorf("viewer shows:\n%s\nthe shell's screen is:\n%s", got, want)
	}
}

// kinds lists the events' kinds, one word each.
func (v *view) kinds() string {
	var out []string
	for _, e := range v.all() {
		out = append(out, [...]string{"output", "reset", "resize", "exited", "stalled"}[e.Kind])
	}
	return strings.Join(out, " ")
}

// typeIn writes text.
func typeIn(t testing.TB, s *Shell, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := s.Write(ctx, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// sendInput sends an input as a page does: again if its predecessor was late.
func sendInput(t testing.TB, s *Shell, viewer string, n int64, text string) error {
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	for {
		err := s.Input(ctx, viewer, n, []byte(text))
		if _, gap := errors.AsType[*GapError](err); !gap {
			return err
		}
	}
}

// lines is the output of `seq 1 n` on a terminal.
func lines(n int) string {
	var out []byte
	for i := 1; i <= n; i++ {
		out = strconv.AppendInt(out, int64(i), 10)
		out = append(out, '\r', '\n')
	}
	return string(out)
}
