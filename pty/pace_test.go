package pty

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"convoy/internal/testkit"
)

// A viewer that can type sees every byte of a flood, even if it draws slower than the program prints.
func TestTypingViewerSeesWholeFlood(t *testing.T) {
	t.Parallel()
	script := "stty -echo; echo ready; read x; seq 1 600000" // 4.7 MB, the ring holds 1
	table := newTable(t, Config{Programs: programs("/bin/sh", "-c", script)})
	table.config.patience = testkit.Patience // this test may draw slower than any viewer
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	watch(t, s, options{name: "watcher"}).see("ready\r\n")
	want := "ready\r\n" + lines(600000)
	var got []byte
	for event := range s.Follow(t.Context(), Viewer{ID: "typist", CanType: true}, 0) {
		switch event.Kind {
		case Reset:
			t.Fatalf("reset at %d", event.Off)
		case Resize:
			typeIn(t, s, "\r") // it follows: start
		case Output:
			got = append(got, event.Bytes...)
			for range 300 {
				sha256.Sum256(event.Bytes) // drawing takes time
			}
		}
		if err := s.Ack("typist", event.Off+int64(len(event.Bytes))); err != nil {
			t.Fatal(err)
		}
	}
	if string(got) != want {
		t.Errorf("saw %d bytes, want %d", len(got), len(want))
	}
}

// Viewers that draw equally fast on average all see every byte.
func TestEqualViewersSeeWholeFlood(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: programs("/bin/sh", "-c", "stty -echo; echo ready; read x; seq 1 600000")})
	table.config.patience = testkit.Patience // the machine may be busy
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	var viewers []*view
	for i := range 12 {
		v := watch(t, s, options{name: fmt.Sprintf("viewer %d", i), types: true})
		v.see("ready\r\n")
		viewers = append(viewers, v)
	}
	typeIn(t, s, "\r")
	want := "ready\r\n" + lines(600000)
	for _, v := range viewers {
		v.exit()
		if got := v.kinds(); got != "resize output exited" {
			t.Errorf("%s got %s", v.name, got)
		}
		if v.output() != want {
			t.Errorf("%s saw other output", v.name)
		}
	}
}

func TestStalledTypingViewerReleasesReader(t *testing.T) {
	t.Parallel()
	s := run(t, "seq 1 600000")
	watch(t, s, options{name: "stalled", types: true, mute: true})
	watcher := watch(t, s, options{name: "watcher"})
	watcher.until("the end", func(events []Event) bool { return len(events) > 0 && events[len(events)-1].Kind == Exited })
	if end := s.Info().End; end != int64(len(lines(600000))) {
		t.Errorf("%d bytes were written", end)
	}
}

func TestInterruptEndsFlood(t *testing.T) {
	t.Parallel()
	for _, h := range []options{
		{name: "draws", types: true}, {name: "stalled", types: true, mute: true}, {name: "watches"},
	} {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, "/bin/sh", "-i")
			v := watch(t, s, h)
			v.see("$ ")
			typeIn(t, s, "yes flood\r")
			v.see("flood\r\nflood\r\nflood\r\n")
			typeIn(t, s, "\x03")
			typeIn(t, s, "echo $((40+2))\r") // typed ahead of the prompt
			last := v
			if h.mute {
				last = watch(t, s, options{name: "looks", from: -1})
			}
			last.see("42\r\n")
		})
	}
}
