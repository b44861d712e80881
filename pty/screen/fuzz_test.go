package screen

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// FuzzWrite feeds arbitrary bytes and sizes: nothing panics, the cursor stays on the screen, splitting the input
// changes neither screen nor replies, and a snapshot reproduces the screen.
func FuzzWrite(f *testing.F) {
	for i, c := range syntheticCases(f) {
		var all []byte
		for _, st := range c.steps {
			all = append(all, st.bytes...)
		}
		f.Add(all, uint8(c.rows), uint8(c.cols), uint64(i))
	}
	for i := range 6 { // floods that take the fast path
		line := strings.Repeat("0123456789", i) + "\r\n"
		f.Add([]byte(strings.Repeat(line, 4000/len(line))), uint8(1), uint8(10), uint64(i))
		f.Add(
			[]byte(strings.Repeat(strings.Repeat(line, 100)+"\x1b[31mred\x1b[m\r\n漢\t\r\n", 2)), uint8(2), uint8(24), uint64(i),
		)
	}
	f.Fuzz(func(t *testing.T, input []byte, rows, cols uint8, seed uint64) {
		checkStream(t, input, int(rows%40)+2, int(cols%100)+2, seed)
	})
}

func checkStream(t *testing.T, input []byte, rows, cols int, seed uint64) {
	input = input[:min(len(input), 4<<10)]
	random := rand.New(rand.NewPCG(seed, 1))
	whole, split := record(rows, cols, 20), record(rows, cols, 20)
	half := random.IntN(len(input) + 1)
	for i, part := range [][]byte{input[:half], input[half:]} {
		_, _ = whole.Write(part)
		for len(part) > 0 {
			n := 1 + random.IntN(min(len(part), 7))
			_, _ = split.Write(part[:n])
			part = part[n:]
		}
		checkInside(t, whole.Screen)
		if got, want := split.state(i, 20), whole.state(i, 20); got != want {
			same(t, got, want)
		}
		if i == 0 {
			r, c := 1+random.IntN(50), 2+random.IntN(120)
			whole.Resize(r, c)
			split.Resize(r, c)
			checkInside(t, whole.Screen)
		}
	}
	if whole.rows > 1 {
		checkSnapshot(t, whole.Screen)
	}
}

// checkInside checks a screen's invariants.
func checkInside(t *testing.T, s *Screen) {
	t.Helper()
	if row, col, _ := s.Cursor(); row < 0 || row >= s.rows || col < 0 || col > s.cols {
		t.Fatalf("cursor at %d, %d of %d, %d", row, col, s.rows, s.cols)
	}
	b := s.buf
	if b.count() != b.base+s.rows || b.count() > b.max || b.history && b.lines.n != s.rows {
		t.Fatalf("%d rows, at most %d, %d above a screen of %d", b.count(), b.max, b.base, s.rows)
	}
	if b.top < 0 || b.bottom >= s.rows || b.top > b.bottom {
		t.Fatalf("margins %d and %d of %d rows", b.top, b.bottom, s.rows)
	}
	for i := range b.lines.n {
		if n := len(b.lines.at(i).cells); n < s.cols {
			t.Fatalf("line %d has %d of %d columns", i, n, s.cols)
		}
	}
	if got := len(s.Text()); got != s.rows {
		t.Fatalf("Text has %d of %d rows", got, s.rows)
	}
}

// TestSplits splits every case and recording into bytes and into random pieces.
func TestSplits(t *testing.T) {
	t.Parallel()
	for _, c := range append(syntheticCases(t), recordedCases(t)...) {
		t.Run(c.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			whole := record(c.rows, c.cols, c.scrollback)
			bytes, pieces := record(c.rows, c.cols, c.scrollback), record(c.rows, c.cols, c.scrollback)
			for _, st := range c.steps {
				whole.do(t, st)
				if st.rows > 0 {
					bytes.do(t, st)
					pieces.do(t, st)
				}
				for i := range st.bytes {
					bytes.do(t, step{bytes: st.bytes[i : i+1]})
				}
				for p := st.bytes; len(p) > 0; {
					n := 1 + random.IntN(min(len(p), 40))
					pieces.do(t, step{bytes: p[:n]})
					p = p[n:]
				}
			}
			want := whole.state(0, c.scrollback)
			same(t, bytes.state(0, c.scrollback), want)
			same(t, pieces.state(0, c.scrollback), want)
		})
	}
}

// TestManySizes resizes repeatedly between pieces of all kinds of output: the invariants hold on both screens.
func TestManySizes(t *testing.T) {
	t.Parallel()
	synthetic, recorded := syntheticCases(t), recordedCases(t)
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 9))
		s := New(2+random.IntN(40), 2+random.IntN(120), []int{0, 1, 5, 50, 300, 2000}[random.IntN(6)])
		for range 40 {
			switch random.IntN(4) {
			case 0:
				s.Resize(1+random.IntN(50), 2+random.IntN(130))
			case 1:
				for _, st := range synthetic[random.IntN(len(synthetic))].steps {
					_, _ = s.Write(st.bytes)
				}
			case 2:
				line := strings.Repeat("0", random.IntN(200)) + "\r\n"
				_, _ = s.Write([]byte(strings.Repeat(line, random.IntN(300))))
			default:
				steps := recorded[random.IntN(len(recorded))].steps
				_, _ = s.Write(steps[random.IntN(len(steps))].bytes)
			}
			checkInside(t, s)
		}
	}
}
