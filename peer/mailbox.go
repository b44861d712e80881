package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync"
)

const (
	maxSenders = 1024 // sequence numbers kept without checking membership

	// Bytes of waiting messages: in one mailbox, in all of one owner, and in all of this node. A mailbox may always
	// hold reservedBytes. messageOverhead is the cost of a message beside its body.
	mailboxBytes    = 4 << 20
	ownerBytes      = 16 << 20
	nodeBytes       = 64 << 20
	reservedBytes   = 64 << 10
	messageOverhead = 256
)

var (
	// ErrNoProcess reports that no process has that name.
	ErrNoProcess = errors.New("no such process")
	// ErrMailboxFull reports that the process does not keep up with its messages.
	ErrMailboxFull = errors.New("mailbox is full")

	// errLate refuses a message overtaken by a later one from the same sender, which has given up on it.
	errLate = errors.New("a later message has arrived before")
)

// Message is what a process receives.
type Message struct {
	From Caller
	Body json.RawMessage
}

// Decode decodes the message into v.
func (m Message) Decode(v any) error { return json.Unmarshal(m.Body, v) }

// Mailbox holds the messages for one process until it takes them. Its methods are safe for concurrent use.
type Mailbox struct {
	name  string
	owner string
	size  int
	all   *mailboxes

	ready chan struct{} // has an element while there may be messages
	done  chan struct{} // closed when no more messages arrive

	queue []Message // guarded by all.mu, like bytes
	bytes int
}

// Process registers a process that members may send to. Its mailbox holds size messages, and 4 MiB of them. Call it
// before or after Join. It panics if the name is taken, or is not made of lower-case letters, digits, ".", "-", and
// "_".
func (c *Cluster) Process(name string, size int) *Mailbox { return c.ProcessOf("", name, size) }

// ProcessOf is Process for an owner, whose mailboxes together hold at most 16 MiB. Those of all owners hold at most 64
// MiB, but each always at least 64 KiB.
func (c *Cluster) ProcessOf(owner, name string, size int) *Mailbox {
	m := &Mailbox{
		name: name, owner: owner, size: size, all: &c.mailboxes,
		ready: make(chan struct{}, 1), done: make(chan struct{}),
	}
	c.mailboxes.add(m)
	return m
}

// Close removes the process. Its remaining messages can still be taken.
func (m *Mailbox) Close() { m.all.remove(m) }

// Take returns the next message, if there is one.
func (m *Mailbox) Take() (message Message, ok bool) {
	m.all.mu.Lock()
	defer m.all.mu.Unlock()
	if len(m.queue) == 0 {
		return Message{}, false
	}
	message, m.queue[0] = m.queue[0], Message{}
	if m.queue = m.queue[1:]; len(m.queue) > 0 {
		m.signal()
	}
	if m.all.byName[m.name] == m {
		m.all.count(m, -sizeOf(message))
	}
	return message, true
}

// Receive waits for the next message. The error is the context's, or ErrClosed if the mailbox or the cluster is closed
// and empty.
func (m *Mailbox) Receive(ctx context.Context) (Message, error) {
	for {
		if message, ok := m.Take(); ok {
			return message, nil
		}
		select {
		case <-m.ready:
		case <-m.done:
			if message, ok := m.Take(); ok {
				return message, nil
			}
			return Message{}, ErrClosed
		case <-ctx.Done():
			return Message{}, ctx.Err()
		}
	}
}

// signal wakes a receiver.
func (m *Mailbox) signal() {
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// mailboxes are the processes of this node.
type mailboxes struct {
	mu     sync.Mutex
	closed bool
	byName map[string]*Mailbox
	last   map[string]int64 // last sequence number, by sender's instance
	bytes  int              // of waiting messages
	owners map[string]int   // bytes, by owner
}

func newMailboxes() mailboxes {
	return mailboxes{byName: map[string]*Mailbox{}, last: map[string]int64{}, owners: map[string]int{}}
}

func (b *mailboxes) add(m *Mailbox) {
	if !isWord(m.name) {
		panic(fmt.Sprintf("peer: process %q: not a process's name", m.name))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byName[m.name] != nil {
		panic(fmt.Sprintf("peer: process %q: taken", m.name))
	}
	if b.closed {
		close(m.done)
		return
	}
	b.byName[m.name] = m
}

func (b *mailboxes) remove(m *Mailbox) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byName[m.name] == m {
		b.count(m, -m.bytes)
		delete(b.byName, m.name)
		close(m.done)
	}
}

func (b *mailboxes) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for name, m := range b.byName {
		delete(b.byName, name)
		close(m.done)
	}
}

// count adds to the bytes of a mailbox. It requires b.mu.
func (b *mailboxes) count(m *Mailbox, n int) {
	m.bytes += n
	b.bytes += n
	if b.owners[m.owner] += n; b.owners[m.owner] == 0 {
		delete(b.owners, m.owner)
	}
}

// sizeOf is what a message costs.
func sizeOf(m Message) int { return cap(m.Body) + messageOverhead }

// checkRoom returns an error if a mailbox has no room for n bytes. It requires b.mu.
func (b *mailboxes) checkRoom(m *Mailbox, n int) error {
	full := func(what string, limit int) error {
		return fmt.Errorf("%w: %s hold at most %d MiB of messages; receive() makes room", ErrMailboxFull, what, limit>>20)
	}
	switch {
	case len(m.queue) >= m.size:
		return fmt.Errorf("%w: it can hold at most %d messages; receive() makes room", ErrMailboxFull, m.size)
	case m.bytes+n <= reservedBytes:
		return nil
	case m.bytes+n > mailboxBytes:
		return full("it can", mailboxBytes)
	case b.owners[m.owner]+n > ownerBytes:
		return full("all of its owner", ownerBytes)
	case b.bytes+n > nodeBytes:
		return full("all of its node", nodeBytes)
	}
	return nil
}

// deliver puts a message into a mailbox, unless a later one of that sender has arrived. It never blocks.
func (b *mailboxes) deliver(process string, sequence int64, m Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if sequence <= b.last[m.From.Instance] {
		return errLate
	}
	b.last[m.From.Instance] = sequence
	box := b.byName[process]
	if box == nil {
		return ErrNoProcess
	}
	n := sizeOf(m)
	if err := b.checkRoom(box, n); err != nil {
		return err
	}
	b.count(box, n)
	box.queue = append(box.queue, m)
	box.signal()
	return nil
}

// forget drops the sequence numbers of former members once there are many.
func (b *mailboxes) forget(isMember func(instance string) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.last) > maxSenders {
		maps.DeleteFunc(b.last, func(instance string, _ int64) bool { return !isMember(instance) })
	}
}

// serveSend is POST /send/{process}: the body is the message, 204 means that it is in the mailbox.
func (c *Cluster) serveSend(w http.ResponseWriter, r *http.Request, process string) {
	sequence, err := strconv.ParseInt(r.Header.Get(sequenceHeader), 10, 64)
	if err != nil {
		writeError(w, fmt.Errorf("%w: %s: %w", ErrBadArguments, sequenceHeader, err))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, messageBytes))
	if err != nil || !json.Valid(body) {
		writeError(w, fmt.Errorf("%w: not JSON of at most %d bytes", ErrBadArguments, messageBytes))
		return
	}
	c.mailboxes.forget(func(instance string) bool { _, ok := c.roster.get(instance); return ok })
	caller, _ := CallerOf(r.Context())
	body = bytes.Clone(body) // without spare capacity
	if err := c.mailboxes.deliver(process, sequence, Message{From: caller, Body: body}); err != nil {
		writeError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
