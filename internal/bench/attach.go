package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"convoy/internal/client"
)

// errLostBytes is a reset in the middle: the viewer was too slow, or Convoy is broken.
var errLostBytes = errors.New("bytes were lost")

// convoyLink is a viewer of one shell of Convoy: the whole protocol, without a browser.
type convoyLink struct {
	viewer *client.Client
	shell  client.Shell
	stream *client.Stream
	stop   context.CancelCauseFunc
	out    chan chunk
	done   sync.WaitGroup
	err    error // read it when out is closed

	next  int64 // number of the next input
	got   atomic.Int64
	drawn atomic.Int64
	acked atomic.Int64
	due   chan struct{} // holds a token when an acknowledgement is due
}

// open opens a shell on the control plane.
func (c *convoy) open(ctx context.Context, name string) (*way, error) {
	return c.openOn(ctx, name, c.name, c.pid())
}

// openNode spawns a node and opens a shell there, through the control plane.
func (c *convoy) openNode(ctx context.Context, name string) (*way, error) {
	viewer := c.client(c.base)
	stream, err := viewer.Stream(ctx, url.Values{"want": {"nodes"}})
	if err != nil {
		return nil, err
	}
	node, err := spawn(ctx, viewer, stream)
	stream.Close()
	if err != nil {
		return nil, fmt.Errorf("spawn: %w", err)
	}
	pid, err := pidOf(node)
	if err != nil {
		return nil, err
	}
	return c.openOn(ctx, name, node.Name, c.pid(), pid)
}

// openOn opens a shell on a node, which these processes carry.
func (c *convoy) openOn(ctx context.Context, name, node string, pids ...int) (*way, error) {
	open := func(ctx context.Context) (*way, error) {
		l, err := openShell(ctx, c.client(c.base), node)
		if err != nil {
			return nil, err
		}
		return newWay(ctx, name, l)
	}
	w, err := open(ctx)
	if err == nil {
		w.pids, w.again = pids, open
	}
	return w, err
}

// openShell opens a shell on a node and follows it.
func openShell(ctx context.Context, viewer *client.Client, node string) (*convoyLink, error) {
	var shell client.Shell
	size := fmt.Appendf(nil, `{"rows":%d,"cols":%d}`, rows, cols)
	if err := viewer.Do(ctx, http.MethodPost, "/nodes/"+url.PathEscape(node)+"/shells", size, &shell); err != nil {
		return nil, fmt.Errorf("open a shell: %w", err)
	}
	return follow(ctx, viewer, shell)
}

// follow follows a shell from its first byte.
func follow(ctx context.Context, viewer *client.Client, shell client.Shell) (*convoyLink, error) {
	ctx, stop := context.WithCancelCause(ctx)
	stream, err := viewer.Follow(ctx, shell, 0)
	if err != nil {
		stop(nil)
		return nil, err
	}
	l := &convoyLink{
		viewer: viewer,
		shell:  shell,
		stream: stream,
		stop:   stop,
		out:    make(chan chunk, 64),
		due:    make(chan struct{}, 1),
	}
	l.done.Go(func() { l.read(ctx) })
	l.done.Go(func() { l.acknowledge(ctx) })
	return l, nil
}

func (l *convoyLink) read(ctx context.Context) {
	defer close(l.out)
	for {
		e, err := l.stream.Next()
		var c chunk
		if err == nil {
			c, err = l.decode(e)
		}
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			l.err = err
			return
		}
		if len(c.bytes) == 0 {
			continue
		}
		select {
		case l.out <- c:
		case <-ctx.Done():
			return
		}
	}
}

// decode checks that output continues where it ended.
func (l *convoyLink) decode(e client.Event) (c chunk, err error) {
	switch e.Name {
	case "output":
		o, err := client.ParseOutput(e)
		if err != nil {
			return c, err
		}
		if o.Off != l.got.Load() {
			return c, fmt.Errorf("output at offset %d, expected %d", o.Off, l.got.Load())
		}
		l.got.Add(int64(len(o.Bytes)))
		return chunk{time.Now(), o.Bytes}, nil
	case "reset":
		return c, fmt.Errorf("%w after offset %d", errLostBytes, l.got.Load())
	case "exit", "lost", "gone":
		return c, fmt.Errorf("%s: %s", e.Name, e.Data)
	}
	return c, nil
}

// Drawn has what is drawn acknowledged at a quarter of the window.
func (l *convoyLink) Drawn(n int) {
	if l.drawn.Add(int64(n))-l.acked.Load() < l.stream.Window/4 {
		return
	}
	select {
	case l.due <- struct{}{}:
	default:
	}
}

// acknowledge sends acknowledgements, one at a time: the reader does not wait for them, as a page does not.
func (l *convoyLink) acknowledge(ctx context.Context) {
	for {
		select {
		case <-l.due:
		case <-ctx.Done():
			return
		}
		off := l.drawn.Load()
		if off-l.acked.Swap(off) < l.stream.Window/4 {
			continue
		}
		if err := l.viewer.Ack(ctx, l.shell, off); err != nil {
			l.stop(fmt.Errorf("acknowledge: %w", err))
			return
		}
	}
}

// Send types, and waits for the answer.
func (l *convoyLink) Send(ctx context.Context, b []byte) error {
	n := l.next
	l.next++
	return l.sendNumbered(ctx, n, b)
}

// sendNumbered may be called for several numbers at once.
func (l *convoyLink) sendNumbered(ctx context.Context, n int64, b []byte) error {
	off := l.drawn.Load()
	l.acked.Store(off)
	return l.viewer.Input(ctx, l.shell, n, off, b)
}

func (l *convoyLink) Output() <-chan chunk { return l.out }
func (l *convoyLink) Err() error           { return l.err }

// Close ends the stream and takes the shell off its node.
func (l *convoyLink) Close() {
	l.stop(errors.New("closed"))
	l.stream.Close()
	l.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), stopWait)
	defer cancel()
	// Convoy ends soon, and its shells with it.
	l.viewer.Do(ctx, http.MethodDelete, l.shell.Path(), nil, nil) //nolint:errcheck
	l.viewer.Close()
}
