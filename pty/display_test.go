package pty

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"convoy/pty/screen"
)

// display is a shell without a program, for output that a test makes up.
func display(ring int) *Shell {
	return newShell(NewTable(Config{Ring: ring}).config, programs("x")[0], "x", size, func() {})
}

// print shows all of p.
func (s *Shell) print(p []byte) {
	for len(p) > 0 {
		p = p[s.show(p):]
	}
}

// Text that has left the scrollback before anyone saw it is not drawn.
func TestShow_DrawsNoTextThatIsGone(t *testing.T) {
	t.Parallel()
	line := []byte(strings.Repeat("x", 70) + "\r\n")
	s := display(1 << 20)
	before := s.screen.Work()
	for range 10 * historyRows {
		s.print(line)
	}
	if work := s.screen.Work() - before; work > 0 {
		t.Errorf("%d bytes were drawn already: %d of work", s.shown, work)
	}
	if s.ring.end-s.shown > int64(s.ring.max) {
		t.Errorf("the ring ends at %d, and the text from %d on waits", s.ring.end, s.shown)
	}
	all := len(line) * 10 * historyRows
	s.syncScreen()
	if work := s.screen.Work() - before; work == 0 || work > all/5 {
		t.Errorf("in the end, %d bytes take %d of work", all, work)
	}
}

// What follows dropped text begins in the first column.
func TestShow_ColumnAfterDroppedText(t *testing.T) {
	t.Parallel()
	s, want := display(1<<20), screen.New(size.Rows, size.Cols, historyRows)
	show := func(text string) {
		s.print([]byte(text))
		want.Write([]byte(text)) //nolint:errcheck // never fails
	}
	show("abc")
	s.syncScreen()
	for range 300 {
		show(strings.Repeat("x\r\n", 1000))
	}
	for range 300 {
		show(strings.Repeat(strings.Repeat("y", 40)+"\n", 100))
	}
	same(t, 0, s, want)
}

// A flood leaves the same screen and scrollback, whichever text waits, and whenever someone looks.
func TestShow_Flood(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 1))
		s, want := display(1<<20), screen.New(size.Rows, size.Cols, historyRows)
		kind := random.IntN(len(floods))
		for range 40 {
			p := floods[kind](random)
			for rest := p; len(rest) > 0; {
				n := min(len(rest), 1+random.IntN(12<<10))
				s.print(rest[:n])
				rest = rest[n:]
			}
			want.Write(p) //nolint:errcheck // never fails
			if random.IntN(8) == 0 {
				kind = random.IntN(len(floods))
				same(t, seed, s, want)
			}
		}
		same(t, seed, s, want)
	}
}

// floods make 100 KiB or so.
var floods = []func(*rand.Rand) []byte{
	func(random *rand.Rand) []byte { return text(random, "\r\n", 8) },
	func(random *rand.Rand) []byte { return text(random, "\r\n", 150) },
	func(random *rand.Rand) []byte { return text(random, "\r\n", 5000) },
	func(random *rand.Rand) []byte { return text(random, "\n", 30) },
	func(random *rand.Rand) []byte {
		return fmt.Appendf(text(random, "\r\n", 60), "\x1b[3%dm\x1b[5;9r%d\r\n\x1b[r", random.IntN(8), random.IntN(100))
	},
	func(random *rand.Rand) []byte { return append([]byte("\x1b[?1049h"), text(random, "\r\n", 60)...) },
	func(random *rand.Rand) []byte { return append([]byte("\x1b[?1049l"), text(random, "\r\né", 60)...) },
}

// text makes lines of at most that many characters.
func text(random *rand.Rand, end string, length int) []byte {
	var text []byte
	for len(text) < 100<<10 {
		text = append(text, bytes.Repeat([]byte{byte('a' + random.IntN(26))}, random.IntN(length+1))...)
		text = append(text, end...)
	}
	return text
}

// same fails the test unless the shell shows that screen and scrollback.
func same(t *testing.T, seed uint64, s *Shell, want *screen.Screen) {
	t.Helper()
	s.syncScreen()
	const all = 64 << 20
	if a, b := s.screen.SnapshotWithin(historyRows, all), want.SnapshotWithin(historyRows, all); !bytes.Equal(a, b) {
		t.Fatalf("seed %d: after %d bytes, a screen of %d bytes instead of %d:\n%.300q\n%.300q",
			seed, s.ring.end, len(a), len(b), a, b)
	}
}
