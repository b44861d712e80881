package audit

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"convoy/internal/testkit"
)

func TestAppendedIsReadAgain(t *testing.T) {
	cfg := config(newDir(t))
	l := openLog(t, cfg)
	if got := l.Head(); got != start {
		t.Errorf("the head of an empty log is %v", got)
	}
	sound(t, cfg.Dir, 0)
	list := add(t, l, 3)
	if list[0].Seq != 1 || list[0].Prev != origin || list[2].Prev != list[1].Hash || l.Head() != list[2].Head() {
		t.Errorf("chained as %+v", list)
	}
	if e := list[0]; e.Time.IsZero() || e.Node != cfg.Node || e.Detail != "80×24" {
		t.Errorf("written as %+v", e)
	}
	testkit.Must(t, l.Close())
	if _, err := l.Append(entry(4)); !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed log: %v", err)
	}
	testkit.Must(t, l.Close())
	l = openLog(t, cfg)
	list = append(list, add(t, l, 1)...)
	if got := all(t, cfg.Dir); len(got) != 4 || got[2] != list[2] || got[3] != list[3] || got[3].Prev != list[2].Hash {
		t.Errorf("read as %+v", got)
	}
	if r := sound(
		t, cfg.Dir, 4,
	); r.Files != 1 || !r.First.Equal(list[0].Time) || !r.Last.Equal(list[3].Time) || r.Head != l.Head() ||
		r.Before != start {
		t.Errorf("reported as %+v", r)
	}
	for path, want := range map[string]os.FileMode{cfg.Dir: 0o700, names(t, cfg.Dir)[0]: 0o600} {
		info, err := os.Stat(path)
		testkit.Must(t, err)
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

// Entries keep the order of the calls, whether their callers wait or not, and Tail and Close wait for all of them.
func TestAppendSoon(t *testing.T) {
	cfg := config(newDir(t))
	l := openLog(t, cfg)
	failed := make(chan error, 10)
	report := func(err error) { failed <- err }
	for n := range 6 {
		if n == 3 {
			_, err := l.Append(entry(n))
			testkit.Must(t, err)
			continue
		}
		l.AppendSoon(entry(n), report)
	}
	var got []string
	for _, e := range slices.Backward(l.Tail(10, nil)) {
		got = append(got, e.Target)
	}
	want := []string{"shell-0", "shell-1", "shell-2", "shell-3", "shell-4", "shell-5"}
	if !slices.Equal(got, want) {
		t.Errorf("the log has %q, want %q", got, want)
	}
	l.AppendSoon(entry(6), report)
	testkit.Must(t, l.Close())
	sound(t, cfg.Dir, 7)
	l.AppendSoon(entry(7), report)
	if err := <-failed; !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed log: %v", err)
	}
	if len(failed) > 0 {
		t.Errorf("another one failed: %v", <-failed)
	}
}

func TestTimesAndResults(t *testing.T) {
	cfg := config(newDir(t))
	l := openLog(t, cfg)
	e := entry(1)
	e.Time = time.Date(2020, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	if got, err := l.Append(e); err != nil || !got.Time.Equal(e.Time) || got.Time.Location() != time.UTC {
		t.Errorf("a given time becomes %v, %v", got.Time, err)
	}
	e.Time = time.Date(12345, 1, 2, 3, 4, 5, 6, time.UTC)
	if got, err := l.Append(e); err != nil || got.Time.Year() != began.Year() {
		t.Errorf("a year of five digits becomes %v, %v", got.Time, err)
	}
	for _, bad := range []string{"", "OK", "ok\n"} {
		e.Result = bad
		_, err := l.Append(e)
		if !errors.Is(err, ErrResult) {
			t.Errorf("result %q: %v", bad, err)
		}
		err = nil
		l.AppendSoon(e, func(got error) { err = got })
		if !errors.Is(err, ErrResult) {
			t.Errorf("result %q, without waiting: %v", bad, err)
		}
	}
	sound(t, cfg.Dir, 2)
}

func TestOneWriter(t *testing.T) {
	cfg := config(newDir(t))
	l := openLog(t, cfg)
	if _, err := Open(cfg); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), cfg.Dir) {
		t.Errorf("open twice: %v", err)
	}
	add(t, l, 1)
	testkit.Must(t, l.Close())
	add(t, openLog(t, cfg), 1)
	sound(t, cfg.Dir, 2)
}

func TestOpenFails(t *testing.T) {
	if _, err := Open(Config{}); err == nil {
		t.Error("a log was opened nowhere")
	}
	if _, err := Open(Config{Dir: "/dev/null/audit"}); err == nil {
		t.Error("a log was opened below a file")
	}
	for _, dir := range []string{t.TempDir(), newDir(t)} {
		if r, err := Verify(dir); !errors.Is(err, ErrNone) {
			t.Errorf("verify where there is none: %v, %v", r, err)
		}
		if list, err := Tail(dir, 1, nil); !errors.Is(err, ErrNone) {
			t.Errorf("tail where there is none: %v, %v", list, err)
		}
	}
}

func TestRotation(t *testing.T) {
	dir, _ := writtenLog(t, 100)
	files := names(t, dir)
	if len(files) < 8 || len(files) > 15 {
		t.Fatalf("%d files", len(files))
	}
	for _, path := range files {
		if n := len(read(t, path)); n > 4<<10 || n < 3<<10 && path != files[len(files)-1] {
			t.Errorf("%s has %d bytes", path, n)
		}
	}
	sound(t, dir, 100)
	cfg := config(dir)
	cfg.MaxBytes = 1 // less than any line, so each has its own file
	l := openLog(t, cfg)
	add(t, l, 3)
	if got := len(names(t, dir)) - len(files); got != 3 {
		t.Errorf("%d files for 3 entries", got)
	}
	sound(t, dir, 103)
}

func TestConcurrentAppends(t *testing.T) {
	cfg := Config{Dir: newDir(t), MaxBytes: 16 << 10}
	l := openLog(t, cfg)
	const writers, each = 16, 25
	var group sync.WaitGroup
	seqs := make([][]uint64, writers)
	for i := range writers {
		group.Go(func() {
			for n := range each {
				e, err := l.Append(entry(n))
				if err != nil {
					t.Error(err)
					return
				}
				seqs[i] = append(seqs[i], e.Seq)
			}
		})
	}
	for range 2 {
		group.Go(func() {
			for range 20 {
				if r, err := Verify(cfg.Dir, l.Head()); err != nil || !r.Sound() {
					t.Errorf("while it is written: %v, %v", r, err)
				}
				if list := l.Tail(5, nil); len(list) > 0 && list[0].Seq > l.Head().Seq {
					t.Errorf("entry %d is read before it is safe", list[0].Seq)
				}
			}
		})
	}
	group.Wait()
	seen := map[uint64]bool{}
	for _, list := range seqs {
		for i, seq := range list {
			if seen[seq] || i > 0 && seq <= list[i-1] {
				t.Errorf("number %d out of order, or twice", seq)
			}
			seen[seq] = true
		}
	}
	sound(t, cfg.Dir, writers*each, l.Head())
}

// TestOneFsyncForMany: several callers come during a write, and the next one writes for all.
func TestOneFsyncForMany(t *testing.T) {
	const many = 50
	cfg := config(newDir(t))
	l := openLog(t, cfg)
	var group sync.WaitGroup
	l.commit.Lock()
	for n := range many {
		group.Go(func() {
			if _, err := l.Append(entry(n)); err != nil {
				t.Error(err)
			}
		})
	}
	waiting := func() int { l.mu.Lock(); defer l.mu.Unlock(); return len(l.queue) }
	for waiting() < many {
		runtime.Gosched()
	}
	n, err := l.writeSome(l.queue)
	if n != many || err != nil {
		t.Errorf("%d of %d were written at once: %v", n, many, err)
	}
	for _, r := range l.queue {
		r.done = true
	}
	l.queue = nil
	l.commit.Unlock()
	group.Wait()
	sound(t, cfg.Dir, many)
}

// TestCloseWritesQueue closes a log while a caller waits.
func TestCloseWritesQueue(t *testing.T) {
	cfg := config(newDir(t))
	l := openLog(t, cfg)
	r := &request{entry: entry(1)}
	testkit.Must(t, l.enqueue(r))
	testkit.Must(t, l.Close())
	if !r.done || r.err != nil {
		t.Errorf("%+v", r)
	}
	sound(t, cfg.Dir, 1)
}

func BenchmarkAppend(b *testing.B) {
	l := openLog(b, Config{Dir: newDir(b)})
	e := entry(1)
	for b.Loop() {
		if _, err := l.Append(e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendParallel appends from 64 goroutines, which share fsyncs.
func BenchmarkAppendParallel(b *testing.B) {
	l := openLog(b, Config{Dir: newDir(b)})
	e := entry(1)
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := l.Append(e); err != nil {
				b.Error(err)
			}
		}
	})
}
