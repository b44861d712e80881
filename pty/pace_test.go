package pty

import (
	"crypto/sha256"
	"testing"
)

// A viewer who may type sees every byte of a flood, although it draws slower
// than the program puts out.
func TestTypingViewerSeesWholeFlood(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Program: []string{"/bin/sh", "-c", "seq 1 600000"}}) // 4.7 MB, the ring holds 1
	table.config.patience = eventTime                                                // the test may be slower than a viewer
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	want := lines(600000)
	var got []byte
	for event := range s.Follow(t.Context(), "typist", 0, true) {
		switch event.Kind {
		case Reset:
			t.Fatalf("reset at %d", event.Off)
		case Output:
			got = append(got, event.Bytes...)
			for range 20 {
				sha256.Sum256(event.Bytes) // drawing takes its time
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

func TestReaderWaitsForFastestTypingViewer(t *testing.T) {
	t.Parallel()
	s := newShell(NewTable(Config{Program: []string{"x"}}).config, "x", size, func() {})
	now := s.attach("now", 0, true)
	s.attach("watcher", 0, false)
	slow := s.attach("slow", 0, true)
	put := func(n int) { s.put(make([]byte, n)) }

	put(paceBytes - 1)
	if wait := s.hold(now.progress); wait != 0 {
		t.Errorf("held for %v within the bound", wait)
	}
	put(1)
	if wait := s.hold(now.progress); wait <= 0 || wait > patience {
		t.Errorf("held for %v at the bound", wait)
	}
	if s.Ack("now", paceBytes/2); s.hold(now.progress) != 0 {
		t.Error("held although the fastest has drawn")
	}
	put(paceBytes)
	if s.Ack("watcher", s.ring.end); s.hold(now.progress) <= 0 {
		t.Error("not held: a watcher's Ack counted")
	}
	long := now.progress.Add(-patience) // as if both had drawn nothing for long
	now.progress, slow.progress = long, long
	if wait := s.hold(long); wait > 0 || !now.stalled || !slow.stalled {
		t.Errorf("held for %v by stalled viewers", wait)
	}
	if s.Ack("slow", 1); s.hold(slow.progress) <= 0 {
		t.Error("not held by a viewer that draws again")
	}
	s.detach(slow)
	if wait := s.hold(long); wait > 0 {
		t.Errorf("held for %v by a viewer that has gone", wait)
	}
}

func TestStalledTypingViewerReleasesReader(t *testing.T) {
	t.Parallel()
	s := run(t, "seq 1 600000")
	watch(t, s, how{name: "stalled", types: true, mute: true})
	watcher := watch(t, s, how{name: "watcher"})
	watcher.until("the end", func(events []Event) bool { return len(events) > 0 && events[len(events)-1].Kind == Exited })
	if end := s.Info().End; end != int64(len(lines(600000))) {
		t.Errorf("%d bytes put out", end)
	}
}

func TestInterruptEndsFlood(t *testing.T) {
	t.Parallel()
	for _, h := range []how{{name: "draws", types: true}, {name: "stalled", types: true, mute: true}, {name: "watches"}} {
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
				last = watch(t, s, how{name: "looks", from: -1})
			}
			last.see("42\r\n")
		})
	}
}
