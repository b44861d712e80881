package pty

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestGapIsReportedAfterGapWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newSequencer()
		began := time.Now()
		_, _, err := o.acquire(t.Context(), 3, nil)
		gap, ok := errors.AsType[*GapError](err)
		if !ok || gap.Expected != 0 {
			t.Fatalf("take 3: %v", err)
		}
		if took := time.Since(began); took != gapWait {
			t.Errorf("took %v", took)
		}
	})
}

func TestPredecessorInProgressIsNoGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newSequencer()
		if _, repeat, err := o.acquire(t.Context(), 0, nil); repeat || err != nil {
			t.Fatal(repeat, err)
		}
		again := make(chan bool, 1)
		go func() {
			_, repeat, _ := o.acquire(t.Context(), 0, nil)
			again <- repeat
		}()
		next := make(chan error, 1)
		go func() {
			_, _, err := o.acquire(t.Context(), 1, nil)
			next <- err
		}()
		time.Sleep(10 * gapWait) // synthetic time: the terminal is blocked for long
		synctest.Wait()
		if len(again)+len(next) != 0 {
			t.Fatal("did not wait for the write in progress")
		}
		o.release(5, true)
		if repeat := <-again; !repeat {
			t.Error("the repeated number would be written again")
		}
		if err := <-next; err != nil {
			t.Error(err)
		}
	})
}

func TestWaitingInputEndsWithContextAndShell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newSequencer()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := o.acquire(ctx, 1, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the context's end: %v", err)
		}
		if _, _, err := o.acquire(ctx, 0, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("its turn, but after the context's end: %v", err)
		}
		ended := make(chan struct{})
		close(ended)
		if _, _, err := o.acquire(t.Context(), 1, ended); !errors.Is(err, ErrEnded) {
			t.Errorf("after the shell's end: %v", err)
		}
		if o.next != 0 || o.busy {
			t.Errorf("something was taken: %+v", o)
		}
	})
}

func TestNumberContinuesWhereItStopped(t *testing.T) {
	t.Parallel()
	o := newSequencer()
	taken := 0
	for _, n := range []int{3, 4, 5} {
		part, repeat, err := o.acquire(t.Context(), 0, nil)
		if part != taken || repeat || err != nil {
			t.Fatalf("part %d, repeat %v, %v; want part %d", part, repeat, err, taken)
		}
		o.release(n, n == 5)
		taken += n
	}
	if part, repeat, err := o.acquire(t.Context(), 1, nil); part != 0 || repeat || err != nil {
		t.Errorf("next number: part %d, repeat %v, %v", part, repeat, err)
	}
}
