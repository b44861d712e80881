//go:build linux

package netlab_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"convoy/internal/client"
	"convoy/internal/netlab"
)

// wire keeps all payloads that were seen on the network, by what they belong to. DNS
// is left out.
type wire struct {
	scene *scene

	mu       sync.Mutex
	payloads map[string][][]byte
}

func (w *wire) see(f netlab.Frame) {
	p, ok := f.Parse()
	if !ok || p.From.Port() == 53 || p.To.Port() == 53 || len(p.Payload) == 0 {
		return
	}
	kind := "other"
	switch {
	case p.UDP && p.To.Port() == 4444:
		kind = "gossip"
	case p.TCP && (p.To.Port() == 4444 || p.From.Port() == 4444):
		kind = "exchange"
	case p.TCP && (p.To.Port() == 4445 || p.From.Port() == 4445):
		kind = "calls"
	}
	defer w.scene.stir()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.payloads[kind] = append(w.payloads[kind], p.Payload)
}

// seen counts the payloads that hold a word in any of its writings.
func (w *wire) seen(word string) (n int) {
	forms := writings(word)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, payloads := range w.payloads {
		for _, payload := range payloads {
			if slices.ContainsFunc(forms, func(form []byte) bool { return bytes.Contains(payload, form) }) {
				n++
			}
		}
	}
	return n
}

// writings are a word as it is, in hexadecimal, and as base64 has it, which depends on
// what stands before it.
func writings(word string) [][]byte {
	all := [][]byte{[]byte(word), []byte(hex.EncodeToString([]byte(word)))}
	for before := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte("xx"[:before] + word))
		first := (before*8 + 5) / 6 // the first characters, and the last, hold other bits too
		all = append(all, []byte(text[first:len(text)-2]))
	}
	return all
}

// entropy is how many bits each byte of a kind's payloads is worth: 8 of what is random
// or well encrypted, less of what is only compressed. The label stands before each and
// is no secret.
func (w *wire) entropy(kind string) (bits float64, bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var counts [256]float64
	for _, payload := range w.payloads[kind] {
		for _, b := range payload[min(len(label), len(payload)):] {
			counts[b]++
			bytes++
		}
	}
	for _, n := range counts {
		if n > 0 {
			bits -= n / float64(bytes) * math.Log2(n/float64(bytes))
		}
	}
	return bits, bytes
}

// TestNoPlaintext captures all that passes between hosts while a shell is used and a
// log is read through another node's console, and while calls, messages and gossip
// pass. Nothing of it can be read.
func TestNoPlaintext(t *testing.T) {
	t.Parallel()
	const (
		control  = "marker-of-the-control"
		base     = "sesame-in-gossip"
		typed    = "sesame-in-a-shell"
		argument = "sesame-in-a-call"
		message  = "sesame-in-a-message"
		path     = "sesame-in-a-path"
	)
	s := newScene(t, 3)
	w := &wire{scene: s, payloads: map[string][][]byte{}}
	s.lab.Capture(w.see)
	for _, h := range s.lab.Hosts() {
		s.lab.DNS.Add(query, h.Addr())
	}
	front := s.convoy(s.lab.Host(0), "front.internal")
	back := s.convoy(s.lab.Host(1), "back.internal", "-name", base)
	third := s.node(s.lab.Host(2))
	front.started()
	back.started()
	names := []string{"convoy@front.internal", base + "@back.internal", third.name}
	for _, p := range []*program{front, back} {
		p.nodes(deadline, "all are alive", func(list []client.Node) bool { return alive(list, names...) })
	}
	s.until(deadline, "the third knows all", func() bool { return len(third.members()) == 3 })
	typeAndRead(s, front, names[1], typed)
	readLog(s, front, names[1], base)
	for _, o := range []order{
		{Do: "call", Node: names[0], Target: "node.info"},
		{Do: "call", Node: names[1], Target: "echo", Text: argument},
		{Do: "send", Node: names[1], Target: "worker", Text: message},
		{Do: "get", Node: names[1], Target: "/" + path},
	} {
		o.Limit = 10 * time.Second
		if a := third.order(o); o.Target == "node.info" && (a.Err != "" || !bytes.Contains([]byte(a.Text), []byte(base))) {
			t.Errorf("%s %s: %+v", o.Do, o.Target, a)
		}
	}
	sayPlainly(s, control)
	s.until(deadline, "the control was captured", func() bool { return w.seen(control) > 0 })
	// An instance's id is no secret: TLS names the server by it.
	secrets := []string{base, typed, argument, message, path, cookieA, token, "convoy@", "member joined",
		"HTTP/1.1", "PRI * HTTP/2.0", "SeqNo", "SourceNode", "Incarnation"} // the last are memberlist's
	for _, word := range secrets {
		if n := w.seen(word); n > 0 {
			t.Errorf("%q was seen %d times", word, n)
		}
	}
	for _, kind := range []string{"gossip", "exchange", "calls"} {
		bits, n := w.entropy(kind)
		if n == 0 {
			t.Errorf("nothing was captured of %s", kind)
		}
		if kind == "gossip" && n > 4096 && bits < 7.8 {
			t.Errorf("a byte of gossip is worth %.3f bits: it is not encrypted", bits)
		}
		t.Logf("%s: %d bytes, each worth %.3f bits", kind, n, bits)
	}
}

// typeAndRead uses a shell on a node by the console of another one.
func typeAndRead(s *scene, console *program, node, word string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), deadline)
	defer cancel()
	shell, err := console.Open(ctx, node)
	if err != nil {
		s.Fatal(err)
	}
	terminal, err := console.Attach(ctx, shell, -1)
	if err != nil {
		s.Fatal(err)
	}
	defer terminal.Close()
	for i := range 20 { // one at least is not torn between two packets
		if err := terminal.Type(ctx, fmt.Sprintf("echo %s-$((%d+1))\n", word, i)); err != nil {
			s.Fatal(err)
		}
	}
	if err := terminal.WaitFor(ctx, word+"-20"); err != nil {
		s.Fatal(err)
	}
}

// readLog reads a node's log by the console of another one, and wants a word in it.
func readLog(s *scene, console *program, node, word string) {
	s.Helper()
	var log struct{ Lines []any }
	if err := console.Do(s.Context(), "GET", "/nodes/"+node+"/log", nil, &log); err != nil {
		s.Fatal(err)
	}
	if !bytes.Contains(fmt.Append(nil, log.Lines), []byte(word)) {
		s.Errorf("the log of %s has no %q: %v", node, word, log.Lines)
	}
}

// sayPlainly sends a word from host to host as it is.
func sayPlainly(s *scene, word string) {
	s.Helper()
	l, err := s.lab.Host(0).Listen(0)
	if err != nil {
		s.Fatal(err)
	}
	defer l.Close()
	conn, err := s.lab.Host(1).Dial(s.Context(), "tcp", l.Addr().String())
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, word); err != nil {
		s.Fatal(err)
	}
}
