package screen

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"testing"
)

// benchmarkWrite feeds a stream in pieces of 32 KiB, as a shell's reader does.
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

// TestMemory holds the screen to its budget: next to nothing while there is no
// history, 1.5 MiB with 1,000 rows of it.
func TestMemory(t *testing.T) {
	const n = 8
	measure := func(lines int) int64 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		screens := make([]*Screen, n)
		for i := range screens {
			screens[i] = New(24, 80, 1000)
			_, _ = screens[i].Write(bytes.Repeat([]byte("some text\r\n"), lines))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(screens)
		return (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n
	}
	if got := measure(0); got > 64<<10 {
		t.Errorf("empty screen takes %d bytes, want at most 64 KiB", got)
	}
	if got := measure(2000); got > 1536<<10 {
		t.Errorf("full screen takes %d bytes, want at most 1.5 MiB", got)
	}
}

// A flood of plain text, with all the history that a shell keeps, as it is caught up with.
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
