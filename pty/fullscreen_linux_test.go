package pty

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"convoy/internal/testkit"
)

// openMultiplexer runs a script as a program with the name of a multiplexer. Its function step waits for a call of
// next: nobody types.
func openMultiplexer(t *testing.T, script string) (s *Shell, next func()) {
	t.Helper()
	dir := t.TempDir()
	path, fifo := filepath.Join(dir, "screen"), filepath.Join(dir, "steps")
	testkit.Must(t, syscall.Mkfifo(fifo, 0o600))
	steps, err := os.OpenFile(fifo, os.O_RDWR, 0)
	testkit.Must(t, err)
	t.Cleanup(func() { steps.Close() })
	script = "#!/bin/sh\nexec 3<" + fifo + "\nstep() { read it <&3; }\n" + script
	testkit.Must(t, os.WriteFile(path, []byte(script), 0o700))
	s = open(t, "/bin/bash", "--norc", "-i", "-c", path+"; exec cat")
	return s, func() {
		t.Helper()
		_, err := steps.WriteString("\n")
		testkit.Must(t, err)
	}
}

// waitsAgain waits until the shell waits for another thing, and returns it. A key for the last one is not typed.
func waitsAgain(t *testing.T, s *Shell, last State) (state State) {
	t.Helper()
	testkit.Eventually(t, "another thing to wait for", func() bool {
		state = s.State()
		return state.Doing == Waiting && state.Since.After(last.Since)
	})
	if err := s.Answer(testkit.Context(t), "y", last.Since); !errors.Is(err, ErrNotWaiting) {
		t.Errorf("a key for %+v, typed to %+v: %v", last, state, err)
	}
	return state
}

// In a full-screen program, what is asked after a call, or again on another row, is another thing to wait for.
func TestState_FullScreenAsksLater(t *testing.T) {
	t.Parallel()
	s, next := openMultiplexer(t, `printf '\033[?1049h\033[H'
step; printf '\a'
step; printf 'Delete all 40 volumes? [y/N] '
step; printf '\0337\033[9;1Hthe clock\0338'
step; printf '\r\n\nDelete all 40 volumes? [y/N] '
step
`)
	next()
	rang := becomes(t, s, Waiting)
	next()
	first := waitsAgain(t, s, rang)
	if want := "Delete all 40 volumes? [y/N]"; first.Asks != want {
		t.Errorf("it asks %q, want %q", first.Asks, want)
	}
	drawnAgain(t, s, next)
	if now := s.State(); now != first {
		t.Errorf("after the clock it is %+v, not %+v", now, first)
	}
	next()
	second := waitsAgain(t, s, first)
	if second.Asks != first.Asks {
		t.Errorf("it asks %q, want %q", second.Asks, first.Asks)
	}
	testkit.Must(t, s.Answer(testkit.Context(t), "y", second.Since))
}

// A full-screen program does not wait for what rang before it, and was followed by output.
func TestState_FullScreenAfterBell(t *testing.T) {
	t.Parallel()
	s, next := openMultiplexer(t, `printf '\a'
step; printf 'more output'
step; printf '\033[?1049h\033[Htasks'
step; printf '\a'
step
`)
	becomes(t, s, Waiting)
	next()
	becomes(t, s, Running)
	drawnAgain(t, s, next)
	if now := s.State(); now.Doing != Running {
		t.Errorf("a full-screen program after a bell is %+v", now)
	}
	next()
	becomes(t, s, Waiting) // for its own bell
}
