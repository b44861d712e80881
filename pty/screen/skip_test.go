package screen

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Long plain text leaves the same screen, history, cursor, and state, whether it arrives at once and is mostly skipped,
// or in pieces too short for that.
func TestSkippingMakesNoDifference(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		before := []string{"", "\x1b[31mred", "\x1b[5;10r", "\x1b[?1049h", "\x1b[?7l", "\x1b[4h", "\x1b[20h",
			"\x1b7\x1b[3;4H", "\x1b[", "\xe4\xb8", "\x1b(0"}[rng.IntN(11)]
		var text strings.Builder
		for range 2000 {
			end := []string{"\r\n", "\r\n", "\n", "\t\r\n"}[rng.IntN(4)]
			odd := " é中🙂"
			if seed%2 == 0 { // the fast path
				end, odd = "\r\n", ""
				if rng.IntN(100) == 0 {
					odd = "\tx\x1b[32m."
				}
			}
			fmt.Fprintf(&text, "%s%s%s", strings.Repeat("x", rng.IntN(160)), odd, end)
		}
		history := []int{0, 5, 50, 1000}[rng.IntN(4)]
		whole, pieces := New(10, 40, history), New(10, 40, history)
		for _, s := range []*Screen{whole, pieces} {
			s.Write([]byte("first\r\nlines\r\n" + before))
		}
		p := []byte(text.String())
		whole.Write(p)
		for len(p) > 0 {
			n := min(len(p), 1+rng.IntN(50))
			pieces.Write(p[:n])
			p = p[n:]
		}
		if a, b := whole.Snapshot(1000), pieces.Snapshot(1000); string(a) != string(b) {
			t.Errorf("seed %d, after %q: at once\n%.400q\nin pieces\n%.400q", seed, before, a, b)
		}
		same(t, dump(whole, 1000), dump(pieces, 1000))
		if a, b := fmt.Sprint(whole.History(1000), whole.Text()), fmt.Sprint(pieces.History(1000), pieces.Text()); a != b {
			t.Errorf("seed %d, after %q: at once\n%.400s\nin pieces\n%.400s", seed, before, a, b)
		}
	}
}

func TestSkippable(t *testing.T) {
	t.Parallel()
	s := New(10, 40, 50)
	long := []byte(strings.Repeat("y\r\n", 10000))
	if n := s.skippable(long); n < len(long)*9/10 {
		t.Errorf("%d of %d bytes are skipped", n, len(long))
	}
	for _, change := range []string{"\x1b[2;5r", "\x1b[?1049h", "\x1b[1", "\xe2"} {
		s := New(10, 40, 50)
		s.Write([]byte(change))
		if n := s.skippable(long); n != 0 {
			t.Errorf("after %q %d bytes are skipped", change, n)
		}
	}
}

func TestFastPathIsTaken(t *testing.T) {
	t.Parallel()
	long := []byte(strings.Repeat(strings.Repeat("y", 70)+"\r\n", 1000))
	s := New(10, 40, 500)
	s.Write([]byte(strings.Repeat("\r\n", 20)))
	if n, _ := s.fastLines(long); n != len(long) {
		t.Errorf("%d of %d bytes go the short way", n, len(long))
	}
	for _, change := range []string{"\x1b[2;5r", "\x1b[?1049h", "\x1b[31m", "x", "\x1b[4h", "\x1b[?7l", "\x1b(0",
		"\x1b[A"} {
		s := New(10, 40, 500)
		s.Write([]byte(strings.Repeat("\r\n", 20) + change))
		if n, _ := s.fastLines(long); n != 0 {
			t.Errorf("after %q %d bytes go the short way", change, n)
		}
	}
}

// Each byte counts wherever it is, in words of eight and in what is left of them.
func TestPlain_EachByte(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for at := range 20 {
			p := bytes.Repeat([]byte("a"), 20)
			p[at] = byte(c)
			if got := Plain(p); got != isPlain[c] {
				t.Errorf("byte %#x at %d: plain is %v", c, at, got)
			}
			if got, want := printable(p), c >= 0x20 && c < 0x7f; got != want {
				t.Errorf("byte %#x at %d: printable is %v", c, at, got)
			}
		}
	}
}
