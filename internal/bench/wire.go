package main

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// wire carries HTTP/1.1 requests over kept connections, each in the goroutine that asks: as lean as the WebSocket that
// ttyd is asked through. With http.Transport, which has two goroutines for each connection, what is compared is mostly
// the measuring side.
type wire struct {
	buffer  int // bytes that a connection reads at once; 0: 64 KiB
	receive int // of the kernel's buffer for what was not read yet; 0: what it likes

	mu   sync.Mutex
	idle []*wireConn
}

type wireConn struct {
	net.Conn
	in  *bufio.Reader
	out *bufio.Writer
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := w.conn(r)
	if err != nil {
		return nil, err
	}
	// An open connection.
	stop := context.AfterFunc(r.Context(), func() { c.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck
	answer, err := c.exchange(r)
	if err != nil {
		stop()
		c.Close()
		return nil, err
	}
	body := &wireBody{ReadCloser: answer.Body, end: func(whole bool) {
		if stop() && whole && !answer.Close {
			w.keep(c)
			return
		}
		c.Close()
	}}
	if answer.Body == http.NoBody {
		body.finish(true)
	}
	answer.Body = body
	return answer, nil
}

func (c *wireConn) exchange(r *http.Request) (*http.Response, error) {
	if err := r.Write(c.out); err != nil {
		return nil, err
	}
	if err := c.out.Flush(); err != nil {
		return nil, err
	}
	return http.ReadResponse(c.in, r)
}

func (w *wire) conn(r *http.Request) (*wireConn, error) {
	w.mu.Lock()
	if n := len(w.idle); n > 0 {
		c := w.idle[n-1]
		w.idle = w.idle[:n-1]
		w.mu.Unlock()
		return c, nil
	}
	w.mu.Unlock()
	var d net.Dialer
	c, err := d.DialContext(r.Context(), "tcp", r.URL.Host)
	if err != nil {
		return nil, err
	}
	if w.receive > 0 {
		c.(*net.TCPConn).SetReadBuffer(w.receive) //nolint:errcheck // an open connection
	}
	return &wireConn{c, bufio.NewReaderSize(c, cmp.Or(w.buffer, 64<<10)), bufio.NewWriter(c)}, nil
}

func (w *wire) keep(c *wireConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = append(w.idle, c)
}

// CloseIdleConnections is what http.Client calls.
func (w *wire) CloseIdleConnections() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.idle {
		c.Close()
	}
	w.idle = nil
}

// wireBody gives its connection back when it was read to the end.
type wireBody struct {
	io.ReadCloser
	end  func(whole bool)
	once sync.Once
}

func (b *wireBody) finish(whole bool) { b.once.Do(func() { b.end(whole) }) }

func (b *wireBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.finish(true)
	}
	return n, err
}

func (b *wireBody) Close() error {
	b.finish(false)
	return nil
}
