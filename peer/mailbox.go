package peer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

const maxSenders = 1024 // whose numbers are remembered without looking whether they live

var (
	// ErrNoProcess says that no process of that name is registered there.
	ErrNoProcess = errors.New("no such process")
	// ErrMailboxFull says that the process does not keep up with its messages.
	ErrMailboxFull = errors.New("mailbox is full")

	// errLate refuses a message that a later one of the same sender has overtaken:
	// its sender has given up on it.
	errLate = errors.New("a later message has arrived before")
)

// Message is what a process receives.
type Message struct {
	From Caller
	Body json.RawMessage
}

// Decode reads the message into v.
func (m Message) Decode(v any) error { return json.Unmarshal(m.Body, v) }

// Mailbox holds the messages for one process until it takes them.
type Mailbox struct {
	C    <-chan Message // closed by Close, and when the cluster is closed
	in   chan Message
	name string
	all  *mailboxes
}

// Process registers a process that members may send to, with room for so many
// messages that it has not taken. It may be called before and after Join. A name
// that is taken, or not made of lower-case letters, digits, ".", "-" and "_", is
// a mistake in the program, and panics.
func (c *Cluster) Process(name string, size int) *Mailbox {
	in := make(chan Message, size)
	m := &Mailbox{C: in, in: in, name: name, all: &c.mailboxes}
	c.mailboxes.add(m)
	return m
}

// Close takes the process off. What it has not taken from C can still be taken.
func (m *Mailbox) Close() { m.all.remove(m) }

// mailboxes are the processes of this node.
type mailboxes struct {
	mu     sync.Mutex
	closed bool
	byName map[string]*Mailbox
	last   map[string]int64 // by sender's instance: number of the last message
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
		close(m.in)
		return
	}
	b.byName[m.name] = m
}

func (b *mailboxes) remove(m *Mailbox) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byName[m.name] == m {
		delete(b.byName, m.name)
		close(m.in)
	}
}

func (b *mailboxes) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for name, m := range b.byName {
		delete(b.byName, name)
		close(m.in)
	}
}

// deliver puts a message into a mailbox, unless a later one of that sender has
// come before. It never waits.
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
	select {
	case box.in <- m:
		return nil
	default:
		return ErrMailboxFull
	}
}

// forget drops the numbers of senders that are no members any more, once there
// are many.
func (b *mailboxes) forget(isMember func(instance string) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.last) <= maxSenders {
		return
	}
	for instance := range b.last {
		if !isMember(instance) {
			delete(b.last, instance)
		}
	}
}

// serveSend is POST /send/{process}: the body is the message, 204 says that it
// is in the mailbox.
func (c *Cluster) serveSend(w http.ResponseWriter, r *http.Request, process string) {
	sequence, err := strconv.ParseInt(r.Header.Get(sequenceHeader), 10, 64)
	if err != nil {
		writeProblem(w, fmt.Errorf("%w: %s: %w", ErrBadArguments, sequenceHeader, err))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, messageBytes))
	if err != nil || !json.Valid(body) {
		writeProblem(w, fmt.Errorf("%w: no JSON of at most %d bytes", ErrBadArguments, messageBytes))
		return
	}
	c.mailboxes.forget(func(instance string) bool { _, ok := c.roster.get(instance); return ok })
	caller, _ := CallerOf(r.Context())
	if err := c.mailboxes.deliver(process, sequence, Message{From: caller, Body: body}); err != nil {
		writeProblem(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
