package logs

import (
	"bytes"
	"io"
	"sync"
	"time"
)

const (
	maxQueued    = 1000                   // that wait for a writer that hangs; more are dropped
	writeTimeout = 100 * time.Millisecond // how long one line is waited for
)

// droppedMessage is the line, with their number n, in place of dropped ones.
const droppedMessage = "log lines dropped"

// outlet is a writer that does not hang for long when the one below does: a
// full pipe behind standard error must not stop a node. In good times a Write
// returns when the line is written. After one that takes too long, lines only
// queue up, until the writer has caught up.
//
// The goroutine that writes lives as long as there are lines. Nobody can end
// it while the writer below hangs.
type asyncWriter struct {
	w      io.Writer
	notice func(dropped int) []byte // the line that stands for dropped ones

	mu      sync.Mutex
	queue   [][]byte
	dropped int           // lines, since the queue was full
	drained chan struct{} // closed when the queue has been written; nil: nobody writes
	stuck   bool          // the writer took too long
}

// Write writes one line, or queues or drops it. It never fails: there would be
// no place to tell.
func (o *asyncWriter) Write(line []byte) (int, error) {
	drained := o.enqueue(bytes.Clone(line))
	if drained == nil {
		return len(line), nil
	}
	patience := time.NewTimer(writeTimeout)
	defer patience.Stop()
	select {
	case <-drained:
	case <-patience.C:
		o.mu.Lock()
		o.stuck = o.drained == drained
		o.mu.Unlock()
	}
	return len(line), nil
}

// enqueue takes the line and returns what to wait for, nil for nothing.
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

// drain writes what is queued, then ends.
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
			_, _ = o.w.Write(line) // there is no other place to log to
		}
		if dropped > 0 {
			_, _ = o.w.Write(o.notice(dropped))
		}
	}
}
