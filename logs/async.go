package logs

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	maxQueued    = 1000                   // lines that wait while the writer blocks; more are dropped
	writeTimeout = 100 * time.Millisecond // how long to wait for one line
)

// droppedMessage replaces n dropped lines.
const droppedMessage = "log lines dropped"

// Writer writes lines to another writer, which can neither stop nor end a node: Write never fails, and blocks only
// briefly while the other one blocks, such as a full pipe behind standard output. Normally Write returns when the line
// is written. After one that takes too long, lines are only queued until the other writer has caught up; of many, it
// drops and counts the newest. A Writer is safe for concurrent use.
//
// The writing goroutine runs while there are lines. It cannot be stopped while the other writer blocks.
type Writer struct {
	w    io.Writer
	text bool

	mu      sync.Mutex
	queue   [][]byte
	dropped int           // lines since the queue was full
	drained chan struct{} // closed when the queue has been written; nil: not writing
	stuck   bool          // the writer took too long
}

// NewWriter returns a writer to w of lines for people, if text, or else of JSON.
func NewWriter(w io.Writer, text bool) *Writer { return &Writer{w: w, text: text} }

// Text reports whether the lines are for people.
func (o *Writer) Text() bool { return o.text }

// Handler returns a handler that writes each record from that level on as a line.
func (o *Writer) Handler(level slog.Leveler) slog.Handler {
	if o.text {
		return handler{
			enabled: func(_ context.Context, l slog.Level) bool { return l >= level.Level() },
			write:   func(l Line) { _, _ = o.Write(render(l)) },
		}
	}
	return jsonHandler(o, level)
}

// notice returns the line that replaces dropped ones.
func (o *Writer) notice(dropped int) []byte {
	if o.text {
		return textNotice(dropped)
	}
	return jsonNotice(dropped)
}

// Write writes, queues or drops one line. It never fails: the error could not be logged.
func (o *Writer) Write(line []byte) (int, error) {
	drained := o.enqueue(bytes.Clone(line))
	if drained == nil {
		return len(line), nil
	}
	select {
	case <-drained:
	case <-time.After(writeTimeout):
		o.mu.Lock()
		o.stuck = o.drained == drained
		o.mu.Unlock()
	}
	return len(line), nil
}

// enqueue queues the line and returns what to wait for, nil for nothing.
func (o *Writer) enqueue(line []byte) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) >= maxQueued {
		o.dropped++
		return nil
	}
	o.queue = append(o.queue, line)
	if o.drained == nil {
		o.drained = make(chan struct{})
		go o.drain()
	}
	if o.stuck {
		return nil
	}
	return o.drained
}

// drain writes the queue, then returns.
func (o *Writer) drain() {
	for {
		o.mu.Lock()
		if len(o.queue) == 0 && o.dropped == 0 {
			close(o.drained)
			o.drained, o.stuck = nil, false
			o.mu.Unlock()
			return
		}
		lines, dropped := o.queue, o.dropped
		o.queue, o.dropped = nil, 0
		o.mu.Unlock()
		for _, line := range lines {
			_, _ = o.w.Write(line) // the error could not be logged
		}
		if dropped > 0 {
			_, _ = o.w.Write(o.notice(dropped))
		}
	}
}
