package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	messageBytes   = 1 << 20
	sendTimeout    = 10 * time.Second // of one message, from its turn
	maxWaiting     = 1024             // messages waiting for one node
	waitingBytes   = 64 << 20         // of messages to all nodes
	sequenceHeader = "Convoy-Sequence"
)

// outbox holds messages to be sent: one queue per node, drained by one goroutine, so that messages between two nodes
// stay in order.
type outbox struct {
	mu       sync.Mutex
	queues   map[string][]*outgoing
	bytes    int          // of all messages, including those being sent
	sequence atomic.Int64 // numbers this instance's messages
}

// outgoing is a message to be sent.
type outgoing struct {
	ctx     context.Context
	process string
	body    []byte
	done    chan error // buffered
}

// Send puts a message, as JSON, into the mailbox of a process on a node, and waits until it is there. Messages between
// two nodes arrive in the order of the calls of Send, at most once. When ctx ends, a message that has not been sent is
// dropped; of one that has, the outcome is unknown.
//
// The error is ErrUnknownNode, ErrNoProcess, ErrMailboxFull (there, or of those waiting here), ErrUnreachable,
// ErrBadArguments, or the context's.
func (c *Cluster) Send(ctx context.Context, process, node string, message any) error {
	body, err := json.Marshal(message)
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrBadArguments, err)
	case len(body) > messageBytes:
		err = fmt.Errorf("%w: more than %d bytes", ErrBadArguments, messageBytes)
	case !isWord(process):
		err = ErrNoProcess
	default:
		err = c.post(ctx, node, &outgoing{ctx: ctx, process: process, body: body, done: make(chan error, 1)})
	}
	if err != nil {
		return fmt.Errorf("send to %q on %q: %w", process, node, err)
	}
	return nil
}

// post queues a message and waits for its answer.
func (c *Cluster) post(ctx context.Context, node string, m *outgoing) error {
	if err := c.outbox.push(node, m, func() bool { return c.group.run(func() { c.drain(node) }) }); err != nil {
		return err
	}
	select {
	case err := <-m.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return ErrClosed
	}
}

// push appends a message, and starts to drain the queue if it is idle.
func (o *outbox) push(node string, m *outgoing, begin func() bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	queue, active := o.queues[node]
	if len(queue) >= maxWaiting || o.bytes+len(m.body) > waitingBytes {
		return fmt.Errorf("%w: %d messages to that node wait here, and %d MiB to all; send more slowly",
			ErrMailboxFull, len(queue), o.bytes>>20)
	}
	if !active && !begin() {
		return ErrClosed
	}
	o.queues[node] = append(queue, m)
	o.bytes += len(m.body)
	return nil
}

// next removes the first message. If there is none, it removes the queue.
func (o *outbox) next(node string) *outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	queue := o.queues[node]
	if len(queue) == 0 {
		delete(o.queues, node)
		return nil
	}
	o.queues[node] = queue[1:]
	return queue[0]
}

// release gives back the bytes of a message.
func (o *outbox) release(m *outgoing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= len(m.body)
}

// drain sends the messages to a node, one after the other.
func (c *Cluster) drain(node string) {
	for m := c.outbox.next(node); m != nil; m = c.outbox.next(node) {
		if m.ctx.Err() == nil {
			m.done <- c.deliver(node, m)
		}
		c.outbox.release(m)
	}
}

func (c *Cluster) deliver(node string, m *outgoing) error {
	ctx, cancel := context.WithTimeout(m.ctx, sendTimeout)
	defer cancel()
	r, err := newPost(ctx, "/send/"+m.process, m.body)
	if err != nil {
		return err
	}
	r.Header.Set(sequenceHeader, strconv.FormatInt(c.outbox.sequence.Add(1), 10))
	answer, err := c.Do(node, r)
	if errors.Is(err, context.DeadlineExceeded) && m.ctx.Err() == nil {
		return fmt.Errorf("%w: no answer within %v", ErrUnreachable, sendTimeout)
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNoContent {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, messageBytes))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return decodeError(answer.StatusCode, body, node, m.process)
}
