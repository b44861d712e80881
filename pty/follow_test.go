package pty

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"convoy/internal/testkit"
)

func TestOutputIsExactFromAnyOffset(t *testing.T) {
	t.Parallel()
	s := run(t, "seq 1 20000")
	want := lines(20000)
	first := watch(t, s, options{})
	if exit := first.exit(); exit != (Exit{}) {
		t.Fatalf("ended with %v", exit)
	}
	if first.output() != want {
		t.Fatalf("output differs: %d bytes, want %d", len(first.output()), len(want))
	}
	random := rand.New(rand.NewPCG(1, 2))
	offsets := []int64{0, 1, int64(len(want)) - 1, int64(len(want))}
	for range 20 {
		offsets = append(offsets, random.Int64N(int64(len(want))))
	}
	for _, off := range offsets {
		v := watch(t, s, options{name: fmt.Sprint("from-", off), from: off})
		v.exit()
		if v.output() != want[off:] {
			t.Errorf("output from %d differs", off)
		}
		if kinds := v.kinds(); strings.Contains(kinds, "reset") {
			t.Errorf("from %d: %s", off, kinds)
		}
	}
}

func TestFollowBeginsWithResetWhereItMust(t *testing.T) {
	t.Parallel()
	s := run(t, "echo hello")
	watch(t, s, options{name: "waits"}).exit()
	for from, want := range map[int64]string{
		-1: "reset resize output exited", FromScreen: "resize reset exited", -100: "resize reset exited", 8: "resize reset " +
			"exited", 1 << 40: "resize reset exited",
	} {
		v := watch(t, s, options{name: fmt.Sprint("from", from), from: from})
		v.exit()
		if got := v.kinds(); got != want {
			t.Errorf("from %d: events %s, want %s", from, got, want)
		}
		if v.shows(); !strings.HasPrefix(v.text(), "hello") {
			t.Errorf("from %d: shows %q", from, v.text())
		}
	}
}

// A late viewer sees exactly what early ones see: a full-screen program's screen, its modes, and new output.
func TestLateViewerSeesTheScreen(t *testing.T) {
	t.Parallel()
	first, openFirst := gate(t)
	second, openSecond := gate(t)
	s := run(
		t,
		`seq 1 100; printf '\033[?1049h\033[2J\033[5;10H\033[1;31mred\033[3;8r'; read x < `+first+`; printf 'more\033[m `+
			`plain'; read y < `+second,
	)
	early := watch(t, s, options{name: "early"})
	early.see("red")
	late := watch(t, s, options{name: "late", from: FromScreen})
	late.until("the screen", func(events []Event) bool { return len(events) >= 2 })
	openFirst()
	late.see("more")
	openSecond()
	early.exit()
	late.exit()
	early.shows()
	late.shows()
	if got := late.kinds(); got != "resize reset output exited" {
		t.Errorf("late viewer's events: %s", got)
	}
}

// Terminal queries get one reply, with any number of viewers.
func TestQueriesAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	for _, viewers := range []int{0, 3} {
		path, openGate := gate(t)
		s := run(
			t,
			`stty raw -echo; read x < `+path+`; printf 'ab\033[6n'; head -c 6 | od -An -c; printf '\033[c'; head -c 3 | od `+
				`-An -c; stty sane; exit 5`,
		)
		for i := range viewers {
			watch(t, s, options{name: fmt.Sprint("viewer", i), types: true})
		}
		openGate()
		v := watch(t, s, options{name: "last"})
		if exit := v.exit(); exit.Code != 5 {
			t.Errorf("%d viewers: %+v", viewers, exit)
		}
		if !strings.Contains(v.output(), "033   [   1   ;   3   R") || !strings.Contains(v.output(), "033   [   ?") {
			t.Errorf("%d viewers: the answers are %q", viewers, v.output())
		}
	}
}

func TestFollowBeginsAtOldestLineKept(t *testing.T) {
	t.Parallel()
	const ringBytes = 64 << 10
	table := newTable(t, Config{Programs: programs("/bin/sh", "-c", "seq 1 50000"), Ring: ringBytes})
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	watch(t, s, options{name: "waits"}).exit()
	want := lines(50000)
	all := watch(t, s, options{name: "all", from: -1})
	all.exit()
	got := all.output()
	if all.kinds() != "reset resize output exited" || !strings.HasSuffix(want, "\n"+got) {
		t.Errorf("from -1: events %s, output %.20q", all.kinds(), got)
	}
	if lost := ringBytes - len(got); lost > len("50000\r\n") || all.all()[0].Off != int64(len(want)-len(got)) {
		t.Errorf("from -1: %d of the bytes kept not shown, %v", lost, all.all()[0])
	}
	for _, from := range []int64{0, s.Info().End - ringBytes - 1} {
		v := watch(t, s, options{name: fmt.Sprint("from", from), from: from})
		if v.exit(); v.kinds() != "resize reset exited" {
			t.Errorf("from %d, which is not kept: events %s", from, v.kinds())
		}
		v.shows()
	}
	from := s.Info().End - ringBytes
	v := watch(t, s, options{name: "oldest", from: from})
	if v.exit(); v.kinds() != "resize output exited" || v.output() != want[from:] {
		t.Errorf("from the oldest byte: events %s", v.kinds())
	}
}

func TestTwoViewersSeeTheSame(t *testing.T) {
	t.Parallel()
	s := run(t, "stty -echo; echo ready; exec cat")
	a := watch(t, s, options{name: "viewer-a", types: true})
	b := watch(t, s, options{name: "viewer-b"})
	a.see("ready\r\n")
	want := "ready\r\n"
	for i := range 50 {
		typeIn(t, s, fmt.Sprintf("line %d\r", i))
		want += fmt.Sprintf("line %d\r\n", i)
	}
	typeIn(t, s, "\x04")
	a.exit()
	b.exit()
	if a.output() != want || b.output() != want {
		t.Errorf("viewers saw %q and %q", a.output(), b.output())
	}
}

// gate is a named pipe: a script's `read x < gate` waits for open.
func gate(t *testing.T) (path string, open func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "gate")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, func() {
		if err := os.WriteFile(path, []byte("go\n"), 0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestViewerWithoutAckStopsAtWindow(t *testing.T) {
	t.Parallel()
	first, openFirst := gate(t)
	second, openSecond := gate(t)
	script := "read x < " + first + "; seq 1 60000; read x < " + second + "; seq 60001 400000; echo end" // 0.4 and 3 MB
	table := newTable(t, Config{Programs: programs("/bin/sh", "-c", script)})
	table.config.patience = testkit.Patience // the machine may be busy
	s, err := table.Open(size)
	testkit.Must(t, err)
	mute := watch(t, s, options{name: "mute", mute: true})
	alert := watch(t, s, options{name: "alert", types: true})
	openFirst()
	want := lines(400000) + "end\r\n"
	full := func([]Event) bool { return mute.bytes >= s.window }
	mute.until("a full window", full)
	if got := mute.output(); got != want[:s.window] {
		t.Fatalf("mute viewer has %d bytes, window is %d", len(got), s.window)
	}
	if got := mute.kinds(); got != "resize output" {
		t.Fatalf("mute viewer's events: %s", got)
	}
	openSecond()
	alert.exit() // no one is slowed
	if alert.output() != want {
		t.Errorf("the other viewer has %d bytes, want %d", len(alert.output()), len(want))
	}
	// It resumes, has lost its position, and gets the screen.
	mute.ack(int64(s.window))
	mute.exit()
	if got := mute.kinds(); got != "resize output reset exited" {
		t.Errorf("events after waking: %s", got)
	}
	if reset := mute.all()[2]; reset.Off != s.Info().End {
		t.Errorf("the screen is that of %d, the end is %d", reset.Off, s.Info().End)
	}
	mute.shows()
}

func TestStalledViewerIsDropped(t *testing.T) {
	t.Parallel()
	script := "seq 1 100000; exec sleep 1000" // more than a window, less than the ring
	table := newTable(t, Config{Programs: programs("/bin/sh", "-c", script), Stall: 50 * time.Millisecond})
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	var last Event
	var n int
	for e := range s.Follow(t.Context(), Viewer{ID: "viewer-that-stalls", CanType: true}, 0) {
		n += len(e.Bytes)
		last = e
	}
	if last.Kind != Stalled || n != defaultWindowBytes || last.Off != int64(n) {
		t.Errorf("after %d bytes the last event is %+v, want Stalled after %d", n, last, defaultWindowBytes)
	}
}

func TestSecondFollowEndsFirst(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/cat")
	first := watch(t, s, options{name: "same"})
	typeIn(t, s, "one\r")
	first.see("one\r\none\r\n")
	second := watch(t, s, options{name: "same", from: 10})
	<-first.ended
	typeIn(t, s, "two\r")
	second.see("two\r\ntwo\r\n")
	if got := first.output() + second.output(); got != "one\r\none\r\ntwo\r\ntwo\r\n" {
		t.Errorf("both saw %q", got)
	}
}

func TestFollowEndsWithContext(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/cat")
	v := watch(t, s, options{})
	v.until("first event", func(e []Event) bool { return len(e) > 0 })
	v.stop()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for event := range s.Follow(ctx, Viewer{ID: "v"}, 0) {
		t.Errorf("event %v after the context's end", event)
	}
	if len(s.followers) != 0 {
		t.Errorf("%d followers left", len(s.followers))
	}
}

func TestResizeHasAnOffset(t *testing.T) {
	t.Parallel()
	s := run(t, "stty -echo; echo ready; while read x; do stty size; done")
	live := watch(t, s, options{name: "live"})
	live.see("ready\r\n")
	sizes := []Size{{24, 80}, {30, 100}, {1, 1}, {1000, 1000}, {24, 80}}
	want := "resize 0 24×80|ready\r\n24 80\r\n|"
	var unseen []string // sizes that a fast viewer may see
	typeIn(t, s, "\r")
	live.see("ready\r\n24 80\r\n")
	for _, size := range sizes[1:] {
		at := s.Info().End
		if err := s.Resize(Size{2, 2}); err != nil { // at the same offset only the last counts
			t.Fatal(err)
		}
		if err := s.Resize(size); err != nil {
			t.Fatal(err)
		}
		typeIn(t, s, "\r")
		said := fmt.Sprintf("%d %d\r\n", size.Rows, size.Cols)
		live.until(said, func(events []Event) bool {
			return len(events) > 0 && strings.HasSuffix(string(events[len(events)-1].Bytes), said)
		})
		unseen = append(unseen, fmt.Sprintf("resize %d 2×2|", at), "")
		want += fmt.Sprintf("resize %d %d×%d|%s|", at, size.Rows, size.Cols, said)
	}
	between := strings.NewReplacer(unseen...)
	late := watch(t, s, options{name: "late"})
	late.until("all of it", func([]Event) bool { return late.bytes == live.bytes })
	if got := told(late); got != want {
		t.Errorf("late viewer was told\n%q, want\n%q", got, want)
	}
	if got := told(live); between.Replace(got) != want {
		t.Errorf("live viewer was told\n%q, want\n%q", got, want)
	}
	middle := watch(t, s, options{name: "middle", from: 20})
	middle.until("the rest", func([]Event) bool { return middle.bytes == live.bytes-20 })
	if got := told(middle); !strings.HasPrefix(got, "resize 20 30×100|") {
		t.Errorf("viewer from 20 was told %q", got)
	}
	if got := s.Info().Size; got != size {
		t.Errorf("size is %v", got)
	}
}

// told lists the sizes and the output of a view.
func told(v *view) string {
	var out strings.Builder
	for _, e := range v.all() {
		switch e.Kind {
		case Resize:
			fmt.Fprintf(&out, "resize %d %d×%d|", e.Off, e.Size.Rows, e.Size.Cols)
		case Output:
			fmt.Fprintf(&out, "%s|", e.Bytes)
		}
	}
	return out.String()
}

func TestRemoveEndsStalledFollow(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: programs("/bin/sh", "-c", "seq 1 100000")})
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	mute := watch(t, s, options{mute: true})
	mute.until("a full window", func([]Event) bool { return mute.bytes >= s.window })
	if err := table.Remove(t.Context(), s.id); err != nil {
		t.Fatal(err)
	}
	mute.exit()
}

func TestAckBeyondTheEnd(t *testing.T) {
	t.Parallel()
	s := run(t, "echo hello")
	watch(t, s, options{}).exit()
	v := watch(t, s, options{name: "v", mute: true})
	v.exit()
	for off, bad := range map[int64]bool{-1: false, 0: false, 7: false, 8: true} {
		for _, name := range []string{"v", "unknown"} {
			if err := s.Ack(name, off); (err != nil) != bad {
				t.Errorf("acknowledge %d by %s: %v", off, name, err)
			}
		}
	}
}
