package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	typingPause  = time.Second / 30
	typedKeys    = 30 // at 30 keys a second, in a round
	inputsAtOnce = 5  // as pages have over HTTP/1.1 while answers come
)

// typist sends keys as a page does: numbered, several inputs in flight, and keys that are typed while all places are
// taken go together in the next.
type typist struct {
	send func(ctx context.Context, n int64, b []byte) error
	fail func(error)
	next int64 // number of the next input

	mu    sync.Mutex // guards what follows, and next
	queue []byte     // typed and not in flight
	busy  int        // inputs in flight

	sending sync.WaitGroup
}

// press types a key and waits for nothing. Errors go to fail.
func (t *typist) press(ctx context.Context, key byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = append(t.queue, key)
	if t.busy == inputsAtOnce {
		return
	}
	t.busy++
	n, b := t.take()
	t.sending.Go(func() { t.carry(ctx, n, b) })
}

// take takes what is typed, and a number for it. The typist is locked.
func (t *typist) take() (n int64, b []byte) {
	n, b = t.next, t.queue
	t.next++
	t.queue = nil
	return n, b
}

// carry sends an input, and then what was typed meanwhile.
func (t *typist) carry(ctx context.Context, n int64, b []byte) {
	for {
		if err := t.send(ctx, n, b); err != nil {
			t.fail(err)
		}
		t.mu.Lock()
		if len(t.queue) == 0 {
			t.busy--
			t.mu.Unlock()
			return
		}
		n, b = t.take()
		t.mu.Unlock()
	}
}

// typeSteadily types 30 keys a second. It is the milliseconds from each key to its echo. ttyd sends its frames
// without waiting.
func typeSteadily(ctx context.Context, w *way) ([]float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	press := func(key byte) {
		if err := w.link.Send(ctx, []byte{key}); err != nil {
			cancel(err)
		}
	}
	if l, ok := w.link.(*convoyLink); ok {
		t := &typist{send: l.sendNumbered, fail: func(err error) { cancel(err) }, next: l.next}
		defer func() {
			t.sending.Wait()
			l.next = t.next
		}()
		press = func(key byte) { t.press(ctx, key) }
	}
	pressed := make(chan time.Time, typedKeys)
	var typing sync.WaitGroup
	defer typing.Wait()
	typing.Go(func() {
		beat := time.NewTicker(typingPause)
		defer beat.Stop()
		for i := range typedKeys {
			<-beat.C
			pressed <- time.Now()
			press(keyAt(i))
		}
	})
	times, err := echoes(ctx, w, pressed)
	if err != nil {
		cancel(err)
	}
	return times, err
}

// echoes takes the echoes of the keys that were pressed, one by one.
func echoes(ctx context.Context, w *way, pressed <-chan time.Time) (times []float64, err error) {
	for len(times) < typedKeys {
		c, err := w.take(ctx, 1)
		if err != nil {
			return nil, err
		}
		if want := keyAt(len(times)); c.bytes[0] != want {
			return nil, fmt.Errorf("key %d: the echo of %q is %q", len(times), want, c.bytes)
		}
		times = append(times, millis(c.at.Sub(<-pressed)))
	}
	return times, nil
}
