package peer

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"convoy/fleet"
	"convoy/internal/testkit"
)

func receive(t *testing.T, m *Mailbox) Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	message, err := m.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// TestSend covers the demo's send({Convoy.ConvoyWorker, node}, :ping).
func TestSend(t *testing.T) {
	t.Parallel()
	a, b := pair(t, nil)
	worker := b.Process("worker", 4)
	if err := a.Send(t.Context(), "worker", b.self.Name, "ping"); err != nil {
		t.Fatal(err)
	}
	var text string
	m := receive(t, worker)
	if err := m.Decode(&text); err != nil || text != "ping" || m.From.Name != a.self.Name ||
		m.From.Instance != a.Instance() {
		t.Errorf("received %s from %+v, %v", m.Body, m.From, err)
	}
	if err := a.Send(t.Context(), "nobody", b.self.Name, "ping"); !errors.Is(err, ErrNoProcess) {
		t.Errorf("send to no process: %v", err)
	}
	if err := a.Send(t.Context(), "Not A Process", b.self.Name, "ping"); !errors.Is(err, ErrNoProcess) {
		t.Errorf("send to a malformed process: %v", err)
	}
	if err := a.Send(t.Context(), "worker", "convoy@x.example", "ping"); !errors.Is(err, ErrUnknownNode) {
		t.Errorf("send to nobody: %v", err)
	}
	if err := a.Send(t.Context(), "worker", b.self.Name, func() {}); !errors.Is(err, ErrBadArguments) {
		t.Errorf("send of invalid JSON: %v", err)
	}
	if err := a.Send(t.Context(), "worker", b.self.Name, strings.Repeat("x", messageBytes)); !errors.Is(
		err, ErrBadArguments,
	) {
		t.Errorf("send too much: %v", err)
	}
	for i := range 4 {
		if err := a.Send(t.Context(), "worker", b.self.Name, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Send(t.Context(), "worker", b.self.Name, 4); !errors.Is(err, ErrMailboxFull) {
		t.Errorf("send to a full mailbox: %v", err)
	}
	worker.Close()
	if err := a.Send(t.Context(), "worker", b.self.Name, 5); !errors.Is(err, ErrNoProcess) {
		t.Errorf("send to a closed mailbox: %v", err)
	}
	n := 0
	// queued messages remain
	for _, err := worker.Receive(t.Context()); err == nil; _, err = worker.Receive(t.Context()) {
		n++
	}
	if n != 4 {
		t.Errorf("%d messages left, want 4", n)
	}
	b.Process("worker", 1) // the name is free again
	b.Close()
	if err := a.Send(t.Context(), "worker", b.self.Name, 6); !errors.Is(err, ErrUnreachable) {
		t.Errorf("send to a dead node: %v", err)
	}
}

// Messages between two nodes keep their order, to any process.
func TestSendKeepsOrder(t *testing.T) {
	t.Parallel()
	const n = 200
	a, b := pair(t, nil)
	worker := b.Process("worker", n)
	answers := make([]chan error, n)
	for i := range n {
		answers[i] = make(chan error, 1)
		l := &outgoing{ctx: t.Context(), process: "worker", body: []byte(strconv.Itoa(i)), done: answers[i]}
		err := a.outbox.push(b.self.Name, l, func() bool { return a.group.run(func() { a.drain(b.self.Name) }) })
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		if err := <-answers[i]; err != nil {
			t.Fatal(err)
		}
		if m := receive(t, worker); string(m.Body) != strconv.Itoa(i) {
			t.Fatalf("message %d is %s", i, m.Body)
		}
	}
	testkit.Eventually(t, "the queue is gone", func() bool {
		a.outbox.mu.Lock()
		defer a.outbox.mu.Unlock()
		return len(a.outbox.queues) == 0
	})
}

// A message that its sender has given up on cannot overtake a later one.
func TestMailboxRefusesLateMessages(t *testing.T) {
	t.Parallel()
	n := newNode(t, "a.example")
	n.Process("worker", 8)
	from := Message{From: Caller{Instance: "i"}}
	for _, step := range []struct {
		sequence int64
		want     error
	}{{1, nil}, {3, nil}, {2, errLate}, {3, errLate}, {4, nil}} {
		if err := n.mailboxes.deliver("worker", step.sequence, from); !errors.Is(err, step.want) {
			t.Errorf("message %d: %v, want %v", step.sequence, err, step.want)
		}
	}
	if err := n.mailboxes.deliver("worker", 1, Message{From: Caller{Instance: "j"}}); err != nil {
		t.Errorf("another sender's first message: %v", err)
	}
	for i := range 2 * maxSenders {
		n.mailboxes.deliver("worker", 1, Message{From: Caller{Instance: strconv.Itoa(i)}})
	}
	n.mailboxes.forget(func(instance string) bool { return instance == "i" })
	if len(n.mailboxes.last) != 1 {
		t.Errorf("%d senders are remembered", len(n.mailboxes.last))
	}
}

// A node that does not answer delays only its own queue, and only until each message's context ends; waiting messages
// are dropped.
func TestSendDoesNotWaitForOthers(t *testing.T) {
	t.Parallel()
	a, b := pair(t, nil)
	c := startNode(t, "c.example", nil)
	mustConnect(t, c, a)
	a.sees(t, fleet.MemberAlive, c)
	quick := c.Process("worker", 1)
	// b's port accepts, but never answers
	silent := listenSilently(t)
	member, _ := a.roster.get(b.Instance())
	member.CallAddr = silent
	a.roster.setAlive(member)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	slow := make(chan error, 2)
	for range 2 {
		go func() { slow <- a.Send(ctx, "worker", b.self.Name, "late") }()
	}
	if err := a.Send(t.Context(), "worker", c.self.Name, "now"); err != nil {
		t.Error(err)
	}
	receive(t, quick)
	for range 2 {
		if err := <-slow; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("send to a silent node: %v", err)
		}
	}
}

// Calls and messages do not shadow the handler's routes.
func TestRoutesLeaveTheRest(t *testing.T) {
	t.Parallel()
	a, b := pair(
		t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.URL.EscapedPath())) }),
	)
	for _, path := range []string{"/", "/call/node.self", "/send/x", "/callx", "/a//b%2Fc"} {
		if got, err := get(t, a, b.self.Name, path); err != nil || got != path {
			t.Errorf("GET %s: handler saw %q, %v", path, got, err)
		}
	}
}

func TestCloseEndsMailboxes(t *testing.T) {
	t.Parallel()
	n := startNode(t, "a.example", nil)
	worker := n.Process("worker", 1)
	n.Close()
	for _, m := range []*Mailbox{worker, n.Process("late", 1)} {
		if _, err := m.Receive(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("a message after Close, or %v", err)
		}
	}
	worker.Close()
}
