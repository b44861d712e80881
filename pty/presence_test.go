package pty

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"convoy/internal/testkit"
)

// join attaches a viewer and waits for its presence.
func join(t *testing.T, s *Shell, id, name string, types bool) *view {
	t.Helper()
	v := watchAs(t, s, Viewer{ID: id, Name: name, CanType: types}, options{from: FromScreen})
	v.untilPresence("itself among those there", func(p Presence) bool { return p.You > 0 })
	return v
}

func names(p Presence) string {
	var all []string
	for _, v := range p.Viewers {
		word := map[bool]string{true: "types", false: "watches"}[v.Types]
		all = append(all, v.Name+" "+word)
	}
	return strings.Join(all, ", ")
}

func TestPresence_EveryoneSeesWhoIsThere(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/cat")
	grace := join(t, s, "watcher-0000000001", "Grace", false)
	ada := join(t, s, "typist-00000000002", "Ada", true)
	for _, v := range []*view{grace, ada} {
		v.untilPresence("both", func(p Presence) bool { return names(p) == "Ada types, Grace watches" && p.Count == 2 })
	}
	hidden := watchAs(t, s, Viewer{ID: "recorder", Hidden: true}, options{})
	n := int64(0)
	testkit.Eventually(t, "that Ada types", func() bool { // often enough, or it is over before it is seen
		testkit.Must(t, s.Input(t.Context(), ada.name, n, []byte("hi")))
		n++
		p := grace.presence()
		return p.Count == 2 && p.Viewers[0].Typing && !p.Viewers[1].Typing
	})
	hidden.see("hi")
	ada.stop()
	grace.untilPresence("that Ada has gone", func(p Presence) bool { return names(p) == "Grace watches" })
	if n := s.Info().Viewers; n != 1 {
		t.Errorf("Info counts %d viewers, want 1", n)
	}
}

// A crowd costs each member little: arrivals are reported together, and not everyone is listed.
func TestPresence_OfACrowdIsShort(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/cat")
	first := join(t, s, "first-000000000001", "first", true)
	for i := range 100 {
		watchAs(t, s, Viewer{ID: fmt.Sprintf("crowd-%012d", i)}, options{})
	}
	first.untilPresence("all", func(p Presence) bool { return p.Count == 101 })
	if p := first.presence(); len(p.Viewers) != maxPresent || p.Viewers[0].Name != "first" {
		t.Errorf("%d are named, the first is %q", len(p.Viewers), p.Viewers[0].Name)
	}
	if first.presences > 20 {
		t.Errorf("100 arrivals took %d events", first.presences)
	}
}

func TestViewOnlyMayNotType(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/cat")
	v := join(t, s, "watcher-0000000001", "", false)
	if err := s.Input(t.Context(), v.name, 0, []byte("x")); !errors.Is(err, ErrViewOnly) {
		t.Errorf("input of a view-only viewer: %v", err)
	}
	if err := s.Fit(v.name, Size{10, 20}, Take); !errors.Is(err, ErrViewOnly) {
		t.Errorf("fit of a view-only viewer: %v", err)
	}
	if got := s.Info().Size; got != size {
		t.Errorf("the size is %v", got)
	}
}

// The viewer that typed last, or pinned it, owns the size, and attaching changes nothing.
func TestFit_SizeHasOneOwner(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/cat")
	a, b := join(t, s, "typist-00000000001", "a", true), join(t, s, "typist-00000000002", "b", true)
	roomA, roomB := Size{30, 90}, Size{12, 40}
	n := map[*view]int64{}
	steps := []struct {
		does string
		by   *view
		ask  func(v *view) error
		want Size
		own  int
	}{
		{"a joins", a, fit(s, roomA, Offer), size, 0},
		{"b joins", b, fit(s, roomB, Offer), size, 0},
		{"a asks", a, fit(s, roomA, Take), roomA, 1},
		{"b asks, but a is there", b, fit(s, roomB, Take), roomA, 1},
		{"b types", b, typed(s, n), roomB, 2},
		{"a offers another", a, fit(s, Size{31, 91}, Offer), roomB, 2},
		{"b's window changes", b, fit(s, Size{13, 41}, Offer), Size{13, 41}, 2},
		{"a types", a, typed(s, n), Size{31, 91}, 1},
		{"b pins", b, fit(s, roomB, Pin), roomB, 2},
		{"a types", a, typed(s, n), roomB, 2},
		{"b lets go", b, fit(s, roomB, Unpin), roomB, 2},
		{"a types again", a, typed(s, n), Size{31, 91}, 1},
	}
	for _, step := range steps {
		if err := step.ask(step.by); err != nil {
			t.Fatalf("%s: %v", step.does, err)
		}
		if got := s.Info().Size; got != step.want {
			t.Fatalf("after %q the size is %v, want %v", step.does, got, step.want)
		}
		for _, v := range []*view{a, b} {
			v.untilPresence(step.does+": owner", func(p Presence) bool { return p.Owner == step.own })
		}
	}
	a.stop()
	if err := s.Fit(b.name, roomB, Take); err != nil {
		t.Fatal(err)
	}
	if got := s.Info().Size; got != roomB {
		t.Errorf("with a gone b gets %v, want %v", got, roomB)
	}
	if err := s.Fit(b.name, roomB, "grab"); !errors.Is(err, ErrBadClaim) {
		t.Errorf("unknown claim: %v", err)
	}
	if err := s.Fit(b.name, Size{0, 1}, Take); !errors.Is(err, ErrBadSize) {
		t.Errorf("no room: %v", err)
	}
}

func fit(s *Shell, room Size, claim Claim) func(*view) error {
	return func(v *view) error { return s.Fit(v.name, room, claim) }
}

func typed(s *Shell, n map[*view]int64) func(*view) error {
	return func(v *view) error {
		n[v]++
		return s.Input(context.Background(), v.name, n[v]-1, []byte("k"))
	}
}

// Resize by a script leaves no owner, and does not override a pin.
func TestResizeDoesNotPassAPin(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/cat")
	v := join(t, s, "typist-00000000001", "", true)
	if err := s.Fit(v.name, Size{20, 50}, Pin); err != nil {
		t.Fatal(err)
	}
	if err := s.Resize(Size{5, 10}); !errors.Is(err, ErrPinned) {
		t.Errorf("resize past a pin: %v", err)
	}
	v.stop()
	if err := s.Resize(Size{5, 10}); err != nil || s.Info().Size != (Size{5, 10}) {
		t.Errorf("resize after the pin's owner has gone: %v, size %v", err, s.Info().Size)
	}
}

// All viewers see a size at the same byte, whoever requested it.
func TestFit_ArrivesAtTheSameByteForAll(t *testing.T) {
	t.Parallel()
	s := run(t, "seq 1 30000; read x; seq 1 10")
	var views []*view
	for i := range 3 {
		v := watchAs(t, s, Viewer{ID: fmt.Sprintf("typist-%011d", i), CanType: true}, options{})
		v.untilPresence("itself", func(p Presence) bool { return p.You > 0 })
		views = append(views, v)
	}
	for i, v := range views {
		if err := s.Fit(v.name, Size{20 + i, 60 + i}, Pin); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range views {
		v.see("30000")
	}
	typeIn(t, s, "\r")
	marks := ""
	for i, v := range views {
		v.exit()
		sizes := map[int64]Size{} // where two come at the same byte, a viewer may be told of the second alone
		for _, e := range v.all() {
			if e.Kind == Resize {
				sizes[e.Off] = e.Size
			}
		}
		got := fmt.Sprint(sizes) // in the order of the offsets
		if i > 0 && got != marks {
			t.Errorf("viewer %d saw sizes at %s, the first at %s", i, got, marks)
		}
		marks = got
		v.shows()
	}
}

func TestInfo_TellsWhatRunsAndWhere(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/cwd"); err != nil {
		t.Skip("without /proc the state of a process is unknown")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, "/bin/sh", "-i")
	started := s.Info()
	if started.Title != "sh" || started.Busy != "" {
		t.Errorf("a new shell is %q and runs %q", started.Title, started.Busy)
	}
	typeIn(t, s, "cd "+dir+"; printf '\\033]0;build 7\\007'; cat\r")
	testkit.Eventually(t, "cat in the foreground", func() bool { return s.Info().Busy == "cat" })
	testkit.Eventually(t, "the title", func() bool { return s.Info().Title == "build 7" })
	info := s.Info()
	if info.Dir != dir || info.Title != "build 7" || info.Program != "sh" || !info.Active.After(started.Started) {
		t.Errorf("%+v, want directory %s and title build 7", info, dir)
	}
}

// A title changes the list, but a thousand titles are not a thousand changes.
func TestTable_TitleIsAChange(t *testing.T) {
	t.Parallel()
	table := newTable(
		t,
		Config{
			Programs: programs(
				"/bin/sh", "-c", `read x; i=0; while [ $i -lt 1000 ]; do printf '\033]2;t%d\007' $i; i=$((i+1)); done; read y`,
			),
		},
	)
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	changed := table.Changed()
	typeIn(t, s, "\r")
	changes := 0
	for late := time.After(testkit.Patience); table.List()[0].Title != "t999"; changes++ {
		select {
		case <-changed:
			changed = table.Changed()
		case <-late:
			t.Fatalf("the title is %q", table.List()[0].Title)
		}
	}
	if changes > 100 {
		t.Errorf("%d changes for 1000 titles", changes)
	}
	if changes == 0 { // the list came before the notification
		select {
		case <-changed:
		case <-time.After(testkit.Patience):
			t.Error("the title was not reported")
		}
	}
}

func TestTable_IdleShellsAreClosed(t *testing.T) {
	t.Parallel()
	idleShellsAreClosed(t, Config{})
}

// A recorder is a follower, but not a viewer.
func TestTable_IdleRecordedShellsAreClosed(t *testing.T) {
	t.Parallel()
	idleShellsAreClosed(t, Config{Recordings: recordings(t, 1<<30), RecordAll: true})
}

func idleShellsAreClosed(t *testing.T, config Config) {
	t.Helper()
	config.Programs, config.Idle = programs("/bin/cat"), 200*time.Millisecond
	table := newTable(t, config)
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	looked, v := openAndWatch(t, table)
	testkit.Eventually(
		t, "the end of the shell without viewers", func() bool { return !s.Info().Running && len(table.List()) == 1 },
	)
	if !looked.Info().Running {
		t.Error("a shell with a viewer was closed")
	}
	v.stop()
	testkit.Eventually(t, "the end of the other", func() bool { return len(table.List()) == 0 })
}

// openAndWatch opens a shell and attaches before it is idle for too long.
func openAndWatch(t *testing.T, table *Table) (*Shell, *view) {
	t.Helper()
	for {
		began := time.Now()
		s, err := table.Open(size)
		testkit.Must(t, err)
		v := watch(t, s, options{})
		v.until("it is attached", func(events []Event) bool { return len(events) > 0 })
		if time.Since(began) < table.config.Idle {
			return s, v
		}
		v.stop() // it may have been closed
	}
}

// A shell that is used again while an idle one before it is closed stays.
func TestTable_UsedWhileAnotherIsClosed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gate")
	testkit.Must(t, syscall.Mkfifo(path, 0o600))
	gate, err := os.OpenFile(path, os.O_RDWR, 0)
	testkit.Must(t, err)
	defer gate.Close()
	script := "trap 'echo hup' HUP; echo ready; until read it <&3; do :; done 3<" + path
	table := newTable(t, Config{Programs: append(programs("/bin/sh", "-c", script), Program{
		Kind: "other", Args: []string{"/bin/cat"},
	})})
	table.config.grace = testkit.Patience
	slow, err := table.Open(size)
	testkit.Must(t, err)
	other, err := table.OpenAt(OpenOptions{Kind: "other"}, size)
	testkit.Must(t, err)
	v := watchAs(t, slow, Viewer{ID: "not counted", Hidden: true}, options{})
	v.see("ready")
	table.config.Idle = time.Nanosecond
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		table.closeIdle(t.Context(), time.Now())
	}()
	v.see("hup")
	join(t, other, "typist-00000000001", "", true)
	_, err = gate.WriteString("\n")
	testkit.Must(t, err)
	<-closed
	if left := table.List(); len(left) != 1 || left[0].ID != other.id || !left[0].Running {
		t.Errorf("left are %+v", left)
	}
}

// The only viewer of a shell owns its size, so a shell that was last used on a phone fits the next window. Another one
// that joins, or leaves, changes nothing.
func TestFit_OnlyViewer(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/cat")
	has := func(when string, want Size) {
		t.Helper()
		if got := s.Info().Size; got != want {
			t.Errorf("%s the size is %v, want %v", when, got, want)
		}
	}
	offer := func(v *view, room Size) {
		t.Helper()
		testkit.Must(t, s.Fit(v.name, room, Offer))
	}
	a := join(t, s, "typist-00000000001", "a", true)
	offer(a, Size{30, 90})
	has("with one viewer", Size{30, 90})
	a.stop()
	has("without one", Size{30, 90})
	testkit.Must(t, s.Fit("typist-00000000002", Size{12, 40}, Offer)) // before it attaches
	has("before the next one attaches", Size{30, 90})
	b := join(t, s, "typist-00000000002", "b", true)
	has("with the next one", Size{12, 40})
	c := join(t, s, "typist-00000000003", "c", true)
	offer(c, Size{50, 150})
	watch := join(t, s, "watcher-0000000001", "w", false)
	has("when others join", Size{12, 40})
	b.stop()
	has("when the owner leaves", Size{12, 40})
	offer(c, Size{51, 151})
	has("when the window of the one who is left changes, beside a viewer that cannot type", Size{51, 151})
	watch.stop()
}
