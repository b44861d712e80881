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
	pingInterval     = 25 * time.Second // also finds out that the other side is gone
	maxSocketBytes   = 8 << 20          // a batch of log lines goes far beyond the library's 32 KiB
)

// message is one message of graphql-transport-ws, in either direction.
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// errEnded is the end of a subscription: the server completed it, or it was cancelled here.
var errEnded = errors.New("the subscription ended")

// socket is one WebSocket to Railway with any number of subscriptions.
type socket struct {
	client *client
	conn   *websocket.Conn

	mu   sync.Mutex
	next int
	subs map[string]func(json.RawMessage, error) // what to do with a payload, or with the end
}

// dial opens a socket and introduces this program. Whoever dialled calls run, and close in the end.
func (c *client) dial(ctx context.Context) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := c.budget.wait(ctx, false); err != nil {
		return nil, &Error{Operation: socketOperation, Code: RateLimited, Message: err.Error(), RetryAfter: c.budget.pause()}
	}
	u := *c.endpoint
	u.Scheme = map[string]string{"https": "wss", "http": "ws"}[u.Scheme]
	conn, answer, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{
		HTTPClient: c.http, HTTPHeader: c.header(), Subprotocols: []string{socketProtocol}})
	if answer != nil {
		c.budget.read(answer)
	}
	if err != nil {
		e := &Error{Operation: socketOperation, Code: Unavailable, Message: c.redact(rootOf(err).Error()), cause: err}
		if answer != nil {
			e.Status = answer.StatusCode
		}
		return nil, e
	}
	conn.SetReadLimit(maxSocketBytes)
	s := &socket{client: c, conn: conn, subs: make(map[string]func(json.RawMessage, error))}
	if err := s.greet(ctx); err != nil {
		s.close()
		return nil, &Error{Operation: socketOperation, Code: Unavailable, Message: c.redact(err.Error()), cause: err}
	}
	return s, nil
}

// greet does the handshake.
func (s *socket) greet(ctx context.Context) error {
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

// run reads until the socket ends, for whatever reason, or ctx does. It tells every subscription.
func (s *socket) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var pinging sync.WaitGroup
	pinging.Go(func() { s.ping(ctx) })
	err := s.receive(ctx)
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

func (s *socket) receive(ctx context.Context) error {
	for {
		m, err := s.read(ctx)
		if err != nil {
			return err
		}
		if err := s.take(ctx, m); err != nil {
			return err
		}
	}
}

// take deals with one message.
func (s *socket) take(ctx context.Context, m message) error {
	switch m.Type {
	case "ping":
		return s.write(ctx, message{Type: "pong"})
	case "next":
		if handle := s.handler(m.ID, false); handle != nil {
			handle(m.Payload, nil)
		}
	case "complete":
		if handle := s.handler(m.ID, true); handle != nil {
			handle(nil, errEnded)
		}
	case "error":
		if handle := s.handler(m.ID, true); handle != nil {
			handle(nil, s.refusal(m.Payload))
		}
	}
	return nil
}

// handler finds what to do for a subscription, and forgets it if that was its end.
func (s *socket) handler(id string, end bool) func(json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	handle := s.subs[id]
	if end {
		delete(s.subs, id)
	}
	return handle
}

// refusal reads the payload of an error message: a list of errors, or one.
func (s *socket) refusal(payload json.RawMessage) error {
	var list []wireError
	if json.Unmarshal(payload, &list) != nil {
		var one wireError
		json.Unmarshal(payload, &one) //nolint:errcheck // an unreadable error is one without words
		list = []wireError{one}
	}
	if len(list) == 0 {
		list = []wireError{{}}
	}
	return s.client.failure("subscription", 200, list)
}

// subscribe begins a subscription. handle is called by run, one call at a time for the whole socket, with each payload,
// and once with the error that ended it. cancel ends it without a call.
func (s *socket) subscribe(
	ctx context.Context,
	req *graphql.Request,
	handle func(json.RawMessage, error),
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
			// The socket's end shows in run.
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

// decodeMessage reads one message; unknown fields and types are none of our business.
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

// ping keeps the way open, and closes the socket when nothing comes back.
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

// close ends the socket at once; run returns.
func (s *socket) close() { s.conn.CloseNow() } //nolint:errcheck // it is of no use any more

// draft is a graphql.WebSocketClient that only takes note of the request, so that generated code writes subscriptions
// while sockets are ours.
type draft struct{ request *graphql.Request }

func (d *draft) Subscribe(req *graphql.Request, _ any, _ graphql.ForwardDataFunction) (string, error) {
	d.request = req
	return "", nil
}

func (*draft) Start(context.Context) (chan error, error) { return nil, errors.ErrUnsupported }
func (*draft) Close() error                              { return nil }
func (*draft) Unsubscribe(string) error                  { return nil }

// payloadOf reads what a subscription sent into data, unless it has errors.
func (c *client) payloadOf(payload json.RawMessage, data any) error {
	return c.decode("subscription", 200, payload, &graphql.Response{Data: data})
}
