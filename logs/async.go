package logs

import (
	"bytes"
	"io"
	"sync"
	"time"
)

const (
	maxQueued    = 1000                   // lines that wait while the writer blocks; more are dropped
	writeTimeout = 100 * time.Millisecond // how long to wait for one line
)

// droppedMessage replaces n dropped lines.
const droppedMessage = "log lines dropped"

// asyncWriter is a writer that blocks only briefly when the one below does: a full pipe behind standard error must not
// stop a node. Normally Write returns when the line is written. After one that takes too long, lines are only queued
// until the writer has caught up.
//
// The writing goroutine runs while there are lines. It cannot be stopped while the writer below blocks.
type asyncWriter struct {
	w      io.Writer
	notice func(dropped int) []byte // returns the line that replaces dropped ones

	mu      sync.Mutex
	queue   [][]byte
	dropped int           // lines since the queue was full
	drained chan struct{} // closed when the queue has been written; nil: not writing
	stuck   bool          // the writer took too long
}

// Write writes, queues or drops one line. It never fails: the error could not be logged.
func (o *asyncWriter) Write(line []byte) (int, error) {
	drained := o.enqueue(bytes.Clone(line))
	if drained == nil {
		return len(line), nil
	}
	timer := time.NewTimer(writeTimeout)
	defer timer.Stop()
	select {
	case <-drained:
	case <-timer.C:
		o.mu.Lock()
		o.stuck = o.drained == drained
		o.mu.Unlock()
	}
	return len(line), nil
}

// enqueue queues the line and returns what to wait for, nil for nothing.
func (o *asyncWriter) enqueue(line []byte) <-chan struct{} {
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
func (o *asyncWriter) drain() {
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
