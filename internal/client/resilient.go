package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// inputsInFlight is how many inputs are in progress at a time.
const inputsInFlight = 4

// ResilientTerminal follows one shell and types into it over a bad network, as the console's page does
// (docs/protocol.md): it repeats an input that gets no answer under the same number, and opens a lost stream again at
// the byte that it has reached. It retries without a pause. It ends with an error at an answer that the protocol does
// not allow.
type ResilientTerminal struct {
	c      *Client
	shell  Shell
	window int64
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup
	places chan struct{}
	number int64 // of the next input

	mu      sync.Mutex
	changed chan struct{}
	got     []byte
	off     int64 // after the last byte of got
	sizes   []SizeAt
	streams int // opened so far
	err     error
}

// SizeAt is the size of the output from an offset on.
type SizeAt struct {
	Off        int64
	Rows, Cols int
}

// AttachResilient follows a shell from an offset that the node still has. window is the stream's, in bytes. Close it.
func (c *Client) AttachResilient(ctx context.Context, s Shell, from, window int64) *ResilientTerminal {
	t := &ResilientTerminal{
		c:       c,
		shell:   s,
		window:  window,
		places:  make(chan struct{}, inputsInFlight),
		off:     from,
		changed: make(chan struct{}),
	}
	t.ctx, t.stop = context.WithCancel(ctx)
	t.work.Go(t.read)
	t.work.Go(t.acknowledge)
	return t
}

// Close ends the stream and all inputs, and waits for them.
func (t *ResilientTerminal) Close() {
	t.stop()
	t.work.Wait()
}

// Type sends b as the next input as soon as fewer than four are in progress. Calls must not overlap.
func (t *ResilientTerminal) Type(b []byte) {
	t.places <- struct{}{}
	n := t.number
	t.number++
	t.work.Go(func() {
		defer func() { <-t.places }()
		t.send(n, b)
	})
}

// send sends an input until the node confirms that it is written.
func (t *ResilientTerminal) send(n int64, b []byte) {
	for t.ctx.Err() == nil {
		off, _, _ := t.state()
		err := t.c.Input(t.ctx, t.shell, n, off, b)
		refused, answered := errors.AsType[*Problem](err)
		switch {
		case err == nil:
			return
		case !answered, refused.temporary(): // lost, or the node restarts
		// an earlier input is still in progress
		case refused.Status == http.StatusConflict && refused.Expected != nil && *refused.Expected < n:
		default:
			t.fail(fmt.Errorf("input %d: %w", n, err)) //nolint:errcheck // it is kept
			return
		}
	}
}

// read keeps a stream open, and reads it.
func (t *ResilientTerminal) read() {
	for t.ctx.Err() == nil {
		off, _, _ := t.state()
		stream, err := t.c.Follow(t.ctx, t.shell, off)
		if err != nil {
			continue
		}
		t.change(func() { t.streams++ })
		for err == nil {
			var e Event
			if e, err = stream.Next(); err == nil {
				err = t.take(e)
			}
		}
		stream.Close()
	}
}

// take takes one event. An error of its own means that the terminal fails.
func (t *ResilientTerminal) take(e Event) error {
	switch e.Name {
	case "output":
		o, err := ParseOutput(e)
		if off, _, _ := t.state(); err == nil && o.Off != off {
			err = fmt.Errorf("output begins at %d, expected at %d", o.Off, off)
		}
		if err != nil {
			return t.fail(err)
		}
		t.change(func() { t.got, t.off = append(t.got, o.Bytes...), t.off+int64(len(o.Bytes)) })
	case "size":
		var at SizeAt
		if err := json.Unmarshal(e.Data, &at); err != nil {
			return t.fail(fmt.Errorf("event size: %q", e.Data))
		}
		t.change(func() { t.sizes = append(t.sizes, at) })
	case "presence", "hb":
		if !json.Valid(e.Data) {
			return t.fail(fmt.Errorf("event %s: %q", e.Name, e.Data))
		}
	default:
		return t.fail(fmt.Errorf("event %s: %s", e.Name, e.Data))
	}
	return nil
}

// acknowledge acknowledges output whenever a quarter of the window is full.
func (t *ResilientTerminal) acknowledge() {
	for done := int64(0); t.ctx.Err() == nil; {
		off, changed, _ := t.state()
		if off-done < t.window/4 {
			select {
			case <-changed:
			case <-t.ctx.Done():
			}
			continue
		}
		err := t.c.Ack(t.ctx, t.shell, off)
		if p, answered := errors.AsType[*Problem](err); answered && !p.temporary() {
			t.fail(fmt.Errorf("acknowledge %d: %w", off, err)) //nolint:errcheck // it is kept
			return
		}
		if err == nil {
			done = off
		}
	}
}

// Reach waits for all bytes before off, and returns the bytes that came.
func (t *ResilientTerminal) Reach(off int64) ([]byte, error) {
	return t.wait(func() bool { return t.off >= off })
}

// ReachText waits until the bytes hold text, and returns them.
func (t *ResilientTerminal) ReachText(text string) ([]byte, error) {
	seen := 0
	return t.wait(func() bool {
		from := max(0, seen-len(text))
		seen = len(t.got)
		return bytes.Contains(t.got[from:], []byte(text))
	})
}

// wait waits until ok, which holds t.mu, is true, and returns the bytes that came.
func (t *ResilientTerminal) wait(ok func() bool) ([]byte, error) {
	for {
		_, changed, err := t.state()
		if err == nil {
			err = t.ctx.Err()
		}
		t.mu.Lock()
		if ok() || err != nil {
			defer t.mu.Unlock()
			return bytes.Clone(t.got), err
		}
		t.mu.Unlock()
		select {
		case <-changed:
		case <-t.ctx.Done():
		}
	}
}

// Settled waits until the node has confirmed all inputs.
func (t *ResilientTerminal) Settled() {
	for range inputsInFlight {
		t.places <- struct{}{}
	}
	for range inputsInFlight {
		<-t.places
	}
}

// Sizes are the sizes that came, in the order of their offsets. Some are repeated.
func (t *ResilientTerminal) Sizes() []SizeAt {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.sizes)
}

// Streams is the number of streams opened so far.
func (t *ResilientTerminal) Streams() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.streams
}

func (t *ResilientTerminal) state() (off int64, changed <-chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.off, t.changed, t.err
}

func (t *ResilientTerminal) change(do func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	do()
	close(t.changed)
	t.changed = make(chan struct{})
}

// fail ends the terminal.
func (t *ResilientTerminal) fail(err error) error {
	t.change(func() {
		if t.err == nil && t.ctx.Err() == nil {
			t.err = err
		}
	})
	t.stop()
	return err
}
