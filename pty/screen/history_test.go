package screen

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// randomLine is a line with everything that a cell can contain, odd things included.
func randomLine(rng *rand.Rand, exts *extTable, cols int) *line {
	l := newLine(cols, cell{})
	l.wrapped = rng.IntN(2) == 0
	ink := cell{}
	for i := range rng.IntN(cols + 1) {
		switch rng.IntN(12) {
		case 0:
			ink = cell{}
		case 1:
			ink = cell{fg: rng.Uint32(), bg: rng.Uint32() &^ hasExt}
		case 2:
			links := []*link{nil, {"", "http://a"}, {"id", "http://b"}}
			e := extAttrs{style: uint8(rng.IntN(6)), colour: modeRGB | uint32(rng.IntN(40)), link: links[rng.IntN(3)]}
			ink = cell{fg: underline, bg: hasExt, ext: exts.index(e, nil)}
		}
		c := ink
		switch rng.IntN(10) {
		case 0:
			c.content = content(0, rng.IntN(3))
		case 1:
			c.content = content(uint32([]rune("é漢🙂\u0301\U0010ffff")[rng.IntN(5)]), rng.IntN(3))
		case 2:
			c.content = content('x', 1)
			l.cells[i] = c
			l.join(i, 0x301, rng.IntN(3))
			continue
		case 3:
			if i+1 < cols {
				c.content = content('漢', 2)
				l.cells[i] = c
				c.content = content(0, 0)
				l.cells[i+1] = c
			}
			continue
		default:
			c.content = content(0x20+uint32(rng.IntN(0x5f)), 1)
		}
		l.cells[i] = c
	}
	return l
}

// sameLine reports whether two lines look the same.
func sameLine(a, b *line, exts *extTable) bool {
	return a.wrapped == b.wrapped && len(a.cells) == len(b.cells) &&
		!slices.ContainsFunc(slices.Collect(func(yield func(int) bool) {
			for i := range a.cells {
				if !yield(i) {
					return
				}
			}
		}), func(i int) bool {
			c, d := a.cells[i], b.cells[i]
			return c.content != d.content || c.fg != d.fg || c.bg != d.bg || a.text(i) != b.text(i) ||
				c.bg&hasExt != 0 && exts.at(c.ext) != exts.at(d.ext)
		})
}

// Rows come out of the history unchanged, read or removed, even after the oldest have been dropped.
func TestHistoryKeepsEveryCell(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	var exts extTable
	var lines []*line
	h := history{max: 3000}
	for range 4000 {
		l := randomLine(rng, &exts, 60)
		lines = append(lines, l)
		h.add(l, &exts)
	}
	lines = lines[1000:]
	if len(h.blocks) < 3 || h.n != 3000 {
		t.Fatalf("%d rows in %d blocks", h.n, len(h.blocks))
	}
	var got line
	for i, want := range lines {
		if h.read(i, &got, 60, &exts); !sameLine(&got, want, &exts) {
			t.Fatalf("row %d is\n%q %v\nwant\n%q %v", i, got.String(), got.cells, want.String(), want.cells)
		}
	}
	for i := len(lines) - 1; i >= 0; i-- {
		if got := h.takeNewest(60, &exts); !sameLine(got, lines[i], &exts) {
			t.Fatalf("row %d comes out as\n%q %v\nwant\n%q %v", i, got.String(), got.cells, lines[i].String(), lines[i].cells)
		}
		if rng.IntN(3) == 0 { // in and out again
			h.add(lines[i], &exts)
			h.takeNewest(60, &exts)
		}
	}
	if h.n != 0 || h.bytes != 0 || len(h.blocks) != 0 {
		t.Errorf("an empty history has %d rows, %d bytes, %d blocks", h.n, h.bytes, len(h.blocks))
	}
}

// The counted bytes are those of the blocks after any operation.
func TestHistoryCounts(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 2))
	var exts extTable
	h := history{max: 700}
	for range 30_000 {
		switch rng.IntN(12) {
		case 0:
			if h.n > 0 {
				h.takeNewest(200, &exts)
			}
		case 1:
			if h.n > 0 {
				h.set(rng.IntN(h.n), randomLine(rng, &exts, 200), &exts)
			}
		case 2:
			h.drop(rng.IntN(3))
		default:
			h.add(randomLine(rng, &exts, 200), &exts)
		}
		rows, size := 0, 0
		for i, b := range h.blocks {
			rows += len(b.ends)
			if i < len(h.blocks)-1 {
				size += b.size()
			}
		}
		if rows-h.first != h.n || size != h.bytes || h.n > h.max {
			t.Fatalf("%d rows and %d bytes are counted, there are %d and %d", h.n, h.bytes, rows-h.first, size)
		}
	}
}

// An endless line is reflowed in pieces: only the fact that they are one line is lost.
func TestResizeOfAnEndlessLine(t *testing.T) {
	t.Parallel()
	var all bytes.Buffer
	for i := range 60_000 {
		fmt.Fprintf(&all, "%d ", i)
	}
	s := New(5, 100, 10_000)
	_, _ = s.Write(append(all.Bytes(), "\r\n"...))
	for _, cols := range []int{100, 130, 61, 100} {
		s.Resize(5, cols)
		checkInside(t, s)
		var text bytes.Buffer
		s.WriteText(&text)
		// a piece may end in a blank, unlike a line
		if got, want := strings.NewReplacer("\n", "", " ", "").
			Replace(text.String()),
			strings.ReplaceAll(all.String(), " ", ""); got != want {
			t.Fatalf("at %d columns the text is %d bytes, %.50q…, want %d", cols, len(got), got, len(want))
		}
		if n := strings.Count(text.String(), "\n"); n > 10 {
			t.Errorf("at %d columns there are %d pieces", cols, n)
		}
	}
}

func TestWriteText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ output, want string }{
		{"", ""},
		{"\r\n\r\n", ""},
		{"a\r\n\r\n  b  \r\n\r\n", "a\n\n  b\n"},
		{"0123456789 abcdefgh  next", "0123456789 abcdefgh  next\n"},
		{"0123456789abcdefghi漢 wide", "0123456789abcdefghi漢 wide\n"},
		{"\t\tx\r\n" + strings.Repeat("1\r\n", 6), "                x\n" + strings.Repeat("1\n", 6)},
		{strings.Repeat("wrapped ", 20) + "\r\nshort", strings.TrimRight(strings.Repeat("wrapped ", 20), " ") + "\nshort\n"},
		{"\x1b[31me\u0301\x1b[m \x1b]8;;http://x\alink\x1b]8;;\a", "e\u0301 link\n"},
		{"below\r\n\x1b[?1049h\x1b[Habove", "below\nabove\n"},
	} {
		var got bytes.Buffer
		if fed(c.output).WriteText(&got); got.String() != c.want {
			t.Errorf("after %q the text is %q, want %q", c.output, got.String(), c.want)
		}
	}
}

// A snapshot contains as many rows as fit.
func TestSnapshotWithin(t *testing.T) {
	t.Parallel()
	s := New(10, 60, 2000)
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range 2500 {
		fmt.Fprintf(s, "\x1b[3%dm%d %s\x1b[m\r\n", i%8, i, strings.Repeat("text ", rng.IntN(20)))
	}
	whole := len(s.Snapshot(2000))
	for _, limit := range []int{0, 100, 2000, 10_000, 50_000, whole - 1, whole, whole * 2} {
		got := s.SnapshotWithin(2000, limit)
		rows := restored(t, s, got).HistoryRows()
		if len(got) > limit && rows > 0 {
			t.Errorf("%d bytes with %d rows, for at most %d", len(got), rows, limit)
		}
		if more := len(s.Snapshot(rows + 4)); rows < s.HistoryRows() && limit > 2000 && more <= limit {
			t.Errorf("%d rows within %d bytes, though with 4 more it is %d", rows, limit, more)
		}
	}
	if got, want := s.SnapshotWithin(5, whole), s.Snapshot(5); !bytes.Equal(got, want) {
		t.Error("within enough bytes a snapshot of 5 rows is another")
	}
}

// A screen whose attributes take too much is drawn as text.
func TestSnapshotWithinOfACostlyScreen(t *testing.T) {
	t.Parallel()
	s := New(24, 80, 100)
	for i := range 24 * 80 * 5 {
		fmt.Fprintf(s, "\x1b]8;;http://%d/%s\a%c", i%2, strings.Repeat("x", 1500), 'a'+i%26)
	}
	_, _ = s.Write([]byte("\x1b[7m"))
	got := s.SnapshotWithin(100, 100<<10)
	r := restored(t, s, got)
	if len(got) > 200<<10 || !slices.Equal(r.Text(), s.Text()) {
		t.Errorf("%d bytes make\n%q\nwant\n%q", len(got), r.Text(), s.Text())
	}
	if r.pen.fg&inverse == 0 {
		t.Error("the pen is lost")
	}
}
