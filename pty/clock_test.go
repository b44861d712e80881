package pty

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// unstarted is a shell without a program: tests supply its output.
func unstarted() *Shell {
	return newShell(NewTable(Config{Programs: programs("x")}).config, programs("x")[0], "x", size, func() {})
}

// yieldAll takes the events that a follower may yield.
func yieldAll(f *follower) {
	for status := stepEvent; status == stepEvent; {
		_, status, _ = f.step()
	}
}

// The first bytes after a pause are sent immediately; later ones are collected for coalesceTime, or until they fill an
// event.
func TestCoalescing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := unstarted()
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		type arrival struct {
			n  int
			at time.Duration
		}
		var got []arrival
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for event := range s.Follow(ctx, Viewer{ID: "v"}, 0) {
				if event.Kind == Output {
					got = append(got, arrival{len(event.Bytes), time.Since(began)})
				}
			}
		}()
		put := func(n int) {
			synctest.Wait()
			s.put(make([]byte, n))
		}
		put(1)
		put(10)
		put(20) // continuous: with the 10, after 2 ms
		time.Sleep(10 * time.Millisecond)
		put(2) // after a pause
		put(chunkBytes - 100)
		put(150) // fills one event, up to a multiple of chunkBytes
		time.Sleep(10 * time.Millisecond)
		cancel()
		<-ended
		want := []arrival{{1, 0}, {30, coalesceTime}, {2, 10 * time.Millisecond},
			{chunkBytes - 33, 10 * time.Millisecond}, {83, 10*time.Millisecond + coalesceTime}}
		if len(got) != len(want) {
			t.Fatalf("arrived %v, want %v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("arrived %v, want %v", got, want)
			}
		}
	})
}

// A viewer that draws nothing delays the reader for patience after its last progress, and then not until it draws
// again.
func TestReaderIsPatientOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := unstarted()
		timer := time.NewTimer(time.Hour)
		defer timer.Stop()
		held := func() time.Duration {
			began := time.Now()
			s.pace(timer)
			return time.Since(began)
		}
		f := s.attach(Viewer{ID: "typist", CanType: true}, 0)
		defer s.detach(f)
		s.put(make([]byte, paceBytes))
		go func() {
			time.Sleep(patience / 2)
			s.put(make([]byte, paceBytes))
			s.Ack("typist", 1)
		}()
		if took := held(); took != patience*3/2 {
			t.Errorf("held for %v", took)
		}
		s.put(make([]byte, 1))
		if took := held(); took != 0 {
			t.Errorf("held for %v by a stalled viewer", took)
		}
		s.Ack("typist", 2)
		go func() {
			time.Sleep(patience / 2)
			s.Ack("typist", s.Info().End)
		}()
		if took := held(); took != patience/2 {
			t.Errorf("held for %v although it drew", took)
		}
	})
}

func TestReaderWaitsForFastestTypingViewer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := unstarted()
		now := s.attach(Viewer{ID: "now", CanType: true}, 0)
		s.attach(Viewer{ID: "watcher", CanType: false}, 0)
		slow := s.attach(Viewer{ID: "slow", CanType: true}, 0)
		put := func(n int) { s.put(make([]byte, n)) }

		put(paceBytes - 1)
		if wait := s.hold(now.progress); wait != 0 {
			t.Errorf("held for %v within the bound", wait)
		}
		put(1)
		yieldAll(slow)
		if wait := s.hold(now.progress); wait <= 0 || wait > patience {
			t.Errorf("held for %v at the bound", wait)
		}
		if s.Ack("now", paceBytes/2); s.hold(now.progress) != 0 {
			t.Error("held although the fastest has drawn")
		}
		put(paceBytes)
		if s.Ack("watcher", s.ring.end); s.hold(now.progress) <= 0 {
			t.Error("not held: a view-only viewer's Ack counted")
		}
		long := now.progress.Add(-patience) // as if both had drawn nothing for a long time
		now.progress, slow.progress = long, long
		if wait := s.hold(long); wait > 0 || !now.stalled || !slow.stalled {
			t.Errorf("held for %v by stalled viewers", wait)
		}
		if s.Ack("slow", 1); s.hold(slow.progress) <= 0 {
			t.Error("not held by a viewer that draws again")
		}
		s.detach(slow)
		if wait := s.hold(long); wait > 0 {
			t.Errorf("held for %v by a viewer that is gone", wait)
		}
	})
}

// A viewer that is slower than the fastest one delays the reader for patience, and then for a tenth of the time.
func TestReaderWaitsForOthersForShareOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := unstarted()
		timer := time.NewTimer(time.Hour)
		defer timer.Stop()
		s.attach(Viewer{ID: "fast", CanType: true}, 0)
		s.attach(Viewer{ID: "slow", CanType: true}, 0)
		s.attach(Viewer{ID: "stalled", CanType: true}, 0)
		// held is how long the reader waits after so much output, all of which the fast viewer draws.
		held := func(n int) time.Duration {
			s.put(make([]byte, n))
			for _, f := range s.followers {
				yieldAll(f)
			}
			s.Ack("fast", s.ring.end)
			began := time.Now()
			s.pace(timer)
			return time.Since(began)
		}
		if took := held(paceBytes); took != 0 {
			t.Errorf("held for %v by viewers that have drawn nothing", took)
		}
		s.Ack("slow", 1)
		if took := held(1); took != patience {
			t.Errorf("held for %v by a slow viewer", took)
		}
		s.Ack("slow", 2)
		if took := held(1); took != 0 {
			t.Errorf("held for %v by a viewer that was too slow", took)
		}
		s.Ack("slow", s.ring.end) // it is up to date
		time.Sleep(time.Second)
		held(paceBytes)
		s.Ack("slow", s.ring.end-paceBytes+1)
		if took := held(1); took != time.Second/(waitShare-1) { // of the time with that
			t.Errorf("held for %v by a viewer that used its share a second ago", took)
		}
	})
}

// When one of several viewers falls behind, the reader lets all of them draw nearly everything.
func TestReaderLetsViewersCatchUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := unstarted()
		began := time.Now()
		ids := []string{"a", "b", "c"}
		for _, id := range ids {
			s.attach(Viewer{ID: id, CanType: true}, 0)
		}
		s.put(make([]byte, paceBytes))
		for i, id := range ids {
			if s.hold(began) <= 0 {
				t.Errorf("not held before %s has drawn", id)
			}
			s.Ack(id, s.ring.end-int64(i))
		}
		if wait := s.hold(began); wait > 0 {
			t.Errorf("held for %v although all have drawn", wait)
		}
		s.put(make([]byte, paceBytes/2))
		if wait := s.hold(began); wait > 0 {
			t.Errorf("held for %v by viewers that are not far behind", wait)
		}
	})
}
