package pty

import (
	"bytes"
	"context"
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

func TestMain(m *testing.M) {
	if os.Getenv(ignoredChildEnv) != "" {
		ignoredChild()
		return
	}
	goleak.VerifyTestMain(m)
}

var size = Size{Rows: 24, Cols: 80}

// newTable makes a table of program, which is closed with the test.
func newTable(t testing.TB, config Config) *Table {
	t.Helper()
	table := NewTable(config)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // no grace
		if err := table.Close(ctx); err != nil {
			t.Errorf("close table: %v", err)
		}
	})
	return table
}

// only is a table's programs if there is one.
func only(args ...string) []Program {
	return []Program{{Args: args, Env: []string{"PATH=" + os.Getenv("PATH"), "TERM=dumb", "PS1=$ ", "HOME=/", "ENV="}}}
}

// open runs program in a shell of its own table.
func open(t testing.TB, program ...string) *Shell {
	t.Helper()
	s, err := newTable(t, Config{Programs: only(program...)}).Open(size)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs a script of sh.
func run(t testing.TB, script string) *Shell {
	t.Helper()
	return open(t, "/bin/sh", "-c", script)
}

// how says how a view follows.
type how struct {
	name  string // "" is the test's own
	from  int64
	types bool
	mute  bool // never acknowledges
}

// view follows a shell in a goroutine of its own and keeps what it sees.
type view struct {
	t      testing.TB
	shell  *Shell
	name   string
	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	events  []Event // Output joined where it is contiguous
	bytes   int
	there   Presence
	met     int // how often that was told
	changed chan struct{}
}

// watch begins a view, which ends with the test.
func watch(t testing.TB, s *Shell, h how) *view {
	t.Helper()
	if h.name == "" {
		h.name = "viewer-" + t.Name()
	}
	return watchAs(t, s, Viewer{ID: h.name, Types: h.types}, h)
}

// watchAs is watch for a viewer of another name or right; h's name and right are not looked at.
func watchAs(t testing.TB, s *Shell, who Viewer, h how) *view {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	v := &view{t: t, shell: s, name: who.ID, cancel: cancel, ended: make(chan struct{}), changed: make(chan struct{})}
	go func() {
		defer close(v.ended)
		for event := range s.Follow(ctx, who, h.from) {
			if event.Kind == Present {
				v.meet(event.Presence)
				continue
			}
			v.add(event)
			if !h.mute {
				v.ack(drawnBy(event))
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
	v.bytes += int(drawnBy(event) - event.Off)
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

// meet notes who is there.
func (v *view) meet(p Presence) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.there = p
	v.met++
	close(v.changed)
	v.changed = make(chan struct{})
}

func (v *view) presence() Presence {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.there
}

// untilThere waits until ok says so of who is there.
func (v *view) untilThere(what string, ok func(Presence) bool) {
	v.t.Helper()
	v.until(what, func([]Event) bool { return ok(v.there) })
}

// until waits until ok says so of the events.
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
	event, searched := 0, 0 // what lies before was searched already
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

// exit waits for the end and says how it was.
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

// output is all output seen, joined.
func (v *view) output() string {
	var out strings.Builder
	for _, e := range v.all() {
		if e.Kind == Output {
			out.Write(e.Bytes)
		}
	}
	return out.String()
}

// text is what a terminal shows that was given all events.
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

// shows fails the test if the view shows something else than the shell's screen.
func (v *view) shows() {
	v.t.Helper()
	if got, want := v.text(), strings.Join(v.shell.Text(), "\n"); got != want {
		v.t.Errorf("viewer shows:\n%s\nthe shell's screen is:\n%s", got, want)
	}
}

// kinds are the events' kinds in a word each.
func (v *view) kinds() string {
	var out []string
	for _, e := range v.all() {
		out = append(out, [...]string{"output", "reset", "resize", "exited", "stalled"}[e.Kind])
	}
	return strings.Join(out, " ")
}

// typeIn types text and fails the test if that fails.
func typeIn(t testing.TB, s *Shell, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := s.Write(ctx, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// lines is what `seq 1 n` puts out on a terminal.
func lines(n int) string {
	var out []byte
	for i := 1; i <= n; i++ {
		out = strconv.AppendInt(out, int64(i), 10)
		out = append(out, '\r', '\n')
	}
	return string(out)
}
