package peer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// filler sends messages into the mailboxes of a node.
type filler struct {
	*testNode
	sequence int64
}

func (n *filler) send(process string, size int) error {
	n.sequence++
	m := Message{From: Caller{Instance: "i"}, Body: make(json.RawMessage, size)}
	return n.mailboxes.deliver(process, n.sequence, m)
}

// fill opens a mailbox and sends messages of 1 MiB until one is refused.
func (n *filler) fill(owner, process string) (box *Mailbox, sent int, err error) {
	box = n.ProcessOf(owner, process, 1000)
	for ; err == nil; sent++ {
		err = n.send(process, messageBytes-messageOverhead)
	}
	return box, sent - 1, err
}

// TestMailboxes_Bytes: a mailbox, an owner, and a node have limits in bytes; each mailbox has reserved room; taking
// messages and closing mailboxes makes room.
func TestMailboxes_Bytes(t *testing.T) {
	t.Parallel()
	n := &filler{testNode: newNode(t, "a.internal")}
	for i, step := range []struct {
		owner, process string
		sent           int
		full           string
	}{
		{"ann", "a-1", 4, "it can hold at most 4 MiB"},
		{"ann", "a-2", 4, "it can hold at most 4 MiB"},
		{"ann", "a-3", 4, "it can hold at most 4 MiB"},
		{"ann", "a-4", 4, "it can hold at most 4 MiB"},
		{"ann", "a-5", 0, "all of its owner hold at most 16 MiB"},
		{"bob", "b-1", 4, "it can hold at most 4 MiB"},
	} {
		_, sent, err := n.fill(step.owner, step.process)
		if sent != step.sent || !errors.Is(err, ErrMailboxFull) || !strings.Contains(err.Error(), step.full) {
			t.Errorf("step %d: %s takes %d messages, then: %v", i, step.process, sent, err)
		}
	}
	for i := range 11 {
		n.fill(fmt.Sprint(i), fmt.Sprintf("c-%d", i)) //nolint:errcheck // it fills the node
	}
	late, _, err := n.fill("eve", "e-1")
	if err == nil || !strings.Contains(err.Error(), "all of its node hold at most 64 MiB") {
		t.Errorf("a full node: %v", err)
	}
	if err := n.send("e-1", 1000); err != nil {
		t.Errorf("a full node has no reserved room for an empty mailbox: %v", err)
	}
	if m, ok := late.Take(); !ok || len(m.Body) != 1000 {
		t.Errorf("taken: %d bytes, %v", len(m.Body), ok)
	}
	n.checkRelease(t)
}

// checkRelease takes a message, closes mailboxes, and counts the bytes that are left.
func (n *filler) checkRelease(t *testing.T) {
	t.Helper()
	before := n.mailboxes.bytes
	n.mailboxes.byName["a-1"].Take()
	n.mailboxes.byName["b-1"].Close()
	if got := before - n.mailboxes.bytes; got != 5*messageBytes {
		t.Errorf("one taken and four closed release %d bytes, want %d", got, 5*messageBytes)
	}
	if err := n.send("a-5", messageBytes-messageOverhead); err != nil {
		t.Errorf("after one was taken: %v", err)
	}
	for len(n.mailboxes.byName) > 0 {
		for _, m := range n.mailboxes.byName {
			m.Close()
			m.Take()
			break
		}
	}
	if n.mailboxes.bytes != 0 || len(n.mailboxes.owners) != 0 {
		t.Errorf("all are closed: %d bytes, owners %v", n.mailboxes.bytes, n.mailboxes.owners)
	}
}

// TestOutbox_Bytes: waiting messages have a limit in bytes.
func TestOutbox_Bytes(t *testing.T) {
	t.Parallel()
	o := outbox{queues: map[string][]*outgoing{}}
	put := func(node string) error {
		return o.push(node, &outgoing{body: make([]byte, messageBytes)}, func() bool { return true })
	}
	for i := range waitingBytes / messageBytes {
		if err := put(fmt.Sprint("node-", i%3)); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if err := put("another"); !errors.Is(err, ErrMailboxFull) {
		t.Errorf("more than the bound: %v", err)
	}
	for node := range o.queues {
		for l := o.next(node); l != nil; l = o.next(node) {
			o.release(l)
		}
	}
	if o.bytes != 0 {
		t.Errorf("all are sent, and %d bytes are left", o.bytes)
	}
}

// TestMulticall_Bytes: the answers of many nodes share a limit.
func TestMulticall_Bytes(t *testing.T) {
	t.Parallel()
	a, b := pair(t, nil)
	b.Register("long", noArgs(func() any { return strings.Repeat("x", multicallPart) }))
	names := make([]string, 2*multicallBytes/multicallPart)
	for i := range names {
		names[i] = b.self.Name
	}
	for _, r := range a.Multicall(t.Context(), names, "long") {
		if !errors.Is(r.Err, ErrTooMuch) {
			t.Errorf("one of %d answers: %d bytes, %v", len(names), len(r.Value), r.Err)
		}
	}
	if r := a.Multicall(t.Context(), names[:2], "long")[0]; r.Err != nil || len(r.Value) != multicallPart+2 {
		t.Errorf("one of two answers: %d bytes, %v", len(r.Value), r.Err)
	}
}
