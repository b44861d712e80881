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
// is written. After one that takes too long, lines are only queued until the other writer has caught up. When the
// queue is full, it drops new lines and counts them. A Writer is safe for concurrent use.
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

// NewWriter returns a Writer that writes human-readable lines to w if text is true, and JSON otherwise.
func NewWriter(w io.Writer, text bool) *Writer { return &Writer{w: w, text: text} }

// Text reports whether the lines are for people.
func (w *Writer) Text() bool { return w.text }

// Handler returns a handler that writes each record from that level on as a line.
func (w *Writer) Handler(level slog.Leveler) slog.Handler {
	if w.text {
		return handler{
			enabled: func(_ context.Context, l slog.Level) bool { return l >= level.Level() },
			write:   func(l Line) { _, _ = w.Write(render(l)) },
		}
	}
	return jsonHandler(w, level)
}

// notice returns the line that replaces dropped ones.
func (w *Writer) notice(dropped int) []byte {
	if w.text {
		return textNotice(dropped)
	}
	return jsonNotice(dropped)
}

// Write writes, queues or drops one line. It never fails: the error could not be logged.
func (w *Writer) Write(line []byte) (int, error) {
	drained := w.enqueue(bytes.Clone(line))
	if drained == nil {
		return len(line), nil
	}
	select {
	case <-drained:
	case <-time.After(writeTimeout):
		w.mu.Lock()
		w.stuck = w.drained == drained
		w.mu.Unlock()
	}
	return len(line), nil
}

// enqueue queues the line and returns what to wait for, nil for nothing.
func (w *Writer) enqueue(line []byte) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) >= maxQueued {
		w.dropped++
		return nil
	}
	w.queue = append(w.queue, line)
	if w.drained == nil {
		w.drained = make(chan struct{})
		go w.drain()
	}
	if w.stuck {
		return nil
	}
	return w.drained
}

// drain writes the queue, then returns.
func (w *Writer) drain() {
	for {
		w.mu.Lock()
		if len(w.queue) == 0 && w.dropped == 0 {
			close(w.drained)
			w.drained, w.stuck = nil, false
			w.mu.Unlock()
			return
		}
		lines, dropped := w.queue, w.dropped
		w.queue, w.dropped = nil, 0
		w.mu.Unlock()
		for _, line := range lines {
			_, _ = w.w.Write(line) // the error could not be logged
		}
		if dropped > 0 {
			_, _ = w.w.Write(w.notice(dropped))
		}
	}
}
