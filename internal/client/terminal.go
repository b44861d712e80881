package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// Terminal follows one shell as a page does: it keeps what came, acknowledges it, and types. It is the protocol's
// reader, not an emulator: Bytes is raw output.
type Terminal struct {
	c      *Client
	shell  Shell
	stop   context.CancelFunc
	done   sync.WaitGroup
	typing sync.Mutex

	mu      sync.Mutex
	changed chan struct{}
	bytes   []byte
	off     int64 // after the last byte
	sent    int64 // numbers of input used
	sizes   []string
	exit    *string
	err     error
}

// Attach follows a shell from an offset; -1 is from the oldest byte kept. Close it.
func (c *Client) Attach(ctx context.Context, s Shell, from int64) (*Terminal, error) {
	ctx, stop := context.WithCancel(ctx)
	stream, err := c.Follow(ctx, s, from)
	if err != nil {
		stop()
		return nil, err
	}
	t := &Terminal{c: c, shell: s, stop: stop, changed: make(chan struct{}), off: max(from, 0)}
	t.done.Go(func() { t.read(ctx, stream) })
	return t, nil
}

// Close ends the stream and waits for its reader.
func (t *Terminal) Close() {
	t.stop()
	t.done.Wait()
}

func (t *Terminal) read(ctx context.Context, stream *Stream) {
	defer stream.Close()
	acked := int64(0)
	for {
		e, err := stream.Next()
		if err == nil {
			err = t.take(e)
		}
		if err != nil {
			t.update(func() { t.err = err })
			return
		}
		if off := t.Offset(); off-acked >= stream.Window/4 {
			acked = off
			if err := t.c.Ack(ctx, t.shell, off); err != nil {
				t.update(func() { t.err = err })
				return
			}
		}
	}
}

func (t *Terminal) take(e Event) (err error) {
	var said struct {
		Off        int64
		Rows, Cols int
		Code       int
		Signal     string
		Error      string
	}
	switch e.Name {
	case "output":
		o, err := ParseOutput(e)
		if err != nil {
			return err
		}
		t.update(func() {
			if o.Off != t.off {
				err = fmt.Errorf("output at %d, expected %d", o.Off, t.off)
				return
			}
			t.bytes, t.off = append(t.bytes, o.Bytes...), o.Off+int64(len(o.Bytes))
		})
		return err
	case "reset", "size", "exit", "lost", "gone":
		if err := json.Unmarshal(e.Data, &said); err != nil {
			return err
		}
	}
	t.update(func() {
		switch e.Name {
		case "reset":
			t.bytes, t.off = nil, said.Off
		case "size":
			t.sizes = append(t.sizes, fmt.Sprintf("%dx%d@%d", said.Rows, said.Cols, said.Off))
		case "exit":
			text := fmt.Sprintf("%d%s", said.Code, said.Signal)
			t.exit = &text
		case "gone":
			err = fmt.Errorf("gone: %s", said.Error)
		}
	})
	return err
}

func (t *Terminal) update(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	close(t.changed)
	t.changed = make(chan struct{})
}

// Type sends text as the next numbered input.
func (t *Terminal) Type(ctx context.Context, text string) error {
	t.typing.Lock()
	defer t.typing.Unlock()
	n := t.sent
	t.sent++
	return t.c.Input(ctx, t.shell, n, t.Offset(), []byte(text))
}

// Offset is the offset after the last byte that came.
func (t *Terminal) Offset() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.off
}

// Bytes are the bytes since the last reset.
func (t *Terminal) Bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.bytes)
}

// Sizes are the sizes that came, as "24x80@OFFSET".
func (t *Terminal) Sizes() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.sizes...)
}

// WaitFor waits until the output holds text.
func (t *Terminal) WaitFor(ctx context.Context, text string) error {
	searched := int64(0) // what lies before was searched already
	return t.wait(ctx, "output "+text, func() bool {
		first := t.off - int64(len(t.bytes))
		from := max(0, int(searched-first)-len(text))
		searched = t.off
		return bytes.Contains(t.bytes[min(from, len(t.bytes)):], []byte(text))
	})
}

// WaitPast waits for output beyond off, and returns the offset after the last byte that came.
func (t *Terminal) WaitPast(ctx context.Context, off int64) (int64, error) {
	err := t.wait(ctx, "more output", func() bool { return t.off > off })
	return t.Offset(), err
}

// WaitExit waits for the shell's end and returns its code and signal in one word.
func (t *Terminal) WaitExit(ctx context.Context) (how string, err error) {
	err = t.wait(ctx, "exit", func() bool { return t.exit != nil })
	if err == nil {
		how = *t.exit
	}
	return how, err
}

func (t *Terminal) wait(ctx context.Context, what string, ok func() bool) error {
	for {
		t.mu.Lock()
		met, changed, err := ok(), t.changed, t.err
		tail := t.bytes[max(0, len(t.bytes)-500):]
		t.mu.Unlock()
		if met {
			return nil
		}
		if err != nil {
			return fmt.Errorf("waiting for %q: %w; output ends %q", what, err, tail)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %q: %w; output ends %q", what, ctx.Err(), tail)
		}
	}
}
