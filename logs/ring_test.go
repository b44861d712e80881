package logs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"

	"convoy/internal/testkit"
)

// logger returns a ring and a logger that writes only to it.
func logger(lines int) (*Ring, *slog.Logger) {
	r := New(lines)
	return r, slog.New(r.Handler(slog.NewTextHandler(io.Discard, nil)))
}

// fill logs n lines, whose messages are their offsets.
func fill(r *Ring, log *slog.Logger, n int) {
	for range n {
		log.Info(fmt.Sprint(r.Next()))
	}
}

// check wants the lines from..to, with their messages and offsets.
func check(t *testing.T, what string, lines []Line, from, to int64) {
	t.Helper()
	if int64(len(lines)) != to-from {
		t.Errorf("%s: %d lines, want %d to %d", what, len(lines), from, to)
		return
	}
	for i, l := range lines {
		if want := from + int64(i); l.Off != want || l.Message != fmt.Sprint(want) {
			t.Errorf("%s: line %d is %q, want %d", what, l.Off, l.Message, want)
			return
		}
	}
}

func TestRing_TailAndFrom(t *testing.T) {
	r, log := logger(1000)
	check(t, "empty ring", r.Tail(10), 0, 0)
	fill(r, log, 300)
	check(t, "Tail(10)", r.Tail(10), 290, 300)
	check(t, "Tail(5000)", r.Tail(5000), 0, 300)
	check(t, "Tail(-1)", r.Tail(-1), 0, 0)
	fill(r, log, 2200)
	check(t, "Tail(5000) of a ring that turned over", r.Tail(5000), 1500, 2500)

	tests := []struct{ off, from int64 }{
		{0, 1500}, {1499, 1500}, {1500, 1500}, {2499, 2499}, {2500, 2500}, {1 << 40, 2500}, {-1, 2300}, {-7, 2300},
	}
	for _, test := range tests {
		lines, next := r.From(test.off)
		check(t, fmt.Sprintf("From(%d)", test.off), lines, test.from, 2500)
		if next != 2500 {
			t.Errorf("next is %d, want 2500", next)
		}
	}
}

func TestRing_BootsDiffer(t *testing.T) {
	if a, b := New(1).Boot(), New(1).Boot(); a == b || len(a) < 16 {
		t.Errorf("boots are %q and %q", a, b)
	}
}

func TestFollow_StartsWhereAsked(t *testing.T) {
	r, log := logger(1000)
	fill(r, log, 1500)
	tests := []struct {
		name       string
		from       int64
		start, end int64 // of the first batch
	}{
		{"kept", 1400, 1400, 1500},
		{"kept, more than a batch", 600, 600, 800},
		{"too old", 3, 500, 700},
		{"the last ones", -1, 1300, 1500},
	}
	for _, test := range tests {
		for lines := range r.Follow(t.Context(), test.from) {
			check(t, test.name, lines, test.start, test.end)
			break
		}
	}
}

func TestFollow_LiveWithoutGapOrRepeat(t *testing.T) {
	const followers, lines = 8, 3000
	r, log := logger(lines)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	var group sync.WaitGroup
	for range followers {
		group.Go(func() {
			want := int64(0)
			for batch := range r.Follow(ctx, 0) {
				check(t, "batch", batch, want, want+int64(len(batch)))
				if len(batch) == 0 || len(batch) > followLines {
					t.Errorf("batch of %d lines", len(batch))
				}
				if want += int64(len(batch)); want >= lines || t.Failed() {
					return
				}
			}
			t.Errorf("followed to %d of %d", want, lines)
		})
	}
	fill(r, log, lines)
	group.Wait()
}

func TestFollow_SlowReaderSkipsLines(t *testing.T) {
	r, log := logger(10)
	fill(r, log, 5)
	var offs []int64
	for lines := range r.Follow(t.Context(), 0) {
		offs = append(offs, lines[0].Off)
		if len(offs) == 2 {
			break
		}
		fill(r, log, 100)
	}
	if offs[0] != 0 || offs[1] != 95 {
		t.Errorf("batches began at %d, want 0 and 95", offs)
	}
}

func TestFollow_EndsWithItsContext(t *testing.T) {
	r, log := logger(10)
	fill(r, log, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	batches := 0
	for range r.Follow(ctx, 0) { // ends, or the test hangs
		batches++
		cancel()
	}
	for range r.Follow(ctx, 0) {
		batches++
	}
	if batches != 1 {
		t.Errorf("%d batches, want the one before the end", batches)
	}
}

func TestRing_ConcurrentWriters(t *testing.T) {
	const writers, each = 8, 200
	r, log := logger(writers * each)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				log.Info("line", "writer", w, "i", i)
			}
		})
	}
	group.Wait()
	seen := make(map[string]bool)
	for i, l := range r.Tail(writers * each) {
		if l.Off != int64(i) {
			t.Fatalf("line %d has offset %d", i, l.Off)
		}
		seen[l.Attrs[0].Value+"/"+l.Attrs[1].Value] = true
	}
	if len(seen) != writers*each {
		t.Errorf("%d different lines, want %d", len(seen), writers*each)
	}
}
