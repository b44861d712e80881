package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	prompt = "ready$ " // of the shells, see place
	rows   = 24
	cols   = 1000 // so wide that nothing that is typed here wraps

	// patience is how long output is waited for: more is a hang, not slowness.
	patience = 15 * time.Second
)

// chunk is a piece of output and when it was there, decoded.
type chunk struct {
	at    time.Time
	bytes []byte
}

// link is a connection to one shell.
type link interface {
	// Send types. Calls may not overlap.
	Send(ctx context.Context, b []byte) error
	// Output is the shell's output. It is closed at the end; Err returns the reason.
	Output() <-chan chunk
	Err() error
	// Drawn reports that n more bytes were drawn.
	Drawn(n int)
	// Close ends the link and the shell, and waits for what it began.
	Close()
}

// way is a shell that can be reached by some link, at its prompt.
type way struct {
	name string
	link link
	pids []int // what carries its bytes; none for a bare pty
	rest chunk // taken from the link, not used yet
	// again opens another shell the same way, which the caller closes.
	again func(context.Context) (*way, error)
}

func (w *way) close() { w.link.Close() }

// newWay waits for the shell's first prompt.
func newWay(ctx context.Context, name string, l link) (*way, error) {
	w := &way{name: name, link: l}
	if _, err := w.until(ctx, prompt); err != nil {
		l.Close()
		return nil, err
	}
	return w, nil
}

func (w *way) send(ctx context.Context, text string) error { return w.link.Send(ctx, []byte(text)) }

// take waits for output and takes it, at most most bytes. It counts as drawn.
func (w *way) take(ctx context.Context, most int) (chunk, error) {
	if err := w.fill(ctx); err != nil {
		return chunk{}, err
	}
	return w.use(min(most, len(w.rest.bytes))), nil
}

// use takes n of the bytes that are there.
func (w *way) use(n int) chunk {
	c := chunk{w.rest.at, w.rest.bytes[:n]}
	w.rest.bytes = w.rest.bytes[n:]
	w.link.Drawn(n)
	return c
}

// fill waits until there are bytes to use.
func (w *way) fill(ctx context.Context) error {
	if len(w.rest.bytes) > 0 {
		return nil
	}
	select {
	case c, ok := <-w.link.Output():
		w.rest = c
		return w.ended(ok)
	default: // no timer on the busy path
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case c, ok := <-w.link.Output():
		w.rest = c
		return w.ended(ok)
	case <-timer.C:
		return fmt.Errorf("no output for %v", patience)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *way) ended(more bool) error {
	if more {
		return nil
	}
	if err := w.link.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return errors.New("the shell's output ended")
}

// until takes output up to and with text, and says when that was there.
func (w *way) until(ctx context.Context, text string) (time.Time, error) {
	var seen []byte
	for {
		if err := w.fill(ctx); err != nil {
			return time.Time{}, fmt.Errorf("waiting for %q: %w; output ends %q", text, err, seen)
		}
		before := len(seen)
		seen = append(seen, w.rest.bytes...)
		if i := bytes.Index(seen, []byte(text)); i >= 0 {
			return w.use(i + len(text) - before).at, nil
		}
		w.use(len(w.rest.bytes))
		seen = bytes.Clone(seen[max(0, len(seen)-200):])
	}
}
