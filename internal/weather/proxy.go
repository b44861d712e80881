package weather

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// Proxy carries HTTP/1.1 from clients to a server through bad weather. The weather touches commands (POST) and event
// streams; pages, scripts and questions get through.
type Proxy struct {
	target   string
	listener net.Listener
	group    sync.WaitGroup

	mu      sync.Mutex
	weather Weather
	random  *rand.Rand
	conns   map[net.Conn]bool
	closed  bool
	tally   Tally
}

// Tally is what has happened so far, in requests.
type Tally struct{ Carried, Cut, Copied int }

// NewProxy listens on a free loopback port and carries to target, "host:port". Its faults follow from seed and from the
// order in which requests come. Close it.
func NewProxy(target string, seed uint64, w Weather) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		target:   target,
		listener: listener,
		weather:  w,
		random:   rand.New(rand.NewPCG(seed, 1)),
		conns:    map[net.Conn]bool{},
	}
	p.group.Go(p.accept)
	return p, nil
}

// Addr is where clients connect to, "127.0.0.1:port".
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Change makes the weather another one, for the requests that come from now on.
func (p *Proxy) Change(w Weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.weather = w
}

// Tally says what has happened so far.
func (p *Proxy) Tally() Tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tally
}

// Close ends all clients' connections. It waits until the server has answered the copies that are still under way.
func (p *Proxy) Close() {
	p.listener.Close() //nolint:errcheck // nobody is left to mind
	p.mu.Lock()
	p.closed = true
	for c := range p.conns {
		c.Close() //nolint:errcheck // as above
	}
	p.mu.Unlock()
	p.group.Wait()
}

func (p *Proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.group.Go(func() { p.serve(in) })
	}
}

// serve carries one client's requests, one after the other, over one connection to the server.
func (p *Proxy) serve(in net.Conn) {
	if !p.add(in) {
		return
	}
	defer p.remove(in)
	up, err := net.Dial("tcp", p.target)
	if err != nil || !p.add(up) {
		return
	}
	keep := false
	defer func() {
		if !keep {
			p.remove(up)
		}
	}()
	var raw bytes.Buffer // the request as it came: clients send the next one after the answer to this one
	client := bufio.NewReader(io.TeeReader(in, &raw))
	for {
		request, err := http.ReadRequest(client)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		whole := bytes.Clone(raw.Bytes())
		f := p.fate(request, len(whole))
		idle := p.watch(client, up, f)
		err = p.exchange(in, up, request, whole, f)
		if err != nil {
			in.Close() //nolint:errcheck // this is the fault
			keep = f.deaf && errors.Is(err, errCut)
			if keep {
				p.group.Go(func() { p.drain(up) })
			}
		}
		if gone := <-idle; err != nil || gone != nil {
			return
		}
		first, _ := client.Peek(client.Buffered())
		raw.Reset()
		raw.Write(first) // of the next request
	}
}

// watch waits for the next request's first byte while this one is under way. A client that goes away takes the
// connection to the server with it, unless that is not to notice.
func (p *Proxy) watch(client *bufio.Reader, up net.Conn, f fate) <-chan error {
	idle := make(chan error, 1)
	p.group.Go(func() {
		_, err := client.Peek(1)
		if err != nil && !f.deaf {
			up.Close() //nolint:errcheck // as the client did
		}
		idle <- err
	})
	return idle
}

// exchange carries a request and its answer as fate has it.
func (p *Proxy) exchange(in, up net.Conn, request *http.Request, raw []byte, f fate) error {
	if f.late > 0 {
		p.group.Go(func() {
			time.Sleep(f.late)
			p.repeat(request, raw)
		})
	}
	if f.early {
		p.repeat(request, raw)
	}
	time.Sleep(f.delay)
	if f.asked >= 0 {
		up.Write(raw[:f.asked]) //nolint:errcheck // lost either way
		return errLost
	}
	if _, err := up.Write(raw); err != nil {
		return err
	}
	back := &cutter{to: in, left: f.answered, lag: f.lag}
	answer, err := http.ReadResponse(bufio.NewReader(io.TeeReader(up, back)), request)
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

var (
	errLost = errors.New("both ends lost the connection")
	errCut  = errors.New("the client lost the connection")
)

// cutter passes on what an answer begins with.
type cutter struct {
	to   net.Conn
	left int // -1: all
	lag  time.Duration
}

func (c *cutter) Write(b []byte) (int, error) {
	time.Sleep(c.lag)
	if c.left < 0 || len(b) <= c.left {
		n, err := c.to.Write(b)
		c.left -= min(c.left+1, n)
		return n, err
	}
	c.to.Write(b[:c.left]) //nolint:errcheck // cut anyway
	return 0, errCut
}

// repeat sends a request once more, on a connection of its own, and waits for the answer, which nobody gets.
func (p *Proxy) repeat(request *http.Request, raw []byte) {
	up, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer up.Close()
	up.Write(raw) //nolint:errcheck // then there is no answer
	if answer, err := http.ReadResponse(bufio.NewReader(up), request); err == nil {
		answer.Body.Close() //nolint:errcheck // it is of no interest
	}
}

// drain keeps a connection whose client has gone without the server being told.
func (p *Proxy) drain(up net.Conn) {
	defer p.remove(up)
	io.Copy(io.Discard, up) //nolint:errcheck // until Close
}

// fate draws what happens to a request of n bytes.
func (p *Proxy) fate(r *http.Request, n int) fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := calm
	switch {
	case r.Method == http.MethodPost:
		f = p.weather.post(p.random, n)
	case r.URL.Path == "/stream":
		f = p.weather.stream(p.random)
	default:
		return f
	}
	p.tally.Carried++
	if f.asked >= 0 || f.answered >= 0 {
		p.tally.Cut++
	}
	if f.early || f.late > 0 {
		p.tally.Copied++
	}
	return f
}

func (p *Proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.Close() //nolint:errcheck // too late
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) remove(c net.Conn) {
	c.Close() //nolint:errcheck // it may be closed already
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}
