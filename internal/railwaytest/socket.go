package railwaytest

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"
)

// peer is one WebSocket.
type peer struct {
	s    *Server
	conn *websocket.Conn
	out  chan []byte
	done context.CancelFunc

	subs map[string]*subscription // by the id that the other side chose; under Server.mu
}

// subscription is one subscription of a peer.
type subscription struct {
	key   string // what it follows: "deployment dep-1"
	field *ast.Field
}

type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Drop breaks all sockets off, without a goodbye.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.sockets {
		p.done()
	}
}

// Complete ends all subscriptions and leaves the sockets open.
func (s *Server) Complete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.sockets {
		for id := range p.subs {
			p.send(message{ID: id, Type: "complete"})
		}
		clear(p.subs)
	}
}

// Ping asks all sockets for a pong by message, as the protocol allows at any time.
func (s *Server) Ping() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.sockets {
		p.send(message{Type: "ping"})
	}
}

// socket serves one WebSocket.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	if who, err := s.callerOf(r); err != nil || who.nobody || s.opts.NoSockets {
		http.Error(w, "Forbidden", http.StatusForbidden)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		s.t.Errorf("railwaytest: %v", err)
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	p := &peer{s: s, conn: conn, out: make(chan []byte, 1000), done: cancel, subs: map[string]*subscription{}}
	s.mu.Lock()
	s.sockets[p] = true
	s.mu.Unlock()
	var writing sync.WaitGroup
	writing.Go(func() {
		p.write(ctx)
		conn.CloseNow() //nolint:errcheck // abrupt is what it should be
	})
	p.read(ctx)
	cancel()
	writing.Wait()
	s.mu.Lock()
	delete(s.sockets, p)
	s.mu.Unlock()
}

func (p *peer) write(ctx context.Context) {
	for {
		select {
		case text := <-p.out:
			if p.conn.Write(ctx, websocket.MessageText, text) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// send queues a message.
func (p *peer) send(m message) {
	text, err := json.Marshal(m)
	if err != nil {
		p.s.t.Errorf("railwaytest: %v", err)
		return
	}
	select {
	case p.out <- text:
	default:
		p.done() // it does not read
	}
}

func (p *peer) read(ctx context.Context) {
	for {
		_, text, err := p.conn.Read(ctx)
		if err != nil {
			return
		}
		var m message
		if err := json.Unmarshal(text, &m); err != nil {
			p.s.t.Errorf("railwaytest: socket: %v", err)
			return
		}
		switch m.Type {
		case "connection_init":
			p.send(message{Type: "connection_ack"})
		case "subscribe":
			p.subscribe(m)
		case "complete":
			p.s.mu.Lock()
			delete(p.subs, m.ID)
			p.s.mu.Unlock()
		case "pong", "ping":
		default:
			p.s.t.Errorf("railwaytest: socket: unexpected message %q", m.Type)
		}
	}
}

// keys are the subscriptions that exist, and the argument that names the object.
var keys = map[string]struct{ key, argument string }{
	"deployment":       {"deployment ", "id"},
	"deploymentEvents": {"events ", "id"},
	"buildLogs":        {"build ", "deploymentId"},
	"deploymentLogs":   {"deploy ", "deploymentId"},
}

func (p *peer) subscribe(m message) {
	req, op, err := p.s.check(m.Payload)
	if err != nil {
		p.s.t.Errorf("railwaytest: %v", err)
		return
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.s.note(req.Name)
	if f, faulty := p.s.fault(req.Name); faulty {
		if f.Cut {
			p.done()
			return
		}
		payload, _ := json.Marshal(wireError("INTERNAL_SERVER_ERROR", f.Message, f.Trace))
		p.send(message{ID: m.ID, Type: "error", Payload: payload})
		return
	}
	field := op.SelectionSet[0].(*ast.Field)
	kind, ok := keys[field.Name]
	if !ok {
		p.s.t.Errorf("railwaytest: unexpected subscription %s", field.Name)
		return
	}
	args := field.ArgumentMap(req.Variables)
	id, _ := args[kind.argument].(string)
	sub := &subscription{key: kind.key + id, field: field}
	p.subs[m.ID] = sub
	if d := p.s.state.deployments[id]; d != nil { // logs begin with what there is; the others send changes only
		for _, l := range map[string][]line{"buildLogs": d.build, "deploymentLogs": d.log}[field.Name] {
			p.next(m.ID, sub, object{field.Name: []object{l.object()}})
		}
	}
}

// next sends data to one subscription. Server.mu must be held.
func (p *peer) next(id string, sub *subscription, data object) {
	value := project(
		func(_ *ast.Field, value any) any { return value }, sub.field.SelectionSet, sub.field.Definition.Type,
		data[sub.field.Name],
	)
	payload, _ := json.Marshal(object{"data": object{sub.field.Alias: value}})
	p.send(message{ID: id, Type: "next", Payload: payload})
}

// tell publishes data to all subscriptions of that key. s.mu must be held.
func (s *Server) tell(key string, data object) {
	for p := range s.sockets {
		for id, sub := range p.subs {
			if sub.key == key {
				p.next(id, sub, data)
			}
		}
	}
}
