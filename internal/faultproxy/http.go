package faultproxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// Stats counts requests that may have faults.
type Stats struct{ Forwarded, Cut, Repeated int }

// SetFaults replaces the faults, for requests that arrive from now on.
func (p *Proxy) SetFaults(f Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
}

// Stats returns what has happened so far.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// serveHTTP forwards a client's requests, one after the other, over one connection to the server.
func (p *Proxy) serveHTTP(client, server net.Conn) {
	keep := false
	defer func() {
		if !keep {
			p.remove(server)
		}
	}()
	var raw bytes.Buffer // the request as it came: clients send the next one after the answer to this one
	in := bufio.NewReader(io.TeeReader(client, &raw))
	for {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		e := exchange{p, client, server, request, bytes.Clone(raw.Bytes()), p.fate(request, raw.Len())}
		next := p.watch(in, server, e.fate)
		err = e.forward()
		if err != nil {
			client.Close() //nolint:errcheck // this is the fault
			keep = e.fate.half && errors.Is(err, errCut)
			if keep {
				p.group.Go(func() { p.drain(server) })
			}
		}
		if gone := <-next; err != nil || gone != nil {
			return
		}
		first, _ := in.Peek(in.Buffered())
		raw.Reset()
		raw.Write(first) // of the next request
	}
}

// watch waits for the first byte of the next request while this one is in progress. If the client disconnects, so does
// the proxy from the server, unless the server must not notice.
func (p *Proxy) watch(client *bufio.Reader, server net.Conn, f fate) <-chan error {
	next := make(chan error, 1)
	p.group.Go(func() {
		_, err := client.Peek(1)
		if err != nil && !f.half {
			server.Close() //nolint:errcheck // it may be closed already
		}
		next <- err
	})
	return next
}

// exchange is a request that is being forwarded.
type exchange struct {
	proxy          *Proxy
	client, server net.Conn
	request        *http.Request
	raw            []byte // the request as it came
	fate           fate
}

// forward forwards the request and its answer.
func (e exchange) forward() error {
	if e.fate.repeatAfter > 0 {
		e.proxy.group.Go(func() {
			time.Sleep(e.fate.repeatAfter)
			e.repeat()
		})
	}
	if e.fate.repeatFirst {
		e.repeat()
	}
	e.proxy.hold(e.fate.delay)
	if n := e.fate.requestBytes; n >= 0 {
		e.server.Write(e.raw[:n]) //nolint:errcheck // lost either way
		return errLost
	}
	if _, err := e.server.Write(e.raw); err != nil {
		return err
	}
	back := &answerWriter{proxy: e.proxy, to: e.client, left: e.fate.answerBytes, lag: e.fate.lag}
	answer, err := http.ReadResponse(bufio.NewReader(io.TeeReader(e.server, back)), e.request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.Close {
		return errLost
	}
	return nil
}

// hold waits as long as bytes are delayed and stalled, and d.
func (p *Proxy) hold(d time.Duration) {
	time.Sleep(d + p.latency())
	<-p.gate()
}

var (
	errLost = errors.New("both ends lost the connection")
	errCut  = errors.New("the client lost the connection")
)

// answerWriter forwards the beginning of an answer.
type answerWriter struct {
	proxy *Proxy
	to    net.Conn
	left  int // -1: all
	lag   time.Duration
}

func (w *answerWriter) Write(b []byte) (int, error) {
	w.proxy.hold(w.lag)
	if w.left < 0 || len(b) <= w.left {
		n, err := w.to.Write(b)
		w.left -= min(w.left+1, n)
		return n, err
	}
	w.to.Write(b[:w.left]) //nolint:errcheck // cut anyway
	return 0, errCut
}

// repeat sends a request again, on a connection of its own, and waits for the answer, which no client gets.
func (e exchange) repeat() {
	server, err := net.Dial("tcp", e.proxy.target)
	if err != nil {
		return
	}
	defer server.Close()
	server.Write(e.raw) //nolint:errcheck // then there is no answer
	if answer, err := http.ReadResponse(bufio.NewReader(server), e.request); err == nil {
		answer.Body.Close() //nolint:errcheck // it is of no interest
	}
}

// drain keeps a connection whose client has disconnected without the server noticing.
func (p *Proxy) drain(server net.Conn) {
	defer p.remove(server)
	io.Copy(io.Discard, server) //nolint:errcheck // until Close
}

// fate draws what happens to a request of n bytes.
func (p *Proxy) fate(r *http.Request, n int) fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := harmless
	switch {
	case r.Method == http.MethodPost:
		f = p.faults.post(p.random, n)
	case r.URL.Path == "/stream":
		f = p.faults.stream(p.random)
	default:
		return f
	}
	p.stats.Forwarded++
	if f.requestBytes >= 0 || f.answerBytes >= 0 {
		p.stats.Cut++
	}
	if f.repeatFirst || f.repeatAfter > 0 {
		p.stats.Repeated++
	}
	return f
}
