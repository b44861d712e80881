package peer

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	dialTimeout = 3 * time.Second
	// dialsAtOnce limits the concurrent dials to one instance: net/http starts one for each request that arrives before
	// the first connection is ready.
	dialsAtOnce = 4
	idleTimeout = 10 * time.Second // then unused connections are closed: each costs both sides a ping every 3 s
)

// client sends requests to instances. It keeps one connection to each recently used instance, which all requests share.
type client struct {
	identity  *identity
	roster    *roster
	conns     *connSet
	reached   func(instance string)
	lost      func(instance string, err error) // see Cluster.connLost
	transport *http.Transport
	idle      *time.Timer // runs closeIdle

	mu       sync.Mutex
	dialling map[string]*dials // by instance
}

// dials are the connections to one instance that are being opened.
type dials struct {
	tokens  chan struct{} // holds a token for each dial
	pending int           // dialling or waiting
}

func newClient(ctx context.Context, id *identity, roster *roster) *client {
	c := &client{identity: id, roster: roster, conns: newConnSet(ctx, setUserTimeout), dialling: map[string]*dials{}}
	c.transport = &http.Transport{
		DialTLSContext:     c.dial,
		Protocols:          onlyHTTP2(),
		HTTP2:              http2Settings(),
		DisableCompression: true,
	}
	c.idle = time.AfterFunc(idleTimeout, c.closeIdle)
	return c
}

// closeIdle closes unused connections when no request has started for idleTimeout. http.Transport could do that, but
// then their end would look like one that the other side has caused.
func (c *client) closeIdle() {
	if c.conns.closeIdle(c.transport.CloseIdleConnections) > 0 {
		c.idle.Reset(idleTimeout)
	}
}

// dial connects to the instance named as the host: connections are kept by instance, and never used for its successor.
func (c *client) dial(ctx context.Context, _, host string) (net.Conn, error) {
	instance, _, err := net.SplitHostPort(host)
	if err != nil {
		return nil, err
	}
	done, err := c.acquire(ctx, instance)
	if err != nil {
		return nil, err
	}
	defer done()
	began := time.Now()
	conn, err := c.connect(ctx, instance)
	switch {
	case err == nil:
		c.reached(instance)
	case ctx.Err() == nil && c.conns.ctx.Err() == nil && !c.roster.calledSince(instance, began):
		c.lost(instance, err)
	}
	return conn, err
}

// acquire waits until another dial to an instance is allowed; the caller calls done after it.
func (c *client) acquire(ctx context.Context, instance string) (done func(), err error) {
	c.mu.Lock()
	d := c.dialling[instance]
	if d == nil {
		d = &dials{tokens: make(chan struct{}, dialsAtOnce)}
		c.dialling[instance] = d
	}
	d.pending++
	c.mu.Unlock()
	leave := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if d.pending--; d.pending == 0 {
			delete(c.dialling, instance)
		}
	}
	select {
	case d.tokens <- struct{}{}:
		return func() { <-d.tokens; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	case <-c.conns.ctx.Done():
		leave()
		return nil, ErrClosed
	}
}

func (c *client) connect(ctx context.Context, instance string) (net.Conn, error) {
	member, ok := c.roster.get(instance)
	if !ok {
		return nil, ErrUnknownNode
	}
	raw, err := c.conns.dial(member.CallAddr.String(), dialTimeout, func(err error) { c.lost(instance, err) })
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, c.identity.client(instance))
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, fmt.Errorf("handshake with %v: %w", member.CallAddr, err)
	}
	return conn, nil
}

// ping makes an empty call to an instance.
func (c *client) ping(ctx context.Context, instance string) error {
	ctx, cancel := context.WithTimeout(ctx, recheckTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/call/node.ping", strings.NewReader("[]"))
	if err != nil {
		return err
	}
	r.Header.Set(timeoutHeader, recheckTimeout.String())
	member, _ := c.roster.get(instance)
	answer, err := c.do(instance, member.Name, r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func (c *client) close() {
	c.idle.Stop()
	c.conns.close()
	c.transport.CloseIdleConnections()
}

// hopHeaders apply to one connection only (RFC 9110 section 7.6.1); HTTP/2 does not allow them.
var hopHeaders = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Te"}

// Do sends a request to the youngest instance of a node. Of the request's URL, only path and query count. The answer's
// body is a stream; the caller closes it. While it is not read, the other side's writes block. Cancel the request's
// context to end it early.
//
// The error is ErrUnknownNode, ErrUnreachable, or the context's.
func (c *Cluster) Do(node string, r *http.Request) (*http.Response, error) {
	member, err := c.roster.owner(node)
	if err != nil {
		return nil, err
	}
	return c.client.do(member.Instance, node, r)
}

func (c *client) do(instance, node string, r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.RequestURI, out.Host = "", instance
	out.URL.Scheme, out.URL.Host, out.URL.User = "https", instance, nil
	for _, h := range hopHeaders {
		out.Header.Del(h)
	}
	c.idle.Reset(idleTimeout)
	answer, err := c.transport.RoundTrip(out)
	if err == nil {
		return answer, nil
	}
	if ctxErr := r.Context().Err(); ctxErr != nil {
		return nil, fmt.Errorf("ask %q: %w", node, ctxErr)
	}
	return nil, fmt.Errorf("ask %q: %w: %w", node, ErrUnreachable, err)
}
