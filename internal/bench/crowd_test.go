package main

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"convoy/internal/client"
)

func TestSome(t *testing.T) {
	t.Parallel()
	done := make([]atomic.Int64, 5*crowdAtOnce)
	times, err := some(len(done), func(i int) error {
		done[i].Add(1)
		return nil
	})
	if err != nil || len(times) != len(done) {
		t.Fatalf("%d times, %v", len(times), err)
	}
	for i := range done {
		if n := done[i].Load(); n != 1 {
			t.Errorf("number %d was done %d times", i, n)
		}
	}
}

func TestSomeStopsAtAnError(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	var begun atomic.Int64
	_, err := some(100*crowdAtOnce, func(i int) error {
		if begun.Add(1); i == 7 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) {
		t.Errorf("error %v, want %v", err, full)
	}
	if n := begun.Load(); n == 100*crowdAtOnce {
		t.Error("nothing stopped")
	}
}

func TestLinesText(t *testing.T) {
	t.Parallel()
	if got, want := linesText(2), prompt+"lines 2\r\nline 0\r\nline 1\r\n"+prompt; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestMean(t *testing.T) {
	t.Parallel()
	if got := mean([]float64{1, 2, 6}); got != 3 {
		t.Errorf("mean = %v", got)
	}
}

// TestWatcherMisses has lists of nodes come: the one without the text is waited for.
func TestWatcherMisses(t *testing.T) {
	t.Parallel()
	w := &watcher{}
	gone := w.miss("abc")
	var seen []bool
	for _, list := range []string{"<li>abc</li>", "<li>abd</li>", "<li></li>"} {
		if err := w.take(client.Event{Name: "nodes", Data: []byte(list)}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-gone:
			seen = append(seen, true)
		default:
			seen = append(seen, false)
		}
	}
	if !slices.Equal(seen, []bool{false, true, true}) {
		t.Errorf("seen %v", seen)
	}
}

// TestWatcherFindsGaps receives output that does not continue where the last ended.
func TestWatcherFindsGaps(t *testing.T) {
	t.Parallel()
	w := &watcher{tally: newTally(0, 3, 3)}
	for _, step := range []struct {
		data  string
		wrong bool
	}{{"n/s 0 YWI=", false}, {"n/s 3 Yw==", true}, {"n/s 1 Yw==", true}, {"n/s 2 Yw==", false}} {
		if err := w.take(client.Event{Name: "output", Data: []byte(step.data)}); (err != nil) != step.wrong {
			t.Errorf("%q: %v", step.data, err)
		}
	}
	if !ended(w.tally) || w.tally.bytes != 3 {
		t.Errorf("%+v", w.tally)
	}
}
