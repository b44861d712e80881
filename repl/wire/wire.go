// Package wire carries calls between two processes over a stream, in both
// directions at once: a Convoy shell's prompt, the process that evaluates, and the
// node.
//
// A message is a length (uint32, big endian) and so many bytes of JSON, at most
// [MaxMessage]:
//
//	{"id": 7, "fn": "rpc.call", "args": […]}    a call
//	{"id": 7, "cancel": true}                   its caller has no use for the answer
//	{"re": 7, "value": …} or {"re": 7, "error": "…"}   the answer
//	{"fn": "out", "args": […]}                  a note: nobody answers
//
// Notes and calls arrive in the order in which they were sent; calls are carried
// out side by side, notes one after the other, before what comes behind them.
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
	// MaxMessage bounds a message, in bytes.
	MaxMessage = 8 << 20
	// maxCalls bounds the calls of the other side that are under way.
	maxCalls = 64
)

// ErrClosed says that the other side has gone.
var ErrClosed = errors.New("the connection is closed")

// Handler carries out the other side's calls. Its result must have a form in JSON;
// its error's text is what the caller gets. ctx ends when the caller gives up or
// goes away.
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

// Conn is one end. Its methods may be called from several goroutines.
type Conn struct {
	stream io.ReadWriteCloser
	handle Handler

	writing sync.Mutex    // held while a message is written
	gone    chan struct{} // closed when nothing more will be read

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan message       // for answers, by id
	running map[uint64]context.CancelFunc // the other side's calls
	calls   sync.WaitGroup
}

// New makes an end of stream, which it owns. Nothing is read before Serve.
func New(stream io.ReadWriteCloser, handle Handler) *Conn {
	return &Conn{
		stream:  stream,
		handle:  handle,
		gone:    make(chan struct{}),
		waiting: map[uint64]chan message{},
		running: map[uint64]context.CancelFunc{},
	}
}

// Serve reads until the other side goes away, breaks the protocol, or ctx ends; call it once. Then it closes the
// stream, waits for the calls under way, and returns the reason, nil for an orderly end.
func (c *Conn) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { c.stream.Close() }) //nolint:errcheck // the reader sees the end
	defer stop()
	err := c.read(ctx)
	close(c.gone)
	ended := ctx.Err() != nil
	cancel()
	c.stream.Close() //nolint:errcheck // it has ended
	c.dropWaiting()
	c.calls.Wait()
	if ended || errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, os.ErrClosed) ||
		errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Gone is closed when the other side has gone, before Serve has waited for the calls
// under way.
func (c *Conn) Gone() <-chan struct{} { return c.gone }

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
			c.answered(m)
		case m.Cancel:
			c.cancel(m.ID)
		case m.ID != 0:
			if err := c.begin(ctx, m); err != nil {
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
		return m, fmt.Errorf("message is no JSON: %w", err)
	}
	return m, nil
}

func (c *Conn) write(m message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(body) > MaxMessage {
		return fmt.Errorf("%d bytes are too much, at most %d can travel", len(body), MaxMessage)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err = c.stream.Write(
		append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body))), body...),
	)
	return err
}

// begin carries out a call of the other side.
func (c *Conn) begin(ctx context.Context, m message) error {
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

// answer sends what a call returns, or that it cannot be sent.
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

// cancel ends a call of the other side.
func (c *Conn) cancel(id uint64) {
	c.mu.Lock()
	end := c.running[id]
	delete(c.running, id)
	c.mu.Unlock()
	if end != nil {
		end()
	}
}

// answered hands an answer to who waits for it, if anybody does.
func (c *Conn) answered(m message) {
	c.mu.Lock()
	wait := c.waiting[m.Re]
	delete(c.waiting, m.Re)
	c.mu.Unlock()
	if wait != nil {
		wait <- m
	}
}

// dropWaiting tells all who wait that no answer will come.
func (c *Conn) dropWaiting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, wait := range c.waiting {
		close(wait)
	}
	c.waiting = nil
}

// Call has the other side do something and waits for the answer, until ctx ends.
// The error is ErrClosed, the context's, or the other side's by its text.
func (c *Conn) Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	m := message{Fn: fn, Args: make([]json.RawMessage, len(args))}
	for i, arg := range args {
		var err error
		if m.Args[i], err = json.Marshal(arg); err != nil {
			return nil, err
		}
	}
	wait := make(chan message, 1)
	c.mu.Lock()
	if c.waiting == nil {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	c.last++
	m.ID = c.last
	c.waiting[m.ID] = wait
	c.mu.Unlock()
	if err := c.write(m); err != nil {
		c.forget(m.ID)
		return nil, err
	}
	select {
	case reply, ok := <-wait:
		switch {
		case !ok:
			return nil, ErrClosed
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
	delete(c.waiting, id)
}

// Note tells the other side something. It waits while that one does not read.
func (c *Conn) Note(fn string, args ...any) error {
	m := message{Fn: fn, Args: make([]json.RawMessage, len(args))}
	for i, arg := range args {
		var err error
		if m.Args[i], err = json.Marshal(arg); err != nil {
			return err
		}
	}
	return c.write(m)
}
