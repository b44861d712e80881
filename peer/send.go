package peer

import (
	"bytes"
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
	sendTimeout    = 10 * time.Second // of one message, once it is its turn
	maxWaiting     = 1024             // messages to one node that wait for their turn
	waitingBytes   = 64 << 20         // of messages to all nodes
	sequenceHeader = "Convoy-Sequence"
)

// outbox holds what waits to be sent: one queue for each node, emptied by one
// goroutine, so that messages of this node to another arrive in their order.
type outbox struct {
	mu       sync.Mutex
	queues   map[string][]*letter
	bytes    int          // of all letters, those under way too
	sequence atomic.Int64 // numbers this instance's messages
}

// letter is one message on its way.
type letter struct {
	ctx     context.Context
	process string
	body    []byte
	done    chan error // has room for the answer
}

// Send puts a message, as JSON, into the mailbox of a process on a node, and
// waits until it is there. Messages from this node to another arrive in the order
// in which Send was called for them, at most once. A context that ends takes back
// a message that has not been sent yet; of one that has, nothing is known.
//
// The error is ErrUnknownNode, ErrNoProcess, ErrMailboxFull (there, or of those
// waiting here), ErrUnreachable, ErrBadArguments, or the context's own.
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
		err = c.post(ctx, node, &letter{ctx: ctx, process: process, body: body, done: make(chan error, 1)})
	}
	if err != nil {
		return fmt.Errorf("send to %q on %q: %w", process, node, err)
	}
	return nil
}

// post queues a letter and waits for its answer.
func (c *Cluster) post(ctx context.Context, node string, l *letter) error {
	if err := c.outbox.put(node, l, func() bool { return c.group.run(func() { c.empty(node) }) }); err != nil {
		return err
	}
	select {
	case err := <-l.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return ErrClosed
	}
}

// put appends a letter, and begins to empty the queue if nobody does.
func (o *outbox) put(node string, l *letter, begin func() bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	queue, active := o.queues[node]
	if len(queue) >= maxWaiting || o.bytes+len(l.body) > waitingBytes {
		return fmt.Errorf(
			"%w: %d messages to that node wait here, and %d MiB to all; send more slowly",
			ErrMailboxFull,
			len(queue),
			o.bytes>>20,
		)
	}
	if !active && !begin() {
		return ErrClosed
	}
	o.queues[node] = append(queue, l)
	o.bytes += len(l.body)
	return nil
}

// next takes the first letter; if there is none, the queue is gone.
func (o *outbox) next(node string) *letter {
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

// sent takes note that a letter is not held any longer.
func (o *outbox) sent(l *letter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= len(l.body)
}

// empty sends what waits for a node, one after the other.
func (c *Cluster) empty(node string) {
	for l := c.outbox.next(node); l != nil; l = c.outbox.next(node) {
		if l.ctx.Err() == nil {
			l.done <- c.deliver(node, l)
		}
		c.outbox.sent(l)
	}
}

func (c *Cluster) deliver(node string, l *letter) error {
	ctx, cancel := context.WithTimeout(l.ctx, sendTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/send/"+l.process, bytes.NewReader(l.body))
	if err != nil {
		return err
	}
	r.GetBody = nil // else net/http might send it again on its own
	r.Header.Set(sequenceHeader, strconv.FormatInt(c.outbox.sequence.Add(1), 10))
	answer, err := c.Do(node, r)
	if errors.Is(err, context.DeadlineExceeded) && l.ctx.Err() == nil {
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
	return problemFrom(answer.StatusCode, body, node, l.process)
}
