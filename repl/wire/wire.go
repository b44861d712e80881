// Package wire carries calls between two processes over a stream, in both directions: between a Convoy shell's
// supervisor, its sandbox, and the node.
//
// A message is a length (uint32, big endian) followed by JSON, at most [MaxMessage]:
//
//	{"id": 7, "fn": "rpc.call", "args": […]}    a call
//	{"id": 7, "cancel": true}                   its caller no longer needs the answer
//	{"re": 7, "value": …} or {"re": 7, "error": "…"}   the answer
//	{"fn": "out", "args": […]}                  a notification, without an answer
//
// Messages arrive in the order in which they were sent. Calls run concurrently; a notification is handled before the
// next message is read.
package wire

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
)

const (
	// MaxMessage limits a message, in bytes.
	MaxMessage = 8 << 20
	// maxCalls limits the other side's concurrent calls.
	maxCalls = 64
)

var (
	// ErrClosed reports that the other side is gone, and got no such call.
	ErrClosed = errors.New("the connection is closed")
	// ErrLost is the ErrClosed of a call that was sent: the other side may have carried it out.
	ErrLost = fmt.Errorf("%w: no answer came", ErrClosed)
)

// Handler serves the other side's calls. Its result is encoded as JSON; the caller gets the text of its error. ctx ends
// when the caller gives up or goes away.
type Handler func(ctx context.Context, fn string, args []json.RawMessage) (any, error)

// message is any of the forms above.
type message struct {
	ID     uint64            `json:"id,omitempty"`
	Fn     string            `json:"fn,omitempty"`
	Args   []json.RawMessage `json:"args,omitempty"`
	Cancel bool              `json:"cancel,omitempty"`
	Re     uint64            `json:"re,omitempty"`
	Value  json.RawMessage   `json:"value,omitempty"`
	Error  string            `json:"error,omitempty"`
}

// Conn is one end of a connection. Its methods are safe for concurrent use.
type Conn struct {
	stream io.ReadWriteCloser
	handle Handler

	writing sync.Mutex    // held while a message is written
	done    chan struct{} // closed when reading has ended

	mu      sync.Mutex
	last    uint64
	pending map[uint64]chan message       // for answers, by id
	running map[uint64]context.CancelFunc // the other side's calls
	calls   sync.WaitGroup
}

// New returns an end of stream, which it owns. It reads nothing before Serve.
func New(stream io.ReadWriteCloser, handle Handler) *Conn {
	return &Conn{
		stream:  stream,
		handle:  handle,
		done:    make(chan struct{}),
		pending: map[uint64]chan message{},
		running: map[uint64]context.CancelFunc{},
	}
}

// Serve reads until the other side goes away, violates the protocol, or ctx ends; call it once. Then it closes the
// stream, waits for calls in progress, and returns the reason, nil for an orderly end.
func (c *Conn) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { c.stream.Close() }) //nolint:errcheck // the reader sees the end
	defer stop()
	err := c.read(ctx)
	close(c.done)
	ended := ctx.Err() != nil
	cancel()
	c.stream.Close() //nolint:errcheck // it has ended
	c.failPending()
	c.calls.Wait()
	if ended || errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, os.ErrClosed) ||
		errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Done is closed when the other side is gone, before Serve has waited for calls in progress.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Close ends the connection; Serve returns.
func (c *Conn) Close() error { return c.stream.Close() }

func (c *Conn) read(ctx context.Context) error {
	in := bufio.NewReader(c.stream)
	for {
		m, err := readMessage(in)
		if err != nil {
			return err
		}
		switch {
		case m.Re != 0:
			c.deliver(m)
		case m.Cancel:
			c.cancel(m.ID)
		case m.ID != 0:
			if err := c.start(ctx, m); err != nil {
				return err
			}
		default:
			if _, err := c.handle(ctx, m.Fn, m.Args); err != nil {
				return fmt.Errorf("note %q: %w", m.Fn, err)
			}
		}
	}
}

func readMessage(in *bufio.Reader) (m message, err error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return m, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > MaxMessage {
		return m, fmt.Errorf("message of %d bytes, at most %d are allowed", n, MaxMessage)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(in, body); err != nil {
		return m, io.ErrUnexpectedEOF
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("message is not JSON: %w", err)
	}
	return m, nil
}

func (c *Conn) write(m message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(body) > MaxMessage {
		return fmt.Errorf("%d bytes are too much, at most %d are allowed", len(body), MaxMessage)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err = c.stream.Write(
		append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body))), body...),
	)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return nil
}

// start runs a call of the other side.
func (c *Conn) start(ctx context.Context, m message) error {
	c.mu.Lock()
	known, full := c.running[m.ID] != nil, len(c.running) >= maxCalls
	if known || full {
		c.mu.Unlock()
		if known {
			return fmt.Errorf("call %d is already in progress", m.ID)
		}
		return c.write(message{Re: m.ID, Error: fmt.Sprintf("more than %d calls at once", maxCalls)})
	}
	ctx, end := context.WithCancel(ctx)
	c.running[m.ID] = end
	c.mu.Unlock()
	c.calls.Go(func() {
		defer end()
		defer c.cancel(m.ID)
		c.answer(m.ID, func() (any, error) { return c.handle(ctx, m.Fn, m.Args) })
	})
	return nil
}

// answer sends a call's result, or that it cannot be sent.
func (c *Conn) answer(id uint64, call func() (any, error)) {
	value, err := call()
	reply := message{Re: id}
	if err == nil {
		reply.Value, err = json.Marshal(value)
	}
	if err == nil {
		err = c.write(reply)
	}
	if err != nil {
		c.write(message{Re: id, Error: err.Error()}) //nolint:errcheck // the reader sees a broken stream
	}
}

// cancel cancels a call of the other side.
func (c *Conn) cancel(id uint64) {
	c.mu.Lock()
	end := c.running[id]
	delete(c.running, id)
	c.mu.Unlock()
	if end != nil {
		end()
	}
}

// deliver passes an answer to its caller, if it still waits.
func (c *Conn) deliver(m message) {
	c.mu.Lock()
	wait := c.pending[m.Re]
	delete(c.pending, m.Re)
	c.mu.Unlock()
	if wait != nil {
		wait <- m
	}
}

// failPending makes pending calls return ErrLost.
func (c *Conn) failPending() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, wait := range c.pending {
		close(wait)
	}
	c.pending = nil
}

// Call runs a function of the other side and waits for the answer, until ctx ends. The error is ErrClosed, ErrLost,
// the context's, or has the text of the other side's error.
func (c *Conn) Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	encoded, err := encodeArgs(args)
	if err != nil {
		return nil, err
	}
	m := message{Fn: fn, Args: encoded}
	wait := make(chan message, 1)
	c.mu.Lock()
	if c.pending == nil {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	c.last++
	m.ID = c.last
	c.pending[m.ID] = wait
	c.mu.Unlock()
	if err := c.write(m); err != nil {
		c.forget(m.ID)
		return nil, err
	}
	select {
	case reply, ok := <-wait:
		switch {
		case !ok:
			return nil, ErrLost
		case reply.Error != "":
			return nil, errors.New(reply.Error)
		}
		return reply.Value, nil
	case <-ctx.Done():
		c.forget(m.ID)
		c.write(message{ID: m.ID, Cancel: true}) //nolint:errcheck // the reader sees a broken stream
		return nil, ctx.Err()
	}
}

func (c *Conn) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
}

// Notify sends a notification. It blocks while the other side does not read.
func (c *Conn) Notify(fn string, args ...any) error {
	encoded, err := encodeArgs(args)
	if err != nil {
		return err
	}
	return c.write(message{Fn: fn, Args: encoded})
}

func encodeArgs(args []any) (encoded []json.RawMessage, err error) {
	encoded = make([]json.RawMessage, len(args))
	for i, arg := range args {
		if encoded[i], err = json.Marshal(arg); err != nil {
			return nil, err
		}
	}
	return encoded, nil
}
