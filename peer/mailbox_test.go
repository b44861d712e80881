package peer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestMailboxes_Bytes: a mailbox, all of an owner, and all of a node hold so many bytes and no more; each has some room
// that the others cannot use up; and what is taken, or closed, makes room.
func TestMailboxes_Bytes(t *testing.T) {
	t.Parallel()
	n := newNode(t, "a.internal")
	sequence := int64(0)
	send := func(process string, size int) error {
		sequence++
		return n.mailboxes.deliver(process, sequence, Message{From: Caller{Instance: "i"}, Body: make(json.RawMessage, size)})
	}
	fill := func(process string) (sent int, err error) {
		for ; ; sent++ {
			if err = send(process, messageBytes-messageCost); err != nil {
				return sent, err
			}
		}
	}
	open := func(owner, process string) *Mailbox { return n.ProcessOf(owner, process, 1000) }
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
		open(step.owner, step.process)
		sent, err := fill(step.process)
		if sent != step.sent || !errors.Is(err, ErrMailboxFull) || !strings.Contains(err.Error(), step.full) {
			t.Errorf("step %d: %s takes %d messages, then: %v", i, step.process, sent, err)
		}
	}
	for i := range 11 {
		process := fmt.Sprintf("c-%d", i)
		open(process, process)
		fill(process) //nolint:errcheck // the node is to be full
	}
	late := open("eve", "e-1")
	if _, err := fill("e-1"); err == nil || !strings.Contains(err.Error(), "all of its node hold at most 64 MiB") {
		t.Errorf("a full node: %v", err)
	}
	if err := send("e-1", 1000); err != nil {
		t.Errorf("a full node keeps no room for a mailbox that is empty: %v", err)
	}
	if m, ok := late.Take(); !ok || len(m.Body) != 1000 {
		t.Errorf("taken: %d bytes, %v", len(m.Body), ok)
	}
	before := n.mailboxes.bytes
	n.mailboxes.byName["a-1"].Take()
	n.mailboxes.byName["b-1"].Close()
	if got := before - n.mailboxes.bytes; got != 5*messageBytes {
		t.Errorf("one taken and four closed give %d bytes back, want %d", got, 5*messageBytes)
	}
	if err := send("a-5", messageBytes-messageCost); err != nil {
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

// TestOutbox_Bytes: what waits to be sent has a bound in bytes.
func TestOutbox_Bytes(t *testing.T) {
	t.Parallel()
	o := outbox{queues: map[string][]*letter{}}
	put := func(node string) error {
		return o.put(node, &letter{body: make([]byte, messageBytes)}, func() bool { return true })
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
			o.sent(l)
		}
	}
	if o.bytes != 0 {
		t.Errorf("all are sent, and %d bytes are left", o.bytes)
	}
}

// TestMulticall_Bytes: the answers of many nodes have a bound together, each its part.
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
