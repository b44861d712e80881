package screen

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Long plain text leaves the same screen, history, cursor and state, whether it comes at once and is skimmed, or in
// pieces too short for that.
func TestSkimMakesNoDifference(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		before := []string{"", "\x1b[31mred", "\x1b[5;10r", "\x1b[?1049h", "\x1b[?7l", "\x1b[4h", "\x1b[20h", "\x1b7\x1b[3;4H", "\x1b[", "\xe4\xb8", "\x1b(0"}[rng.IntN(11)]
		var text strings.Builder
		for range 400 {
			end := []string{"\r\n", "\r\n", "\n", "\t\r\n"}[rng.IntN(4)]
			fmt.Fprintf(&text, "%s é中🙂%s", strings.Repeat("x", rng.IntN(60)), end)
		}
		whole, pieces := New(10, 40, 50), New(10, 40, 50)
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
		if a, b := whole.Snapshot(50), pieces.Snapshot(50); string(a) != string(b) {
			t.Errorf("seed %d, after %q: at once\n%q\nin pieces\n%q", seed, before, a, b)
		}
		if a, b := fmt.Sprint(whole.History(50), whole.Text()), fmt.Sprint(pieces.History(50), pieces.Text()); a != b {
			t.Errorf("seed %d, after %q: at once\n%s\nin pieces\n%s", seed, before, a, b)
		}
	}
}

func TestSkimSkips(t *testing.T) {
	t.Parallel()
	s := New(10, 40, 50)
	long := []byte(strings.Repeat("y\r\n", 10000))
	if n := s.skim(long); n < len(long)*9/10 {
		t.Errorf("%d of %d bytes are skipped", n, len(long))
	}
	for _, change := range []string{"\x1b[2;5r", "\x1b[?1049h", "\x1b[1", "\xe2"} {
		s := New(10, 40, 50)
		s.Write([]byte(change))
		if n := s.skim(long); n != 0 {
			t.Errorf("after %q %d bytes are skipped", change, n)
		}
	}
}
