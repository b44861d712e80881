package screen

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// benchmarkWrite feeds a stream in chunks of 32 KiB, like a shell's reader.
func benchmarkWrite(b *testing.B, stream []byte) {
	stream = bytes.Repeat(stream, 1+(1<<20)/len(stream))
	s := New(24, 80, 1000)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		for p := stream; len(p) > 0; {
			n := min(len(p), 32<<10)
			_, _ = s.Write(p[:n])
			p = p[n:]
		}
	}
}

func recorded(tb testing.TB, names ...string) []byte {
	var all []byte
	for _, name := range names {
		p, err := os.ReadFile("testdata/" + name + ".raw")
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, p...)
	}
	return all
}

func BenchmarkPlainText(b *testing.B) {
	line := "The quick brown fox jumps over the lazy dog and runs away from it.\r\n"
	benchmarkWrite(b, []byte(line))
}

func BenchmarkLongLines(b *testing.B) {
	benchmarkWrite(b, []byte(strings.Repeat("0123456789abcdef", 64)+"\r\n"))
}

func BenchmarkPrograms(b *testing.B) {
	benchmarkWrite(b, recorded(b, "vim-24x80", "htop-24x80", "top-24x80", "tmux-24x80"))
}

func BenchmarkCJK(b *testing.B) {
	benchmarkWrite(b, []byte("敏捷的棕色狐狸跳过懒狗，然后跑开了。敏捷的棕色狐狸\r\n"))
}

func BenchmarkSnapshot(b *testing.B) {
	s := New(24, 80, 1000)
	_, _ = s.Write(recorded(b, "vim-24x80")[:14000])
	b.SetBytes(int64(len(s.Snapshot(0))))
	for b.Loop() {
		s.Snapshot(0)
	}
}

func BenchmarkSnapshotWithHistory(b *testing.B) {
	s := New(24, 80, 1000)
	for range 5 {
		_, _ = s.Write(recorded(b, "bash-24x80"))
	}
	b.SetBytes(int64(len(s.Snapshot(1000))))
	for b.Loop() {
		s.Snapshot(1000)
	}
}

// heapOf is the heap size of what make returns.
func heapOf(make func() any) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	made := make()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(made)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// TestMemory checks the memory limits: next to nothing without a history, 1.5 MiB with 10,000 full rows.
func TestMemory(t *testing.T) {
	const n = 8
	row := []byte(strings.Repeat("some text, ", 7) + "\r\n")
	for lines, want := range map[int]int64{0: 64 << 10, 30: 68 << 10, 12_000: 1536 << 10} {
		got := heapOf(func() any {
			screens := make([]*Screen, n)
			for i := range screens {
				screens[i] = New(24, 80, 10_000)
				_, _ = screens[i].Write(bytes.Repeat(row, lines))
			}
			return screens
		}) / n
		if got > want {
			t.Errorf("a screen after %d lines takes %d bytes, want at most %d", lines, got, want)
		}
		t.Logf("%d lines: %d bytes", lines, got)
	}
}

// TestHistoryIsBounded fills histories with expensive rows.
func TestHistoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for name, c := range map[string]struct {
		cols, cells int
		cellOf      func(i int) string
	}{
		"colours": {200, 820_000, func(i int) string {
			return fmt.Sprintf("\x1b[38;5;%d;48;2;%d;0;%dm*", i&255, i>>8&255, i&255)
		}},
		"marks":      {200, 90_000, func(int) string { return "e" + strings.Repeat("\U000E0100", 30) }},
		"underlines": {200, 140_000, func(i int) string { return fmt.Sprintf("\x1b[4:3;58;2;%d;%d;0mx", i&255, i>>8&255) }},
		"links": {200, 13_000, func(i int) string {
			return fmt.Sprintf("\x1b]8;;http://%d/%s\ax", i%900, strings.Repeat("x", 1000))
		}},
		"wide rows": {1000, 10_500, func(int) string { return strings.Repeat("x", 1000) }},
	} {
		s := New(24, c.cols, 10_000)
		takes := heapOf(func() any {
			var out []byte
			for i := range c.cells {
				if out = append(out, c.cellOf(i)...); len(out) > 32<<10 {
					_, _ = s.Write(out)
					out = out[:0]
				}
			}
			return s
		})
		screenBytes := heapOf(func() any {
			screen := New(24, c.cols, 0)
			_, _ = screen.Write(s.Snapshot(0))
			return screen
		})
		if limit := historyBytes + screenBytes + 512<<10; takes > limit || takes < historyBytes/3 {
			t.Errorf("%s: a screen takes %d bytes, want at most %d, and not much less", name, takes, limit)
		}
		if n := s.HistoryRows(); n < 10 {
			t.Errorf("%s: %d rows are kept", name, n)
		}
		checkInside(t, s)
		s.Resize(24, 500)
		checkInside(t, s)
		t.Logf("%s: %d rows, %d bytes, %d without history", name, s.HistoryRows(), takes, screenBytes)
	}
}

// A flood of plain text, with the history that a shell keeps.
func BenchmarkFlood(b *testing.B) {
	line := "The quick brown fox jumps over the lazy dog and runs away from it.\r\n"
	p := bytes.Repeat([]byte(line), 900<<10/len(line))
	s := New(24, 80, 10000)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		s.Write(p)
	}
	b.ReportMetric(float64(s.normal.past.bytes), "history-bytes")
}
