package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
)

// TestTypistGathers has all places taken: what is typed then goes together, under the next number.
func TestTypistGathers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	sent := map[int64]string{}
	under, free := make(chan struct{}, 10), make(chan struct{})
	typist := &typist{
		next: 7,
		fail: func(err error) { t.Error(err) },
		send: func(_ context.Context, n int64, b []byte) error {
			mu.Lock()
			sent[n] = string(b)
			mu.Unlock()
			under <- struct{}{}
			<-free
			return nil
		},
	}
	for i := range inputsAtOnce + 3 {
		typist.press(t.Context(), keyAt(i))
	}
	for range inputsAtOnce {
		<-under
	}
	mu.Lock()
	if len(sent) != inputsAtOnce {
		t.Errorf("%d inputs are in flight, want %d", len(sent), inputsAtOnce)
	}
	mu.Unlock()
	close(free)
	typist.sending.Wait()
	var got []string
	for n := int64(7); n < typist.next; n++ {
		got = append(got, sent[n])
	}
	if want := []string{"a", "b", "c", "d", "e", "fgh"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	if typist.busy != 0 {
		t.Errorf("%d places are taken at the end", typist.busy)
	}
}

func TestTypistFails(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	told := make(chan error, 1)
	typist := &typist{
		fail: func(err error) { told <- err },
		send: func(context.Context, int64, []byte) error { return refused },
	}
	typist.press(t.Context(), 'a')
	if err := <-told; !errors.Is(err, refused) {
		t.Errorf("told %v, want %v", err, refused)
	}
	typist.sending.Wait()
}
