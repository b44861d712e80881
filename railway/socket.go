package railway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/coder/websocket"
)

const (
	socketProtocol   = "graphql-transport-ws"
	socketOperation  = "socket" // in errors
	handshakeTimeout = 10 * time.Second
	writeTimeout     = 10 * time.Second
	pingInterval     = 25 * time.Second // also detects a dead connection
	maxSocketBytes   = 8 << 20          // a batch of log lines far exceeds the library's 32 KiB
)

// message is a message of graphql-transport-ws, in either direction.
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// errEnded ends a subscription: the server completed it, or it was cancelled here.
var errEnded = errors.New("the subscription ended")

// socket is a WebSocket to Railway with any number of subscriptions.
type socket struct {
	client *client
	conn   *websocket.Conn

	mu   sync.Mutex
	next int
	subs map[string]func(json.RawMessage, error) // handles a payload, or the end
}

// dial opens a socket. The caller calls run, and finally close.
func (c *client) dial(ctx context.Context) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := c.budget.wait(ctx, false); err != nil {
		return nil, c.rateLimited(socketOperation, 0, err.Error(), nil)
	}
	u := *c.endpoint
	u.Scheme = map[string]string{"https": "wss", "http": "ws"}[u.Scheme]
	conn, answer, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{
		HTTPClient: c.http, HTTPHeader: c.header(), Subprotocols: []string{socketProtocol}})
	if answer != nil {
		c.budget.read(answer)
	}
	if err != nil {
		e := c.unavailable(socketOperation, 0, c.redact(rootCause(err).Error()), err)
		if answer != nil {
			e.Status = answer.StatusCode
		}
		return nil, e
	}
	conn.SetReadLimit(maxSocketBytes)
	s := &socket{client: c, conn: conn, subs: make(map[string]func(json.RawMessage, error))}
	if err := s.handshake(ctx); err != nil {
		s.close()
		return nil, c.unavailable(socketOperation, 0, c.redact(err.Error()), err)
	}
	return s, nil
}

// handshake initializes the connection.
func (s *socket) handshake(ctx context.Context) error {
	if err := s.write(ctx, message{Type: "connection_init", Payload: json.RawMessage("{}")}); err != nil {
		return err
	}
	for {
		m, err := s.read(ctx)
		switch {
		case err != nil:
			return err
		case m.Type == "connection_ack":
			return nil
		case m.Type == "ping":
			if err := s.write(ctx, message{Type: "pong"}); err != nil {
				return err
			}
		}
	}
}

// run reads until the socket or ctx ends, then ends every subscription.
func (s *socket) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var pinging sync.WaitGroup
	pinging.Go(func() { s.ping(ctx) })
	var err error
	for err == nil {
		var m message
		if m, err = s.read(ctx); err == nil {
			err = s.dispatch(ctx, m)
		}
	}
	cancel()
	pinging.Wait()
	s.close()
	s.mu.Lock()
	subs := s.subs
	s.subs = nil
	s.mu.Unlock()
	for _, handle := range subs {
		handle(nil, err)
	}
	return err
}

// dispatch handles a message.
func (s *socket) dispatch(ctx context.Context, m message) error {
	switch m.Type {
	case "ping":
		return s.write(ctx, message{Type: "pong"})
	case "next":
		s.deliver(m.ID, m.Payload, nil)
	case "complete":
		s.deliver(m.ID, nil, errEnded)
	case "error":
		s.deliver(m.ID, nil, s.refusal(m.Payload))
	}
	return nil
}

// deliver passes a payload, or the end, to a subscription.
func (s *socket) deliver(id string, payload json.RawMessage, end error) {
	if handle := s.handler(id, end != nil); handle != nil {
		handle(payload, end)
	}
}

// handler returns a subscription's handler, and removes it at the end.
func (s *socket) handler(id string, end bool) func(json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	handle := s.subs[id]
	if end {
		delete(s.subs, id)
	}
	return handle
}

// refusal decodes the payload of an error message: a list of errors, or one.
func (s *socket) refusal(payload json.RawMessage) error {
	var list []wireError
	if json.Unmarshal(payload, &list) != nil {
		var one wireError
		json.Unmarshal(payload, &one) //nolint:errcheck // an unreadable error has no message
		list = []wireError{one}
	}
	if len(list) == 0 {
		list = []wireError{{}}
	}
	return s.client.failure("subscription", 200, list)
}

// subscribe starts a subscription. run calls handle, one call at a time per socket, with each payload, and once with
// the error that ended it. cancel ends it without a call.
func (s *socket) subscribe(
	ctx context.Context, req *graphql.Request, handle func(json.RawMessage, error),
) (cancel func(), err error) {
	payload, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	if err := s.client.budget.wait(ctx, true); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.subs == nil {
		s.mu.Unlock()
		return nil, errEnded
	}
	s.next++
	id := strconv.Itoa(s.next)
	s.subs[id] = handle
	s.mu.Unlock()
	s.client.budget.count()
	if err := s.write(ctx, message{ID: id, Type: "subscribe", Payload: payload}); err != nil {
		s.handler(id, true)
		return nil, err
	}
	return func() {
		if s.handler(id, true) != nil {
			// run reports the socket's end.
			s.write(context.WithoutCancel(ctx), message{ID: id, Type: "complete"}) //nolint:errcheck
		}
	}, nil
}

func (s *socket) read(ctx context.Context) (message, error) {
	_, text, err := s.conn.Read(ctx)
	if err != nil {
		return message{}, err
	}
	return decodeMessage(text)
}

// decodeMessage decodes a message, ignoring unknown fields and types.
func decodeMessage(text []byte) (message, error) {
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		return message{}, fmt.Errorf("read message: %w", err)
	}
	return m, nil
}

func (s *socket) write(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return s.conn.Write(ctx, websocket.MessageText, text)
}

// ping keeps the connection open, and closes the socket if there is no answer.
func (s *socket) ping(ctx context.Context) {
	for sleep(ctx, pingInterval) {
		pong, cancel := context.WithTimeout(ctx, handshakeTimeout)
		err := s.conn.Ping(pong)
		cancel()
		if err != nil {
			s.close()
			return
		}
	}
}

// close ends the socket immediately; run returns.
func (s *socket) close() { s.conn.CloseNow() } //nolint:errcheck // it is no longer used

// requestCapture is a graphql.WebSocketClient that captures the request, so that the generated code encodes
// subscriptions for our own sockets.
type requestCapture struct{ request *graphql.Request }

func (d *requestCapture) Subscribe(req *graphql.Request, _ any, _ graphql.ForwardDataFunction) (string, error) {
	d.request = req
	return "", nil
}

func (*requestCapture) Start(context.Context) (chan error, error) { return nil, errors.ErrUnsupported }
func (*requestCapture) Close() error                              { return nil }
func (*requestCapture) Unsubscribe(string) error                  { return nil }

// payloadOf decodes a subscription's payload into data, unless it contains errors.
func (c *client) payloadOf(payload json.RawMessage, data any) error {
	return c.decode("subscription", 200, payload, &graphql.Response{Data: data})
}
