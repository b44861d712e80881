package screen

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// sequences are all that a program can send, in each form that the parser distinguishes, with the most expensive
// parameters: controls, escapes, control sequences with any prefix and intermediate, strings.
func sequences() (all []string) {
	for c := range 0x20 {
		all = append(all, string(rune(c)), string(rune(c))+"x")
	}
	for c := 0x80; c < 0xa0; c++ {
		all = append(all, string(rune(c)))
	}
	for c := byte(0x20); c < 0x7f; c++ {
		all = append(all, "\x1b"+string(c), "\x1b#"+string(c), "\x1b("+string(c)+"a", "\x1b%"+string(c))
	}
	for _, prefix := range []string{"", "?", ">", "!"} {
		for _, between := range []string{"", " ", "'", "\"", "$"} {
			for final := byte(0x40); final < 0x7f; final++ {
				for _, p := range []string{"", "1", "2", "3", "999999"} {
					all = append(all, "\x1b["+prefix+p+between+string(final))
				}
			}
		}
	}
	for mode := range 2050 {
		all = append(all, fmt.Sprintf("\x1b[?%dh", mode), fmt.Sprintf("\x1b[?%dh\x1b[?%[1]dl", mode))
	}
	for id := range 140 {
		all = append(all, fmt.Sprintf("\x1b]%d;x\a", id), fmt.Sprintf("\x1b]%d;0;?\a", id))
	}
	return append(
		all, "\x1bP$qm\x1b\\", "\x1b]8;;x\a", "\x1b[4:3;58:2:1:2:3mx", "e\u0301", "\U000E0100", "漢", "\t\r",
		"\x1b[?1049h\x1b[?1049l\x1b[?3h\x1b[?3l\x1bc", "\x1b[H\x1b[2J", "\x1b[2;3r\n", "\x1b[H\x1bM", "x\x1b[999999b",
		"\x1b[41m\x1b[2Jx", "漢\x1b[1 @", "e"+strings.Repeat("\U000E0100", 31)+"\x1b[999999b",
	)
}

// before are states that make sequences more expensive.
var before = map[string]string{
	"text":       "\x1b[999999b",
	"margins":    "\x1b[2;998r\x1b[5;5H",
	"insert":     "\x1b[4h",
	"background": "\x1b[41m\x1b[2J",
	"origin":     "\x1b[?6h\x1b[2;998r",
	"no tabs":    "\x1b[3g",
	"alternate":  "\x1b[?1049hx\x1b[999999b",
	"protected":  "\x1b[1\"qx\x1b[999999b",
}

// filled is a screen full of text, with a full history, in a state.
func filled(rows, cols int, state string) *Screen {
	s := New(rows, cols, 10_000)
	s.Replies = func([]byte) {}
	s.Write([]byte("x\x1b[999999b\r\n" + strings.Repeat("line\r\n", 2*rows) + "\x1b[Hx\x1b[999999b\x1b[5;5H"))
	s.Write([]byte(before[state]))
	return s
}

// TestWork_OneSequence: no sequence costs more than writing all cells of the screen a few times, so that a single one
// does not block a shell; and WriteSome stops after it.
func TestWork_OneSequence(t *testing.T) {
	t.Parallel()
	const rows, cols = 60, 100
	for state := range before {
		s := filled(rows, cols, state)
		for _, seq := range sequences() {
			p := []byte(strings.Repeat(seq, 6))
			for len(p) > 0 {
				at := s.Work()
				n := s.WriteSome(p, 1)
				if done := s.Work() - at; done > 2*repeatWork*rows*cols {
					t.Fatalf("%s: %q of %q costs %d, more than a screen of %d some times", state, p[:n], seq, done, rows*cols)
				}
				if n == 0 {
					t.Fatalf("%s: no byte of %q is processed", state, p)
				}
				p = p[n:]
			}
		}
	}
}

// cheap are the sequences that clear, swap, or move a whole screen. They cost time per row, not per cell.
var cheap = []string{
	"\x1b[2J",
	"\x1b[J",
	"\x1b[1J",
	"\x1b[H\x1b[J",
	"\x1b[3J",
	"\x1bc",
	"\x1b#8",
	"\x1b[?1049h\x1b[?1049l",
	"\x1b[?47h\x1b[?47l",
	"\x1b[?3h\x1b[?3l",
	"\x1b[!p",
	"\x1b[S",
	"\x1b[T",
	"\x1b[L",
	"\x1b[M",
	"\x1b[99S",
	"\x1b[99T",
	"\x1b[99L",
	"\x1b[99M",
	"\x1b[?2J",
	"\x1b[?1049h\x1b[?1049l\x1b[?3h\x1b[?3l\x1bc",
	"\n",
	"\x1bD",
	"\x1bM",
}

// TestWork_ClearIsCheap checks that: clearing a screen of 200 × 500 costs its rows, or the columns that the sequence
// cuts.
func TestWork_ClearIsCheap(t *testing.T) {
	t.Parallel()
	const rows, cols, times = 200, 500, 200
	for _, seq := range cheap {
		for _, colour := range []string{"", "\x1b[41m"} {
			s := filled(rows, cols, "text")
			s.Write([]byte(colour))
			at := s.Work()
			s.Write(bytes.Repeat([]byte(seq), times))
			if each := (s.Work() - at) / times; each > 4*(rows+cols) {
				t.Errorf("%q costs %d each on %d × %d cells", seq, each, rows, cols)
			}
		}
	}
}

// TestWork_Programs: the output of real programs costs far less than a shell's free work.
func TestWork_Programs(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"vim-24x80", "htop-24x80", "top-24x80", "tmux-24x80", "bash-24x80"} {
		p := recorded(t, name)
		s := New(24, 80, 1000)
		s.Write(p)
		if each := float64(s.Work()) / float64(len(p)); each > 32 {
			t.Errorf("%s costs %.1f for each byte", name, each)
		} else {
			t.Logf("%s costs %.1f for each byte", name, each)
		}
	}
}

// cost is the cost of a sequence per byte.
type cost struct {
	name string
	over float64 // ns that Work does not count
}

// bestOf returns the best of several runs.
func bestOf(state, seq string) (best cost) {
	for range 3 {
		s := filled(60, 200, state)
		p := bytes.Repeat([]byte(seq), 1+500/len(seq))
		at, began, took := s.Work(), time.Now(), 0
		for took < len(p) && s.Work()-at < 3e5 {
			took += s.WriteSome(p[took:], 1e5)
		}
		ns, work := float64(time.Since(began).Nanoseconds())/float64(took), float64(s.Work()-at)/float64(took)
		if over := ns - work; best.name == "" || over < best.over {
			best = cost{fmt.Sprintf("%s %q: %.0f ns/byte, %.0f work/byte", state, seq, ns, work), over}
		}
	}
	return best
}

// BenchmarkSequences searches for sequences that take more time than Work counts, and logs the worst.
func BenchmarkSequences(b *testing.B) {
	for b.Loop() {
		var all []cost
		for state := range before {
			for _, seq := range sequences() {
				all = append(all, bestOf(state, seq))
			}
		}
		slices.SortFunc(all, func(x, y cost) int { return int(y.over - x.over) })
		for _, c := range all[:9] {
			b.Log(c.name)
		}
	}
}
