package screen

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"
)

// restored returns a new screen of the same size after the snapshot.
func restored(t testing.TB, s *Screen, snapshot []byte) *Screen {
	r := New(s.rows, s.cols, s.normal.past.max)
	r.Replies = func(b []byte) { t.Errorf("the snapshot made the screen answer %q", b) }
	_, _ = r.Write([]byte("\x1b[?1049hwhat was there\x1b[31;4m\x1b]2;be"))
	_, _ = r.Write(snapshot)
	if r.signals.Bells != 0 {
		t.Errorf("the snapshot rang %d bells", r.signals.Bells)
	}
	r.Replies = nil
	return r
}

// plain removes from a screen what its snapshot does not restore.
func plain(s *Screen) {
	p := &painter{s: s}
	if n := s.alt.base; n > 0 { // rows for which a smaller size left xterm.js room
		s.alt.lines.trim(n)
		s.alt.base = 0
		s.alt.saved.row -= n
	}
	for _, b := range []*buffer{&s.normal, &s.alt} {
		b.pullHistory(b.past.n, s.cols)
		for i := range b.lines.n {
			l := b.lines.at(i)
			l.resize(s.cols)
			plainLine(p, l)
			odd := 0
			for odd < s.cols && p.odd(l, odd) {
				odd++
			}
			if odd == s.cols { // the first of only odd blanks becomes plain
				l.cells[0] = cell{bg: l.cells[0].bg & colourMask}
			}
			if i == 0 || i == b.base && b == &s.alt {
				l.wrapped = false
			}
		}
	}
	s.buf.col = min(s.buf.col, s.cols)
	s.joined &^= 1 // whether the last character was combined makes no difference
	s.setPen(plainPen(s.pen))
}

func plainLine(p *painter, l *line) {
	for i := range l.cells {
		c := &l.cells[i]
		a := plainPen(pen{c.fg, c.bg, p.s.exts.at(c.ext)})
		c.fg, c.bg, c.ext = a.fg, a.bg, 0
		if a.bg&hasExt != 0 {
			c.ext = p.s.exts.index(a.ext, p.s.markUsed)
		}
		half := c.width() == 0 && i > 0 && p.printable(l, i-1) == 2
		switch {
		case p.printable(l, i) > 0 || half:
		case c.width() == 0 && l.filled(i):
			r, _ := utf8.DecodeRuneInString(l.text(i))
			c.content = content(uint32(r), 0)
		default:
			c.content = 0
		}
	}
}

// plainPen removes an underline without style and a style without underline, which DECRC can leave.
func plainPen(a pen) pen {
	if a.bg&hasExt == 0 {
		a.ext.link = nil
	}
	switch {
	case a.fg&underline != 0:
		a.ext.style = max(a.ext.style, 1)
		a.bg |= hasExt
	case a.bg&hasExt != 0 || a.ext != (extAttrs{}):
		a.ext.style = 0
		a.updateExt()
	}
	return a
}

// checkSnapshot compares s, which it modifies, with the result of its snapshot.
func checkSnapshot(t testing.TB, s *Screen) *Screen {
	t.Helper()
	r := restored(t, s, s.Snapshot(s.HistoryRows()))
	p, l, col := &painter{s: s}, s.buf.current(), min(s.buf.col, s.cols)
	w := p.lastWidth(l, col)
	joins := p.joins(l, col, w)
	plain(s)
	plain(r)
	if !joins {
		s.joined, r.joined = 0, 0
	}
	if w == 0 && s.buf.col >= s.cols { // nothing to print again: no wrap is pending
		s.buf.col, r.buf.col = 0, 0
	}
	want, got := dump(s, s.HistoryRows()), dump(r, r.HistoryRows())
	if tt, ok := t.(*testing.T); ok {
		same(tt, got, want)
	}
	return r
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	cases := append(syntheticCases(t), recordedCases(t)...)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for n := range c.steps {
				r := record(c.rows, c.cols, c.scrollback)
				for _, st := range c.steps[:n+1] {
					r.do(t, st)
				}
				checkSnapshot(t, r.Screen)
			}
		})
	}
}

// TestSnapshotContinues splits streams at many places and appends the rest to the snapshot: the screen is the same as
// without a split.
func TestSnapshotContinues(t *testing.T) {
	t.Parallel()
	for _, c := range recordedCases(t) {
		if c.steps[1].rows > 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			var stream []byte
			for _, st := range c.steps {
				stream = append(stream, st.bytes...)
			}
			for at := 1; at < len(stream); at += len(stream)/23 + 1 {
				whole := New(c.rows, c.cols, 5)
				_, _ = whole.Write(stream[:at])
				r := restored(t, whole, whole.Snapshot(5))
				end := min(at+2000, len(stream))
				_, _ = whole.Write(stream[at:end])
				_, _ = r.Write(stream[at:end])
				plain(whole)
				plain(r)
				same(t, dump(r, 0), dump(whole, 0))
			}
		})
	}
}

// TestSnapshotFiles writes snapshots, and the text of their result, for internal/tools/golden to compare with xterm.js.
func TestSnapshotFiles(t *testing.T) {
	dir := os.Getenv("CONVOY_SNAPSHOTS")
	if dir == "" {
		t.Skip("CONVOY_SNAPSHOTS names no directory")
	}
	for i, c := range append(syntheticCases(t), recordedCases(t)...) {
		r := record(c.rows, c.cols, c.scrollback)
		for n, st := range c.steps {
			r.do(t, st)
			snapshot := r.Snapshot(c.scrollback)
			made := New(r.rows, r.cols, c.scrollback)
			_, _ = made.Write(snapshot)
			text := fmt.Sprintf("# %d %d %d\n%s", r.rows, r.cols, c.scrollback, dump(made, c.scrollback))
			name := filepath.Join(dir, fmt.Sprintf("%03d-%02d", i, n))
			if err := os.WriteFile(name+".snapshot", snapshot, 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name+".dump", []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}
